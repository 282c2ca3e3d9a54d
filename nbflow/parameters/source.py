"""Parameter values as the code of papermill's `injected-parameters` cell.

This module decides how each value is written so that running the cell gives an equal value
of equal type. It must never let a value's text become code: every fragment is built from
`repr` of plain data, and types outside the table are refused.
"""

from __future__ import annotations

import importlib
import keyword
import math
import sys
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, time, timedelta, timezone, tzinfo
from decimal import Decimal
from enum import Enum, Flag
from fractions import Fraction
from pathlib import PosixPath, PurePath, PurePosixPath, PureWindowsPath, WindowsPath
from typing import Any, Final
from uuid import UUID
from zoneinfo import ZoneInfo

from nbflow.exceptions import ParameterTypeError
from nbflow.parameters.preview import short_repr

_ALIAS: Final = "_nbflow_"
#: Python's parser gives up at about 200 open brackets, papermill's record at fewer.
_DEEPEST: Final = 60
#: Elements of an array that may stand in a cell.
_LONGEST_ARRAY: Final = 10_000
#: Digits beyond which Python refuses decimal integers are about 4,300; hexadecimal has no limit.
_DECIMAL_BITS: Final = 10_000


def to_python_source(values: Mapping[str, Any]) -> str:
    """The body of the injected-parameters cell of a Python notebook.

    Modules it needs are imported under names that begin with `_nbflow_`, which no notebook
    uses.

    Raises `ParameterTypeError` naming the value that cannot be written, and for names that
    are no Python names.
    """
    writer = _Writer()
    lines = [f"{_checked_name(name)} = {writer.write(name, v)}" for name, v in values.items()]
    imports = [f"import {module} as {_alias(module)}" for module in sorted(writer.modules)]
    return "\n".join(["# Parameters", *imports, *lines]) + "\n"


def to_source(values: Mapping[str, Any], language: str, *, kernel: str = "") -> str:
    """The body of the injected-parameters cell in a notebook's language.

    Python's is `to_python_source`; others are papermill's, which know plain values only.
    Raises `ParameterTypeError` for a language papermill does not know.
    """
    if language.lower() in {"python", "ipython"}:
        return to_python_source(values)
    from papermill.exceptions import PapermillException  # noqa: PLC0415 - heavy, only other languages
    from papermill.translators import papermill_translators  # noqa: PLC0415 - as above

    try:
        translator = papermill_translators.find_translator(kernel, language)
        return str(translator.codify(dict(values)))
    except (PapermillException, NotImplementedError) as error:
        raise ParameterTypeError(
            f"Parameters cannot be written for a notebook in {language} ({error}). "
            "Run it without parameters."
        ) from error


def _checked_name(name: str) -> str:
    if not name.isidentifier() or keyword.iskeyword(name) or name == "__debug__":
        raise ParameterTypeError(
            f"{name!r} cannot be a parameter of a notebook: it is no Python variable name."
        )
    return name


def _alias(module: str) -> str:
    return _ALIAS + module.replace(".", "_")


class _Refused(Exception):
    """A value cannot be written; the text says which part."""


class _Writer:
    """Writes values as expressions and collects the modules they need."""

    def __init__(self) -> None:
        self.modules: set[str] = set()
        self._depth = 0

    def write(self, name: str, value: Any) -> str:
        try:
            return self.expression(value)
        except _Refused as refused:
            raise ParameterTypeError(
                f"Parameter {name!r} cannot be written into a notebook: {refused}. "
                "Pass plain data, a path to a file, or call the flow from Python."
            ) from None

    def expression(self, value: Any) -> str:
        self._depth += 1
        try:
            if self._depth > _DEEPEST:
                raise _Refused(f"it is nested deeper than {_DEEPEST} levels, or holds itself")
            return self._encoder(value)(self, value)
        finally:
            self._depth -= 1

    def _encoder(self, value: Any) -> Callable[[_Writer, Any], str]:
        kind = type(value)
        encoder = _ENCODERS.get(kind)
        if encoder is None:
            dotted = f"{kind.__module__.split('.')[0]}.{kind.__name__}"
            encoder = _ENCODERS_BY_NAME.get(dotted) or _by_base(value)
        if encoder is None:
            raise _Refused(f"{short_repr(value, 80)} is a {kind.__module__}.{kind.__qualname__}")
        return encoder

    def name(self, module: str, attribute: str) -> str:
        self.modules.add(module)
        return f"{_alias(module)}.{attribute}"

    def call(self, module: str, attribute: str, *args: Any) -> str:
        return f"{self.name(module, attribute)}({', '.join(map(self.expression, args))})"

    def items(self, values: Any) -> str:
        return ", ".join(map(self.expression, values))


def _by_base(value: Any) -> Callable[[_Writer, Any], str] | None:
    if isinstance(value, Enum):
        return _enum
    if type(value).__module__ == "numpy" and hasattr(value, "dtype") and hasattr(value, "item"):
        return _numpy_scalar
    return None


# ── plain values ─────────────────────────────────────────────────────────────────────────


def _repr(_: _Writer, value: Any) -> str:
    return repr(value)


def _int(_: _Writer, value: int) -> str:
    return repr(value) if value.bit_length() < _DECIMAL_BITS else hex(value)


def _float(_: _Writer, value: float) -> str:
    return repr(value) if math.isfinite(value) else f'float("{value!r}")'


def _complex(writer: _Writer, value: complex) -> str:
    return f"complex({_float(writer, value.real)}, {_float(writer, value.imag)})"


def _list(writer: _Writer, value: list[Any]) -> str:
    return f"[{writer.items(value)}]"


def _tuple(writer: _Writer, value: tuple[Any, ...]) -> str:
    return f"({writer.items(value)}{',' if len(value) == 1 else ''})"


def _set(writer: _Writer, value: set[Any]) -> str:
    # Sorted, so that the same run writes the same notebook.
    return f"{{{', '.join(sorted(map(writer.expression, value)))}}}" if value else "set()"


def _frozenset(writer: _Writer, value: frozenset[Any]) -> str:
    return f"frozenset({_set(writer, set(value))})" if value else "frozenset()"


def _dict(writer: _Writer, value: dict[Any, Any]) -> str:
    pairs = (f"{writer.expression(k)}: {writer.expression(v)}" for k, v in value.items())
    return f"{{{', '.join(pairs)}}}"


def _range(_: _Writer, value: range) -> str:
    return repr(value)


def _slice(writer: _Writer, value: slice) -> str:
    return f"slice({writer.items((value.start, value.stop, value.step))})"


# ── the standard library ─────────────────────────────────────────────────────────────────


def _date(writer: _Writer, value: date) -> str:
    return writer.call("datetime", "date", value.year, value.month, value.day)


def _datetime(writer: _Writer, value: datetime) -> str:
    parts = [value.year, value.month, value.day, value.hour, value.minute]
    parts += [value.second, value.microsecond]
    return _clock(writer, "datetime", parts, value)


def _time(writer: _Writer, value: time) -> str:
    parts = [value.hour, value.minute, value.second, value.microsecond]
    return _clock(writer, "time", parts, value)


def _clock(writer: _Writer, kind: str, parts: list[int], value: datetime | time) -> str:
    arguments = [str(part) for part in parts]
    if value.tzinfo is not None:
        arguments.append(f"tzinfo={_tzinfo(writer, value.tzinfo)}")
    if value.fold:
        arguments.append("fold=1")
    return f"{writer.name('datetime', kind)}({', '.join(arguments)})"


def _tzinfo(writer: _Writer, value: tzinfo) -> str:
    if type(value) is timezone:
        return _timezone(writer, value)
    if type(value) is ZoneInfo and value.key:
        return _zone(writer, value)
    raise _Refused(
        f"the time zone {short_repr(value, 60)} is a {type(value).__module__} object; "
        "use zoneinfo.ZoneInfo"
    )


def _timezone(writer: _Writer, value: timezone) -> str:
    if value is UTC:
        return writer.name("datetime", "timezone.utc")
    offset, *name = value.__getinitargs__()  # type: ignore[attr-defined]
    return writer.call("datetime", "timezone", offset, *name)


def _zone(writer: _Writer, value: ZoneInfo) -> str:
    if not value.key:
        raise _Refused("the time zone has no name")
    return writer.call("zoneinfo", "ZoneInfo", value.key)


def _timedelta(writer: _Writer, value: timedelta) -> str:
    return writer.call("datetime", "timedelta", value.days, value.seconds, value.microseconds)


def _path(writer: _Writer, value: PurePath) -> str:
    concrete = isinstance(value, (PosixPath, WindowsPath))
    return writer.call("pathlib", "Path" if concrete else type(value).__name__, str(value))


def _decimal(writer: _Writer, value: Decimal) -> str:
    return writer.call("decimal", "Decimal", str(value))


def _fraction(writer: _Writer, value: Fraction) -> str:
    return writer.call("fractions", "Fraction", value.numerator, value.denominator)


def _uuid(writer: _Writer, value: UUID) -> str:
    return writer.call("uuid", "UUID", str(value))


def _enum(writer: _Writer, value: Enum) -> str:
    kind = type(value)
    if not _importable(kind):
        raise _Refused(
            f"{short_repr(value, 60)} is of the class {kind.__qualname__}, "
            "which the notebook cannot import"
        )
    name = writer.name(kind.__module__, kind.__qualname__)
    if isinstance(value, Flag) or value.name not in kind.__members__:
        return f"{name}({writer.expression(value.value)})"
    return f"{name}[{value.name!r}]"


def _importable(kind: type) -> bool:
    parts = [*kind.__module__.split("."), *kind.__qualname__.split(".")]
    if kind.__module__ == "__main__" or not all(part.isidentifier() for part in parts):
        return False
    found: Any = sys.modules.get(kind.__module__) or importlib.import_module(kind.__module__)
    for part in kind.__qualname__.split("."):
        found = getattr(found, part, None)
    return found is kind


# ── numpy and pandas: known by name, so that they are not imported here ──────────────────


def _numpy_scalar(writer: _Writer, value: Any) -> str:
    kind, name = value.dtype.kind, type(value).__name__
    if kind in "mM":
        unit = value.dtype.str.partition("[")[2].rstrip("]")
        text = "NaT" if value != value else str(value.astype("int64"))  # noqa: PLR0124 - NaT is not itself
        number = f"{text!r}" if text == "NaT" else text
        return f"{writer.name('numpy', name)}({number}, {unit!r})"
    if kind not in "biufcSU" or (value.dtype.itemsize > 8 * (1 + (kind == "c")) and kind in "fc"):
        raise _Refused(f"{short_repr(value, 80)} is a numpy.{name}")
    plain = value.item()
    written = _ENCODERS[type(plain)](writer, plain)
    return f"{writer.name('numpy', name)}({written})"


def _numpy_array(writer: _Writer, value: Any) -> str:
    dtype = value.dtype
    if dtype.kind not in "biufcSUmM" or (dtype.kind in "fc" and dtype.itemsize > _widest(dtype)):
        raise _Refused(f"it is an array of {dtype}")
    if value.size > _LONGEST_ARRAY:
        raise _Refused(f"it is an array of {value.size:,} elements; the most is {_LONGEST_ARRAY:,}")
    stored, view = value, ""
    if dtype.kind in "mM":
        stored, view = value.astype("int64"), f".astype({dtype.str!r})"
    items = writer.expression(stored.ravel().tolist())
    shape = "" if value.ndim == 1 else f".reshape({value.shape!r})"
    code = stored.dtype.str
    return f"{writer.name('numpy', 'array')}({items}, dtype={code!r}){shape}{view}"


def _widest(dtype: Any) -> int:
    return 16 if dtype.kind == "c" else 8


def _timestamp(writer: _Writer, value: Any) -> str:
    naive = value.tz_localize(None) if value.tzinfo else value
    text = f"{writer.name('pandas', 'Timestamp')}({str(naive)!r}).as_unit({value.unit!r})"
    if value.tzinfo is None:
        return text
    zone = _tzinfo(writer, value.tzinfo)
    return f"{text}.tz_localize({zone}, ambiguous={not value.fold})"


def _pandas_timedelta(writer: _Writer, value: Any) -> str:
    return (
        f"{writer.name('pandas', 'Timedelta')}({value.as_unit('ns').value}, 'ns')"
        f".as_unit({value.unit!r})"
    )


def _pandas_missing(writer: _Writer, value: Any) -> str:
    return writer.name("pandas", "NaT" if type(value).__name__ == "NaTType" else "NA")


_ENCODERS: Final[dict[type, Callable[[_Writer, Any], str]]] = {
    type(None): _repr,
    bool: _repr,
    int: _int,
    float: _float,
    complex: _complex,
    str: _repr,
    bytes: _repr,
    bytearray: _repr,
    type(...): _repr,
    list: _list,
    tuple: _tuple,
    set: _set,
    frozenset: _frozenset,
    dict: _dict,
    range: _range,
    slice: _slice,
    date: _date,
    datetime: _datetime,
    time: _time,
    timedelta: _timedelta,
    timezone: _timezone,
    ZoneInfo: _zone,
    Decimal: _decimal,
    Fraction: _fraction,
    UUID: _uuid,
    PosixPath: _path,
    WindowsPath: _path,
    PurePosixPath: _path,
    PureWindowsPath: _path,
}
_ENCODERS_BY_NAME: Final[dict[str, Callable[[_Writer, Any], str]]] = {
    "numpy.ndarray": _numpy_array,
    "pandas.Timestamp": _timestamp,
    "pandas.Timedelta": _pandas_timedelta,
    "pandas.NaTType": _pandas_missing,
    "pandas.NAType": _pandas_missing,
}
