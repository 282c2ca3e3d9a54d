"""The content of arrays, tables and tensors of well-known libraries.

This module decides what counts as content: element types, shape, labels and values; not
memory layout, chunks, `attrs` or caches. It must not import these libraries: it meets their
values only when they are loaded already, and knows the types by name.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from typing import Any, Final

from nbflow.hashing.content import Blocks, Part, Parts, Unhashable, register

#: Bytes of a strided array that are copied at a time.
_BLOCK: Final = 4_000_000


# ── numpy ────────────────────────────────────────────────────────────────────────────────

#: dtype kinds whose bytes are their values.
_RAW_KINDS: Final = frozenset("biufcSUmMV")


@register("numpy.ndarray")
def array_parts(value: Any) -> Parts:
    """What an array is made of, whatever its memory layout."""
    dtype = value.dtype
    yield "", repr((dtype.str, value.shape)).encode()
    if dtype.names is not None:  # field by field: padding between them is not content
        for name in dtype.names:
            yield f"[{name!r}]", value[name]
    elif dtype.kind not in _RAW_KINDS:
        yield "", value.ravel().tolist()
    elif value.size and dtype.itemsize:
        yield from _array_bytes(value)


def _array_bytes(value: Any) -> Iterator[Part]:
    if value.flags.c_contiguous:
        yield "", memoryview(value.reshape(-1).view("u1")).cast("B")
        return
    rows = max(1, _BLOCK * len(value) // value.nbytes)
    blocks = (value[start : start + rows].tobytes() for start in range(0, len(value), rows))
    yield "", Blocks(blocks, value.nbytes)


@register("numpy.MaskedArray")
def _masked_array(value: Any) -> Parts:
    yield ".mask", value.mask if value.mask.any() else None
    yield ".data", value.filled()
    yield ".fill_value", value.fill_value


@register("numpy.generic")
def _numpy_scalar(value: Any) -> Parts:
    dtype = value.dtype
    yield "", dtype.str.encode()
    if dtype.names is not None:
        for name in dtype.names:
            yield f"[{name!r}]", value[name]
    else:
        yield "", value.tobytes()


@register("numpy.dtype")
def _dtype(value: Any) -> Parts:
    yield "", repr(value).encode()


@register("numpy.ufunc")
def _ufunc(value: Any) -> Parts:
    yield "", value.__name__.encode()


# ── scipy ────────────────────────────────────────────────────────────────────────────────


@register("scipy._spbase", "scipy.spmatrix", "scipy.sparray")
def _sparse(value: Any) -> Parts:
    """Stored entries in their order: two ways to store one matrix are two contents."""
    yield ".format", value.format
    yield ".shape", value.shape
    table = value if value.format in {"csr", "csc", "bsr", "coo", "dia"} else value.tocoo()
    for name in ("data", "indices", "indptr", "coords", "offsets", "row", "col"):
        if hasattr(table, name):
            yield f".{name}", getattr(table, name)


# ── pandas ───────────────────────────────────────────────────────────────────────────────


@register("pandas.DataFrame")
def _frame(value: Any) -> Parts:
    yield ".columns", value.columns
    yield ".index", value.index
    for place, label in enumerate(value.columns):
        yield f"[{label!r}]"[:60], value.iloc[:, place].array


@register("pandas.Series")
def _series(value: Any) -> Parts:
    yield ".name", value.name
    yield ".index", value.index
    yield ".values", value.array


@register("pandas.Index")
def _index(value: Any) -> Parts:
    yield ".names", list(value.names)
    if value.nlevels > 1:
        for level in range(value.nlevels):
            yield f".level {level}", value.get_level_values(level).array
    else:
        yield ".values", value.array


@register("pandas.RangeIndex")
def _range_index(value: Any) -> Parts:
    yield ".name", value.name
    yield "", repr((value.start, value.stop, value.step)).encode()


@register("pandas.ExtensionArray")
def _extension_array(value: Any) -> Parts:
    kind = type(value).__name__
    yield "", str(value.dtype).encode()
    if hasattr(value, "codes"):
        yield ".ordered", bool(value.ordered)
        yield ".categories", value.categories
        yield ".codes", value.codes
    elif kind in {"NumpyExtensionArray", "PandasArray", "SparseArray"}:
        yield "", value.to_numpy()
    elif hasattr(value, "asi8"):  # dates, spans and periods, as integers
        yield "", value.asi8
    elif hasattr(value, "_mask") and hasattr(value, "_data"):
        yield ".isna", value.isna()
        yield "", value.to_numpy(dtype=value.dtype.numpy_dtype, na_value=0)
    elif hasattr(value, "left"):
        yield ".left", value.left
        yield ".right", value.right
    elif "Arrow" in kind:
        yield "", value.__arrow_array__()
    else:
        yield "", value.tolist()


@register("pandas.Timestamp", "pandas.Timedelta", "pandas.Period")
def _moment(value: Any) -> Parts:
    yield "", repr(value).encode()
    yield ".unit", getattr(value, "unit", None)
    yield ".fold", getattr(value, "fold", 0)


@register("pandas.Interval")
def _interval(value: Any) -> Parts:
    yield ".closed", value.closed
    yield ".left", value.left
    yield ".right", value.right


@register("pandas.NaTType", "pandas.NAType")
def _missing(_: Any) -> Parts:
    return ()


@register("pandas.ExtensionDtype")
def _pandas_dtype(value: Any) -> Parts:
    yield "", repr(value).encode()


# ── polars ───────────────────────────────────────────────────────────────────────────────


@register("polars.DataFrame")
def _polars_frame(value: Any) -> Parts:
    yield ".height", value.height
    for column in value.get_columns():
        yield f"[{column.name!r}]", column


@register("polars.Series")
def _polars_series(value: Any) -> Parts:
    yield ".name", value.name
    yield ".dtype", str(value.dtype)
    objects = value.dtype == sys.modules["polars"].Object
    yield "", value.to_list() if objects or "pyarrow" not in _loadable() else value.to_arrow()


def _loadable() -> set[str]:
    """Arrow when it is installed: polars itself imports it to convert."""
    try:
        importlib.import_module("pyarrow")
    except ImportError:
        return set()
    return {"pyarrow"}


@register("polars.LazyFrame")
def _lazy_frame(value: Any) -> Parts:
    raise Unhashable("is a polars LazyFrame, which has no rows yet: collect() it first", value)


@register("polars.DataType", "polars.DataTypeClass")
def _polars_dtype(value: Any) -> Parts:
    yield "", repr(value).encode()


@register("polars.Expr")
def _polars_expression(value: Any) -> Parts:
    yield "", value.meta.serialize()


# ── scikit-learn ─────────────────────────────────────────────────────────────────────────


@register("sklearn.Bunch")
def _bunch(value: Any) -> Parts:
    """Its items: what else it holds is lost by pickling."""
    yield "", dict(value)


# ── pydantic ─────────────────────────────────────────────────────────────────────────────


@register("pydantic.Decorator")
def _pydantic_decorator(value: Any) -> Parts:
    """A validator of a class: which one, and for what; not the class's address."""
    yield ".cls_var_name", value.cls_var_name
    yield ".info", value.info


# ── arrow ────────────────────────────────────────────────────────────────────────────────


@register("pyarrow.Table", "pyarrow.RecordBatch")
def _arrow_table(value: Any) -> Parts:
    yield ".num_rows", value.num_rows
    for place, name in enumerate(value.schema.names):
        yield f"[{name!r}]", name
        yield f"[{name!r}]", value.column(place)


@register("pyarrow.ChunkedArray")
def _chunked_array(value: Any) -> Parts:
    chunks = value.combine_chunks()
    arrays = chunks.chunks if hasattr(chunks, "chunks") else [chunks]
    for array in arrays:
        yield from _arrow_array(array)


@register("pyarrow.Array")
def _arrow_array(value: Any) -> Parts:
    """Its type, which elements are null, and the others; garbage under nulls left out."""
    yield "", str(value.type).encode()
    yield ".length", len(value)
    types = importlib.import_module("pyarrow.types")
    if not types.is_null(value.type):
        yield from _arrow_elements(_usual_layout(value, types), types)


def _usual_layout(value: Any, types: Any) -> Any:
    """The same elements in a layout that arrow's functions know."""
    pyarrow = sys.modules["pyarrow"]
    if types.is_run_end_encoded(value.type):
        return importlib.import_module("pyarrow.compute").run_end_decode(value)
    if types.is_string_view(value.type):
        return value.cast(pyarrow.large_string())
    if types.is_binary_view(value.type):
        return value.cast(pyarrow.large_binary())
    return value


def _arrow_elements(value: Any, types: Any) -> Iterator[Part]:
    if value.null_count:
        yield ".valid", _arrow_bits(value.is_valid())
        try:
            value = value.drop_null()
        except NotImplementedError:  # arrow cannot filter every type of list
            yield "", value.to_pylist()
            return
    yield from _arrow_values(value, types)


def _arrow_values(value: Any, types: Any) -> Iterator[Part]:
    kind = value.type
    if types.is_dictionary(kind):
        yield "", value.dictionary_decode()
    elif types.is_boolean(kind):
        yield "", _arrow_bits(value)
    elif types.is_struct(kind):
        for field, child in zip(kind, value.flatten(), strict=True):
            yield f".{field.name}", child
    elif types.is_map(kind) or types.is_list(kind) or types.is_large_list(kind):
        yield from _arrow_lists(value)
    elif types.is_fixed_size_list(kind):
        yield "", value.flatten()
    elif _is_text(kind, types):
        yield from _arrow_texts(value, kind, types)
    elif types.is_primitive(kind) or types.is_decimal(kind) or types.is_fixed_size_binary(kind):
        width = kind.bit_width // 8
        yield "", _window(value.buffers()[1], value.offset * width, len(value) * width)
    else:
        yield "", value.to_pylist()


def _is_text(kind: Any, types: Any) -> bool:
    plain = types.is_string(kind) or types.is_binary(kind)
    return bool(plain or types.is_large_string(kind) or types.is_large_binary(kind))


def _arrow_lists(value: Any) -> Iterator[Part]:
    offsets = value.offsets
    yield ".lengths", _lengths(offsets)
    start, end = (offsets[0].as_py(), offsets[-1].as_py()) if len(value) else (0, 0)
    if hasattr(value, "keys"):
        yield ".keys", value.keys.slice(start, end - start)
        yield ".items", value.items.slice(start, end - start)
    else:
        yield ".values", value.values.slice(start, end - start)


def _arrow_texts(value: Any, kind: Any, types: Any) -> Iterator[Part]:
    pyarrow = sys.modules["pyarrow"]
    text = types.is_string(kind) or types.is_large_string(kind)
    value = value.cast(pyarrow.large_string() if text else pyarrow.large_binary())
    offsets = pyarrow.Array.from_buffers(
        pyarrow.int64(), len(value) + 1, [None, value.buffers()[1]], offset=value.offset
    )
    yield ".lengths", _lengths(offsets)
    start, end = (offsets[0].as_py(), offsets[-1].as_py()) if len(value) else (0, 0)
    yield "", _window(value.buffers()[2], start, end - start)


def _lengths(offsets: Any) -> Any:
    """How long each element is, the same wherever in its buffer the array lies."""
    compute = importlib.import_module("pyarrow.compute")
    return compute.subtract(offsets.slice(1), offsets.slice(0, max(0, len(offsets) - 1)))


def _arrow_bits(value: Any) -> Any:
    return value.cast(sys.modules["pyarrow"].int8())


def _window(buffer: Any, start: int, length: int) -> memoryview:
    if buffer is None or not length:
        return memoryview(b"")
    return memoryview(buffer)[start : start + length].cast("B")


@register("pyarrow.Scalar")
def _arrow_scalar(value: Any) -> Parts:
    yield "", str(value.type).encode()
    yield "", value.as_py()


@register("pyarrow.Schema", "pyarrow.DataType", "pyarrow.Field")
def _arrow_type(value: Any) -> Parts:
    yield "", str(value).encode()


# ── torch ────────────────────────────────────────────────────────────────────────────────


@register("torch.Tensor")
def _tensor(value: Any) -> Parts:
    """Element type, shape and values; not the device, nor the gradient."""
    yield "", f"{value.dtype} {tuple(value.shape)} {value.requires_grad}".encode()
    plain = value.detach().cpu().contiguous().reshape(-1)
    yield "", plain.view(sys.modules["torch"].uint8).numpy()
