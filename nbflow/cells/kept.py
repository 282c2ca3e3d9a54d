"""The values of a cell as bytes, and back.

This module decides when bytes can stand for the values of a cell: when a notebook that goes
on from the restored values cannot tell them from the computed ones. It must not know keys,
where the bytes are kept, nor the engine.

All outputs go into one pickle, so that what they share stays shared. Functions and classes
of the notebook are referred to by name: they come from the notebook that loads. What would
come back as a copy, although the notebook holds on to the original, is refused; so is what
would come back as two copies of one memory.
"""

from __future__ import annotations

import copyreg
import importlib
import io
import pickle
import sys
import types
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from nbflow.cells.random_states import Draws
from nbflow.cells.records import CellValues
from nbflow.cells.sharing import Reach, common_memory, common_object, reach_of
from nbflow.exceptions import NotKept, SerializationError

_FORMAT: Final = 1


@dataclass(slots=True)
class KeptValues(CellValues):
    """Values of a cell, with what a restore has to see to besides."""

    #: What the run drew from random generators that the whole process shares.
    draws: Draws | None = None


def dumps_values(
    values: CellValues,
    inputs: Mapping[str, Any],
    *,
    others: Iterable[Any] = (),
    defined: Collection[str] = (),
) -> bytes:
    """The values of a run of a cell as bytes.

    Args:
        values: What the run left. The value of the last expression is not kept.
        inputs: The data that the cell read, by name, as it is after the run.
        others: More values that the notebook holds on to: data that functions read.
        defined: Outputs that a restore makes by executing their definitions again.

    Raises:
        NotKept: A restore would not be faithful; one clear sentence says why.
    """
    outputs = {name: each for name, each in values.outputs.items() if name not in defined}
    _refuse_code(outputs)
    target = _Chunks()
    made_again = {n: v for n, v in values.outputs.items() if n in defined}
    pickler = _pickler(target, made_again)
    draws = values.draws if isinstance(values, KeptValues) else None
    pickler.dump((_FORMAT, tuple(outputs), values.deleted, draws))
    for name, value in outputs.items():
        _dump(pickler, name, value)
    pickler.dump(list(values.shown))
    made = reach_of(outputs.values())
    _check_within(outputs, made)
    _check_between(outputs, made, inputs, others, made_again)
    return b"".join(target.chunks)


def loads_values(blob: bytes | memoryview) -> KeptValues:
    """The values back.

    Raises:
        SerializationError: They cannot be restored here: a class or library is missing, or
            the bytes are damaged. The cell has to be run.
    """
    try:
        unpickler = pickle.Unpickler(io.BytesIO(blob))  # noqa: S301 - results are trusted as code is
        version, names, deleted, draws = unpickler.load()
        if version != _FORMAT:
            raise ValueError(f"they are of format {version}")  # noqa: TRY301 - reported as the others
        outputs = {name: unpickler.load() for name in names}
        return KeptValues(outputs=outputs, deleted=deleted, shown=unpickler.load(), draws=draws)
    except Exception as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        raise SerializationError(
            f"The cell's kept values cannot be restored ({reason})."
        ) from error


# ── pickling ─────────────────────────────────────────────────────────────────────────────


class _Chunks:
    """A file that keeps what is written to it as it comes; large buffers are not copied."""

    def __init__(self) -> None:
        self.chunks: list[bytes] = []
        self.write = self.chunks.append


class _Nowhere:
    """A file that keeps nothing."""

    def write(self, chunk: bytes) -> None:
        """Forget it."""


class _NamingPickler(pickle.Pickler):
    """Keeps no more than the names of what the cell defines.

    The notebook may not have them yet: outputs are published after they were kept.
    """

    def __init__(self, target: _Chunks | _Nowhere, defined: Mapping[str, Any]) -> None:
        super().__init__(target, protocol=5)
        self._names = {id(value): name for name, value in defined.items()}

    def reducer_override(self, value: Any) -> Any:
        """A defined class, function or task by its name."""
        name = self._names.get(id(value))
        return NotImplemented if name is None else (_of_the_notebook, (name,))


def _of_the_notebook(name: str) -> Any:
    return getattr(sys.modules["__main__"], name)


def _pickler(target: _Chunks | _Nowhere, defined: Mapping[str, Any]) -> pickle.Pickler:
    # Without an override the pickler calls no Python for most objects.
    pickler = _NamingPickler(target, defined) if defined else pickle.Pickler(target, protocol=5)
    table = {**copyreg.dispatch_table, types.ModuleType: _reduce_module}
    # Another thread may be in the midst of importing numpy.
    if (array := getattr(sys.modules.get("numpy"), "ndarray", None)) is not None:
        table[array] = _reduce_array
    pickler.dispatch_table = table
    return pickler


def _reduce_module(module: types.ModuleType) -> Any:
    if module.__name__ == "__main__" or sys.modules.get(module.__name__) is not module:
        raise pickle.PicklingError(f"module {module.__name__!r} cannot be imported")
    return importlib.import_module, (module.__name__,)


def _reduce_array(array: Any) -> Any:
    reduced = array.__reduce_ex__(5)
    return reduced if array.flags.writeable else (_read_only, reduced)


def _read_only(make: Callable[..., Any], args: tuple[Any, ...], state: Any = None) -> Any:
    """An array that was read-only; numpy itself forgets that of some."""
    array = make(*args)
    if state is not None:
        array.__setstate__(state)
    array.flags.writeable = False
    return array


def _dump(pickler: pickle.Pickler, name: str, value: Any) -> None:
    try:
        pickler.dump(value)
    except RecursionError:
        raise NotKept(f"output {name!r} is nested too deeply.") from None
    except Exception as error:  # reducing objects is the user's code
        reason = " ".join(str(error).split()) or type(error).__name__
        raise NotKept(f"output {name!r} cannot be pickled ({_clipped(reason)}).") from error


def _clipped(text: str) -> str:
    return text if len(text) <= 160 else text[:159] + "…"  # noqa: PLR2004 - a line or two


# ── what would come back apart ───────────────────────────────────────────────────────────


def _refuse_code(outputs: Mapping[str, Any]) -> None:
    """Raise `NotKept` for functions and classes that only running the cell makes.

    Pickle would refer to them by name, and find another thing of that name, or none.
    """
    for name, value in outputs.items():
        is_code = isinstance(value, (type, types.FunctionType)) and value.__module__ == "__main__"
        if is_code and value.__qualname__.partition(".")[0] in outputs:
            raise NotKept(
                f"output {name!r} is code that the cell makes; define it in a cell above."
            )


def check_faithful(
    outputs: Mapping[str, Any],
    inputs: Mapping[str, Any],
    others: Iterable[Any] = (),
    defined: Collection[str] = (),
) -> None:
    """Raise `NotKept` when outputs share what can change with what the notebook holds on to."""
    data = {name: value for name, value in outputs.items() if name not in defined}
    made_again = {name: value for name, value in outputs.items() if name in defined}
    _check_between(data, reach_of(data.values()), inputs, others, made_again)


def _check_between(
    outputs: Mapping[str, Any],
    made: Reach,
    inputs: Mapping[str, Any],
    others: Iterable[Any],
    made_again: Mapping[str, Any],
) -> None:
    if not (made.objects or made.memory):
        return
    given = reach_of([*inputs.values(), *others])
    if candidates := list(common_object(made, given)):
        copied = _copied(outputs, made_again)
        for value in candidates:
            if id(value) in copied and not _goes_by_name(value):
                raise NotKept(_shared_object(value, outputs, inputs))
    if (pair := common_memory(made, given)) is not None:
        raise NotKept(_shared_memory(pair, outputs, inputs))


def _check_within(outputs: Mapping[str, Any], made: Reach) -> None:
    if any(type(memory.array).__name__ == "memmap" for memory in made.memory):
        raise NotKept(
            "an output is an array in a file (numpy.memmap); keep the file's path instead."
        )
    if (pair := common_memory(made)) is not None:
        raise NotKept(_shared_memory(pair, outputs, {}))


def _copied(outputs: Mapping[str, Any], made_again: Mapping[str, Any]) -> Mapping[int, Any]:
    """The ids of the objects that a pickle would hold."""
    pickler = _pickler(_Nowhere(), made_again)
    for name, value in outputs.items():
        _dump(pickler, name, value)
    ids: Mapping[int, Any] = pickler.memo.copy()
    return ids


def _goes_by_name(value: Any) -> bool:
    """Whether pickle keeps only the name under which the object is found."""
    try:
        return isinstance(value.__reduce_ex__(5), str)
    except Exception:  # noqa: BLE001 - reducing objects is the user's code
        return False


def _shared_object(value: Any, outputs: Mapping[str, Any], inputs: Mapping[str, Any]) -> str:
    output = _name_of(value, outputs)
    source = _name_of(value, inputs)
    if output and source and outputs[output] is inputs[source]:
        same = "itself" if output == source else repr(source)
        return f"output {output!r} is its input {same}; make it a copy."
    kind = type(value).__name__
    whose = f"input {source!r}" if source else "data of the notebook"
    return f"output {output!r} shares a {kind} with {whose}; work on a copy (copy.deepcopy)."


def _shared_memory(
    pair: tuple[Any, Any], outputs: Mapping[str, Any], inputs: Mapping[str, Any]
) -> str:
    names = [name for array in pair if (name := _name_of(array, outputs))]
    source = next((name for array in pair if (name := _name_of(array, inputs))), None)
    first = names[0] if names else next(iter(outputs))
    if inputs:
        whose = f"input {source!r}" if source else "an input"
        return f"output {first!r} is a view into the memory of {whose}; copy it (.copy())."
    second = names[1] if len(names) > 1 else first
    where = (
        f"outputs {first!r} and {second!r} share" if first != second else f"output {first!r} shares"
    )
    return f"{where} the memory of one array; copy it (.copy())."


def _name_of(value: Any, named: Mapping[str, Any]) -> str | None:
    """The first name from which this very object can be reached."""
    for name, each in named.items():
        reach = reach_of((each,))
        if id(value) in reach.objects or any(value is m.array for m in reach.memory):
            return name
    return None
