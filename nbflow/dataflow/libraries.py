"""What is known of functions and objects by the library that they come from.

This module decides, for an *origin*, whose arguments are safe with it. An origin is written as
code would be: `numpy.sort` is a function, `pandas.read_csv()` an object that pandas made,
`pandas.read_csv()[].merge` a method of a part of one. It must not know how origins are found.
"""

from __future__ import annotations

from . import known


def is_object(origin: str) -> bool:
    """True for what a library made, False for its modules, functions and classes."""
    return "(" in origin or "[" in origin


def library_of(origin: str) -> str:
    """`pandas` for whatever comes from it."""
    root = origin.partition(".")[0]
    return root.rstrip("()[]")


def leaves_arguments(origin: str) -> bool:
    """True for functions and methods that change none of their arguments."""
    if not origin or origin in known.MUTATING_FUNCTIONS:
        return False
    if library_of(origin) in known.PURE_LIBRARIES:
        return True
    parts = origin.split(".")
    return any(".".join(parts[:length]) in known.PURE_MODULES for length in range(1, len(parts)))


def changes_owner(origin: str) -> bool:
    """True for methods that may change the object of a library on which they are called."""
    owner, _, method = origin.rpartition(".")
    if library_of(origin) not in known.PURE_LIBRARIES or is_generator(owner):
        return True
    if library_of(origin) in known.DRAWING_LIBRARIES and not method.startswith("get_"):
        return True
    return method in known.CHANGING_METHODS or method.startswith(("set_", "add_", "fit"))


def changes_itself_only(origin: str) -> bool:
    """True for estimators, which train copies of what they were made with; not for pipelines."""
    return library_of(origin) in known.ESTIMATOR_LIBRARIES and "pipe" not in origin


def keeps_arguments(origin: str) -> bool:
    """True for calls whose receiver may hold its arguments afterwards."""
    return not (is_object(origin) and library_of(origin) in known.PURE_LIBRARIES)


def is_generator(origin: str) -> bool:
    """True for random generators: whoever draws from them changes them."""
    return is_object(origin) and origin.startswith(("numpy.random", "random."))
