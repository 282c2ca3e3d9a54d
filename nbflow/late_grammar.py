"""The grammar of internationalised addresses, loaded when the first one is checked.

Where JupyterLab is installed, so is `rfc3987_syntax`, and `jsonschema`, which nbformat imports,
loads it at once: two seconds in which 38 parsers are made that next to no program uses. This
module decides how that waits until somebody asks. It must not change what anybody is answered.
"""

from __future__ import annotations

import importlib
import importlib.util
import sys
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any, Final

NAME: Final = "rfc3987_syntax"


class _Late(ModuleType):
    """Stands for the package until something of it is used."""

    def __init__(self, spec: ModuleSpec) -> None:
        super().__init__(spec.name)
        self.__spec__ = spec
        self.__path__ = spec.submodule_search_locations or []

    @staticmethod
    def is_valid_syntax(term: str, text: str) -> bool:
        """All that `jsonschema` wants of it."""
        return bool(_load().is_valid_syntax(term, text))

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):  # the import system asks for these while it only looks
            raise AttributeError(name)
        return getattr(_load(), name)


def put_off() -> None:
    """Have the grammar loaded when it is first used, not when it is imported."""
    if NAME in sys.modules:
        return
    spec = importlib.util.find_spec(NAME)
    if spec is not None:
        sys.modules[NAME] = _Late(spec)


def _load() -> ModuleType:
    if isinstance(sys.modules.get(NAME), _Late):
        del sys.modules[NAME]
    return importlib.import_module(NAME)
