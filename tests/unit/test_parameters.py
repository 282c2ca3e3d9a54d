"""Parameters keep their types from the command line to the notebook, and are never code."""

from __future__ import annotations

import dataclasses
import datetime as dt
import enum
import http
import inspect
import json
import math
import subprocess
import sys
from decimal import Decimal
from fractions import Fraction
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any, Literal
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pydantic
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from nbflow.annotations import NotSet
from nbflow.exceptions import (
    NotebookError,
    ParameterBindError,
    ParameterTypeError,
    UnknownParameterError,
)
from nbflow.parameters import (
    Parameter,
    ParameterKind,
    bind,
    from_cell,
    from_signature,
    json_schema,
    parse_text,
    preview,
    shown_text,
    to_call,
    to_python_source,
    to_source,
    validate,
)

# ── the parameters cell ──────────────────────────────────────────────────────────────────

CELL = [
    ("n = 1", int, 1),
    ("n = -1", int, -1),
    ("x = 0.5", float, 0.5),
    ("x: float = 1", float, 1),
    ("x = 1  # type: float", float, 1),
    ("s = 'a = b # c'", str, "a = b # c"),
    ("flag = True", bool, True),
    ("anything = None", Any, None),
    ("day: datetime.date = datetime.date(2026, 1, 31)", dt.date, dt.date(2026, 1, 31)),
    ("day = date(2026, 1, 31)", dt.date, dt.date(2026, 1, 31)),
    ("import datetime as d\nday = d.date(2026, 1, 31)", dt.date, dt.date(2026, 1, 31)),
    ("from datetime import datetime as D\nat = D(2026, 1, 31)", dt.datetime, dt.datetime(2026, 1, 31)),
    ("at = datetime.datetime(2026, 1, 31, tzinfo=timezone.utc)", dt.datetime, dt.datetime(2026, 1, 31, tzinfo=dt.UTC)),
    ("at = datetime(2026, 1, 31, tzinfo=ZoneInfo('Asia/Tokyo'))", dt.datetime, dt.datetime(2026, 1, 31, tzinfo=ZoneInfo("Asia/Tokyo"))),
    ("wait = timedelta(hours=1) * 2", dt.timedelta, dt.timedelta(hours=2)),
    ("price = Decimal('1.0')", Decimal, Decimal("1.0")),
    ("half = Fraction(1, 2)", Fraction, Fraction(1, 2)),
    ("p = Path('data') / 'x.csv'", Path, Path("data/x.csv")),
    ("p: 'Path' = None", Path, None),
    ("size = 64 * 1024", int, 65536),
    ("size = 2 ** 10", int, 1024),
    ("t = (1, 'a')", tuple, (1, "a")),
    ("t = {1, 2}", set, {1, 2}),
    ("t = {'a': [1.5, None]}", dict, {"a": [1.5, None]}),
    ("t: list[int] = [1]", list[int], [1]),
    ("t: Optional[int] = None", int | None, None),
    ("t: int | str = 3", int | str, 3),
    ("t: Literal['a', 'b'] = 'a'", Literal["a", "b"], "a"),
    ("t: dict[str, tuple[int, ...]] = {}", dict[str, tuple[int, ...]], {}),
    ("z = 1 + 2j", complex, 1 + 2j),
    ("inf = float('inf')", float, float("inf")),
    ("day: date", dt.date, NotSet),
    ("frame: pd.DataFrame = None", Any, None),
    ("now = datetime.now(timezone.utc)", dt.datetime, NotSet),
    ("here = Path.cwd()", Path, NotSet),
    ("day = date.today() - timedelta(days=1)", Any, NotSet),
    ("x = random.now()", Any, NotSet),
    ("x = os.environ['HOME']", Any, NotSet),
    ("x = open('f').read()", Any, NotSet),
    ("x = f'{1}'", Any, NotSet),
    ("x = [i for i in range(3)]", Any, NotSet),
    ("x = 9 ** 9 ** 9 ** 9", Any, NotSet),
    ("x = date(2026, 13, 1)", Any, NotSet),
    ("x = 1 / 0", Any, NotSet),
    ("x = int", Any, NotSet),
    ("from evil import date\nx = date(2026, 1, 1)", Any, NotSet),
]  # fmt: skip


@pytest.mark.parametrize(("source", "annotation", "default"), CELL, ids=[case[0] for case in CELL])
def test_types_and_defaults_are_read_from_the_text(source, annotation, default):
    (parameter,) = from_cell(source)
    assert parameter.annotation == annotation
    assert parameter.default == default and type(parameter.default) is type(default)
    assert parameter.required is ("=" not in source)


def test_a_cell_with_everything_else_in_it():
    source = '''
        """Docstring."""
        %matplotlib inline
        import os  # not a parameter
        a, b = 1, "x"
        c = d = 0.5    # help for both
        a: int = 2     # the last one counts
        if True:
            hidden = 1
        class K: pass
        _private = 1
        long = [
            1,  # inner
            2,
        ]  # the help
        later = a * 10
        !pip list
        print(a)
    '''
    found = {each.name: each for each in from_cell(inspect.cleandoc(source))}
    assert list(found) == ["b", "c", "d", "a", "_private", "long", "later"]
    assert found["a"].default == 2 and found["a"].help == "the last one counts"
    assert found["c"].help == found["d"].help == "help for both"
    assert found["long"].help == "the help"
    assert found["later"].default == 20 and found["later"].default_source == "a * 10"


def test_a_percent_sign_that_begins_a_line_may_be_arithmetic():
    (parameter,) = from_cell("x = (7\n  % 4)")
    assert parameter.default == 3


@pytest.mark.parametrize("source", ["x = = 1", "def", "x = '\0'"])
def test_a_cell_that_is_not_python_is_named(source):
    with pytest.raises(NotebookError, match=r"cell 3 of a\.ipynb"):
        from_cell(source, cell="cell 3 of a.ipynb")


def test_reading_a_cell_runs_nothing(tmp_path):
    target = tmp_path / "made"
    from_cell(f"x = Path({str(target)!r}).touch()\ny = open({str(target)!r}, 'w')")
    assert not target.exists()


# ── values ───────────────────────────────────────────────────────────────────────────────


class Size(enum.Enum):
    SMALL = "s"
    LARGE = "l"


class Config(pydantic.BaseModel):
    rate: float


@dataclasses.dataclass
class Box:
    width: int


def parameter(annotation, **more):
    return Parameter("x", annotation, **more)


ACCEPTED = [
    (int, "3", 3), (int, 3.0, 3), (float, 1, 1.0), (dt.date, "2026-01-31", dt.date(2026, 1, 31)), (dt.datetime, "2026-01-31T01:02Z", dt.datetime(2026, 1, 31, 1, 2, tzinfo=dt.UTC)),
    (Path, "a/b", Path("a/b")), (Decimal, "1.50", Decimal("1.50")), (set[int], [1, 2, 2], {1, 2}), (tuple[int, ...], [1, 2], (1, 2)), (int | None, None, None), (Size, "s", Size.SMALL),
    (Config, {"rate": 1}, Config(rate=1)), (Box, {"width": "3"}, Box(3)), (Any, object, object), (pd.DataFrame, pd.DataFrame, None), (list, (1,), [1]), (UUID, str(UUID(int=5)), UUID(int=5)), (Literal["a"], "a", "a"), (np.ndarray, np.zeros(1), None),
]  # fmt: skip
ACCEPTED = [case for case in ACCEPTED if case[1] is not pd.DataFrame]


@pytest.mark.parametrize(("annotation", "value", "expected"), ACCEPTED, ids=str)
def test_values_take_their_declared_type(annotation, value, expected):
    found = validate([parameter(annotation)], {"x": value})["x"]
    if expected is None:
        assert found is value
    else:
        assert found == expected and type(found) is type(expected)


REFUSED = [
    (dt.date, "yesterday", "must be a date; got 'yesterday'. Use e.g. 2026-01-31."),
    (int, "abc", "must be an int; got 'abc'. Use e.g. 3."),
    (int, 1.5, "must be an int; got 1.5"),
    (str, 3, "must be a str; got 3"),
    (list[int], [1, "a"], "must be of type list[int]; got [1, 'a'] (at 1: "),
    (Literal["a", "b"], "c", "must be one of 'a', 'b'; got 'c'."),
    (Size, "m", "must be one of 's', 'l'; got 'm'."),
    (Config, {"rate": "fast"}, "must be a Config; got {'rate': 'fast'} (at rate: "),
    (pd.DataFrame, [1], "must be a DataFrame; got [1]."),
    (int | None, "x", "must be of type int | None; got 'x'"),
]


@pytest.mark.parametrize(("annotation", "value", "message"), REFUSED, ids=str)
def test_a_value_of_another_type_is_refused_in_a_sentence(annotation, value, message):
    with pytest.raises(ParameterTypeError) as caught:
        validate([parameter(annotation)], {"x": value}, owner="flow 'etl'")
    assert f"Parameter 'x' of flow 'etl' {message}" in str(caught.value)


INFERRED = [
    ("x = 1", 3, True), ("x = 1", "abc", False), ("x = 1", True, False), ("x = 1", 0.5, False), ("x = 0.5", 1, True), ("x = True", 1, False), ("x = True", "yes", False), ("x = True", False, True),
    pytest.param("x = None", object(), True, id="x = None-object-True"), ("x = 'a'", 1, False), ("x = []", [1, "a"], True), ("x = date(2026, 1, 1)", "2026-02-01", True), ("x = date(2026, 1, 1)", "soon", False), ("x = Path('a')", "b", True), ("x = date.today()", "2026-02-01", True), ("x = date.today()", "soon", False),
]  # fmt: skip


@pytest.mark.parametrize(("cell", "value", "fits"), INFERRED, ids=str)
def test_without_annotation_the_type_of_the_default_counts(cell, value, fits):
    params = from_cell(cell)
    if fits:
        assert "x" in validate(params, {"x": value})
    else:
        with pytest.raises(ParameterTypeError, match="default"):
            validate(params, {"x": value})


def test_names_are_checked_and_near_matches_named():
    params = from_cell("alpha = 1\nbeta = 2\nneeded: int")
    with pytest.raises(
        UnknownParameterError,
        match=r"Notebook 'a' has no parameter 'alhpa'\. Did you mean 'alpha'\?",
    ):
        validate(params, {"alhpa": 1, "needed": 1}, owner="notebook 'a'")
    with pytest.raises(UnknownParameterError, match="Its parameters are alpha, beta, needed"):
        validate(params, {"zzzz": 1, "needed": 1})
    with pytest.raises(UnknownParameterError, match="It takes none"):
        validate([], {"x": 1})
    with pytest.raises(ParameterBindError, match="'needed'"):
        validate(params, {})
    assert validate(params, {"zzzz": 1, "needed": "1"}, strict_names=False) == {
        "needed": 1,
        "zzzz": 1,
    }


def test_star_arguments_are_checked_one_by_one():
    def f(*args: int, **kwargs: float): ...

    params = from_signature(f)
    assert validate(params, {"args": ("1", 2), "kwargs": {"a": "1.5"}, "b": 2}) == {
        "args": (1, 2),
        "kwargs": {"a": 1.5, "b": 2.0},
    }
    with pytest.raises(ParameterTypeError, match="'kwargs'"):
        validate(params, {"c": "x"})


def test_values_that_fit_are_passed_as_they_are_without_pydantic():
    code = "import sys; from nbflow.parameters import *; p = from_signature(eval('lambda x: x')); q = [Parameter('x', list[int])]; v = [1]; assert validate(q, {'x': v})['x'] is v; assert 'pydantic' not in sys.modules and 'numpy' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_types_that_cannot_be_checked_take_their_instances():
    @dataclasses.dataclass
    class Odd:
        other: Nowhere  # noqa: F821

    class Child(Odd): ...

    child = Child(1)
    assert validate([parameter(Odd)], {"x": child})["x"] is child
    with pytest.raises(ParameterTypeError, match="must be a Odd"):
        validate([parameter(Odd)], {"x": 3})


# ── text ─────────────────────────────────────────────────────────────────────────────────

TEXT = [
    (Any, "1", 1), (Any, "1.5", 1.5), (Any, "1e3", 1000.0), (Any, "True", True), (Any, "None", None), (Any, "true", "true"), (Any, "[1]", "[1]"), (Any, "007", 7),
    (str, "007", "007"), (str, "None", "None"), (int, "7", 7), (float, "7", 7.0), (bool, "yes", True), (bool, "False", False), (bool, "0", False),
    (int | None, "none", None), (int | None, "5", 5), (str | None, "5", "5"), (list[int], "[1, 2]", [1, 2]), (list[str], "['a']", ["a"]), (tuple[int, str], "(1, 'a')", (1, "a")), (dict[str, int], '{"a": 1}', {"a": 1}),
    (set[str], '["a"]', {"a"}), (dt.date, "2026-01-31", dt.date(2026, 1, 31)), (dt.timedelta, "01:00:00", dt.timedelta(hours=1)), (Path, "1", Path("1")), (Decimal, "1.50", Decimal("1.50")), (Size, "s", Size.SMALL), (Size, "LARGE", Size.LARGE),
    (Config, '{"rate": 2}', Config(rate=2)), (bytes, "ab", b"ab"), (UUID, str(UUID(int=1)), UUID(int=1)), (complex, "1+2j", 1 + 2j), (Literal[1, 2], "2", 2), (float, "nan", None),
]  # fmt: skip


@pytest.mark.parametrize(("annotation", "text", "expected"), TEXT, ids=str)
def test_text_is_read_by_the_declared_type(annotation, text, expected):
    found = parse_text([parameter(annotation)], "x", text)
    if text == "nan":
        assert math.isnan(found)
    else:
        assert found == expected and type(found) is type(expected)


def test_text_that_means_no_value_is_refused():
    with pytest.raises(ParameterTypeError, match=r"must be an int; got 'abc'"):
        parse_text([parameter(int)], "x", "abc")
    with pytest.raises(UnknownParameterError, match="Did you mean 'x'"):
        parse_text([parameter(int)], "xx", "1")


def test_a_bool_default_takes_words_on_the_command_line():
    assert parse_text(from_cell("x = True"), "x", "no") is False


# ── schema ───────────────────────────────────────────────────────────────────────────────


def test_the_schema_describes_a_form():
    def f(
        day: dt.date,
        n: int = 3,
        size: Size = Size.SMALL,
        config: Config | None = None,
        frame: pd.DataFrame = None,
        other=float("nan"),
        *,
        path: Path = Path("a"),
    ):
        """Do it.

        Args:
            day: which day
                to run
            n (int): how many
        """

    schema = json_schema(from_signature(f), title="f")
    json.dumps(schema, allow_nan=False)
    assert schema["required"] == ["day"]
    assert schema["properties"]["day"] == {
        "type": "string",
        "format": "date",
        "title": "day",
        "position": 0,
        "description": "which day to run",
    }
    assert schema["properties"]["n"] == {
        "type": "integer",
        "title": "n",
        "position": 1,
        "default": 3,
        "description": "how many",
    }
    assert schema["properties"]["size"]["default"] == "s"
    assert schema["$defs"]["Config"]["properties"]["rate"]["type"] == "number"
    assert schema["properties"]["frame"] == {"title": "frame", "position": 4, "default": None}
    assert schema["properties"]["path"]["default"] == "a"
    assert schema["additionalProperties"] is False


# ── signatures and calls ─────────────────────────────────────────────────────────────────


def test_annotations_that_cannot_be_evaluated_count_as_any():
    def f(a: Missing, b: Path, c: None, d): ...  # noqa: F821

    assert [each.annotation for each in from_signature(f)] == [Any, Path, type(None), Any]


def test_annotations_may_name_what_only_the_enclosing_function_knows():
    class Local: ...

    def f(a: Local):
        return Local

    assert from_signature(f)[0].annotation is Local


def full(a, /, b=2, *args, c=3, **kwargs): ...


@pytest.mark.parametrize(
    ("args", "kwargs", "bound"),
    [
        ((1,), {}, {"a": 1, "b": 2, "args": (), "c": 3, "kwargs": {}}),
        (
            (1, 2, 3, 4),
            {"c": 5, "d": 6},
            {"a": 1, "b": 2, "args": (3, 4), "c": 5, "kwargs": {"d": 6}},
        ),
        ((1,), {"a": 9}, {"a": 1, "b": 2, "args": (), "c": 3, "kwargs": {"a": 9}}),
    ],
)
def test_binding_and_calling_are_inverse(args, kwargs, bound):
    assert bind(full, args, kwargs) == bound
    called_args, called_kwargs = to_call(full, bound)
    assert bind(full, called_args, called_kwargs) == bound
    assert bind(inspect.signature(full), args, kwargs) == bound


def test_arguments_that_do_not_fit_are_explained():
    with pytest.raises(ParameterBindError, match="missing a required argument: 'a'") as caught:
        bind(full, (), {"b": 1})
    assert str(caught.value) == (
        "'full' cannot be called like this: missing a required argument: 'a'. "
        "It takes (a, b, *args, c, **kwargs), and was given () and {'b': 1}."
    )
    assert isinstance(caught.value, TypeError)
    with pytest.raises(UnknownParameterError):
        to_call(full, {"a": 1, "zzz": 2})


def test_kinds_are_told():
    assert [each.kind for each in from_signature(full)] == [
        ParameterKind.POSITIONAL_ONLY,
        ParameterKind.NORMAL,
        ParameterKind.VAR_POSITIONAL,
        ParameterKind.KEYWORD_ONLY,
        ParameterKind.VAR_KEYWORD,
    ]
    assert [each.required for each in from_signature(full)] == [True, False, False, False, False]


# ── source ───────────────────────────────────────────────────────────────────────────────


class Outer(enum.IntFlag):
    A = 1
    B = 2


zones = st.sampled_from([None, dt.UTC, ZoneInfo("Europe/Berlin"), ZoneInfo("America/New_York"), dt.timezone(dt.timedelta(hours=5, minutes=30)), dt.timezone(dt.timedelta(hours=-3), "west")])  # fmt: skip
text = st.text(st.characters())  # every code point, lone surrogates too
hashable = st.one_of(
    st.none(), st.booleans(), st.integers(), st.integers(0, 3).map(lambda n: -(7 ** (8000 + n))), st.floats(), st.complex_numbers(), text, st.binary(),
    st.dates(), st.datetimes(timezones=zones), st.times(timezones=st.sampled_from([None, dt.UTC])), st.timedeltas(), st.decimals().filter(lambda d: not d.is_snan()), st.fractions(), st.uuids(),
    text.filter(lambda t: "\0" not in t).map(Path), st.sampled_from([PurePosixPath("a/b"), PureWindowsPath("c:\\x"), ZoneInfo("UTC"), range(3), ...]),
    st.sampled_from([http.HTTPStatus.OK, inspect.Parameter.KEYWORD_ONLY]),
    st.sampled_from(["?", "i1", "u8", "f2", "f4", "f8", "c8", "c16", "U3", "S3", "M8[s]", "m8[ns]"]).map(np.dtype).flatmap(hnp.from_dtype),
)  # fmt: skip
arrays = hnp.arrays(
    st.sampled_from(["?", "i1", ">u4", "f4", "f8", "c16", "U3", "S2", "M8[D]", "m8[s]"]),
    hnp.array_shapes(min_dims=0, min_side=0, max_side=3),
)
everything = st.recursive(
    hashable | arrays | st.binary().map(bytearray),
    lambda inner: st.lists(inner) | st.lists(inner).map(tuple) | st.dictionaries(hashable, inner) | st.frozensets(hashable) | st.sets(hashable),
    max_leaves=8,
)  # fmt: skip


def injected(values):
    space: dict[str, Any] = {}
    exec(compile(to_python_source(values), "<injected>", "exec"), space)
    return space


def exact(value):
    return hex(value) if isinstance(value, int) else repr(value)


def same(one, two):
    """Equal in type and value, all the way down; NaN is NaN."""
    if type(one) is not type(two):
        return False
    if isinstance(one, np.ndarray):
        return one.dtype == two.dtype and one.shape == two.shape and one.tobytes() == two.tobytes()
    if isinstance(one, (list, tuple)):
        return len(one) == len(two) and all(map(same, one, two))
    if isinstance(one, dict):
        return same(list(one.items()), list(two.items()))
    if isinstance(one, (set, frozenset)):
        return sorted(map(exact, one)) == sorted(map(exact, two))
    if isinstance(one, dt.datetime):
        return repr(one) == repr(two)
    if isinstance(one, int):
        return one == two
    return repr(one) == repr(two) or one == two


@given(everything)
def test_injected_values_come_back_equal_and_of_equal_type(value):
    assert same(injected({"x": value})["x"], value)


@given(text)
def test_no_text_becomes_code(value):
    space = injected({"x": value, "y": {value: [value]}})
    assert space["x"] == value
    assert {name for name in space if not name.startswith("_")} == {"x", "y"}


ATTACKS = [
    "'; import os; os.system('x') #",
    '"""\nimport os\n"""',
    "\\",
    "\\'",
    "\n\rimport os\n",
    "\u2028import os",
    "__import__('os')",
    "{x}",
    "\x00",
    "\ud800",
    "%run evil.py",
]


@pytest.mark.parametrize("attack", ATTACKS)
def test_an_adversarial_value_stays_a_value_on_one_line(attack):
    values = {"x": attack, "p": Path(attack.replace("\0", "")), "k": {attack: 1}, "z": dt.datetime(2026, 1, 1, tzinfo=dt.timezone(dt.timedelta(0, 60), attack))}  # fmt: skip
    source = to_python_source(values)
    assert (
        len([line for line in source.splitlines() if " = " in line and not line.startswith(" ")])
        == 4
    )
    space = injected(values)
    assert {name: space[name] for name in values} == values
    assert space["z"].tzname() == attack


@pytest.mark.parametrize("name", ["a b", "1a", "class", "x=1;import os;y", "", "a.b", "__debug__"])
def test_a_name_that_is_no_name_is_refused(name):
    with pytest.raises(ParameterTypeError, match="no Python variable name"):
        to_python_source({name: 1})


class Unwritable:
    def __repr__(self):
        return "__import__('os').system('x')"


class SneakyText(str):
    __slots__ = ()

    def __repr__(self):
        return "__import__('os')"


class Local(enum.Enum):
    A = 1


def _ring():
    value: list = []
    value.append(value)
    return value


@pytest.mark.parametrize(
    "value",
    [Unwritable(), SneakyText("a"), [Unwritable()], {"k": Unwritable()}, pd.DataFrame(), np.zeros(20_000), np.array([object()]), np.longdouble(1), _ring(), lambda: 1, dt.datetime(2026, 1, 1, tzinfo=pd.Timestamp("2026-01-01", tz="dateutil/Europe/Berlin").tzinfo)],
    ids=lambda value: type(value).__name__,
)  # fmt: skip
def test_what_cannot_be_written_is_refused_by_name(value):
    with pytest.raises(ParameterTypeError, match="Parameter 'frame' cannot be written"):
        to_python_source({"frame": value})


def test_an_enum_a_notebook_cannot_import_is_refused(monkeypatch):
    monkeypatch.setattr(Local, "__module__", "__main__")
    with pytest.raises(ParameterTypeError, match="cannot import"):
        to_python_source({"x": Local.A})


@pytest.mark.parametrize(
    "value",
    [pd.Timestamp("2026-01-31 01:02:03.123456789"), pd.Timestamp("2026-01-31", tz="UTC"), pd.Timestamp("2026-10-25 02:30").tz_localize("Europe/Berlin", ambiguous=True), pd.Timedelta("1h"), pd.NaT, pd.NA],
    ids=repr,
)  # fmt: skip
def test_pandas_moments_keep_their_type(value):
    found = injected({"x": value})["x"]
    assert type(found) is type(value) and repr(found) == repr(value)
    assert getattr(found, "unit", None) == getattr(value, "unit", None)


def test_imports_do_not_take_names_of_the_notebook():
    space = injected({"datetime": dt.date(2026, 1, 1), "Path": Path("a"), "numpy": np.float32(1)})
    assert space["datetime"] == dt.date(2026, 1, 1) and space["Path"] == Path("a")


def test_the_same_values_give_the_same_source():
    assert to_python_source({"x": {"b", "a", "c"}}).splitlines()[1:] == ["x = {'a', 'b', 'c'}"]


def test_other_languages_are_written_by_papermill():
    assert 'x = "a"' in to_source({"x": "a"}, "julia")
    assert to_source({"x": 1}, "python") == "# Parameters\nx = 1\n"
    with pytest.raises(ParameterTypeError, match="cobol"):
        to_source({"x": 1}, "cobol")


# ── preview ──────────────────────────────────────────────────────────────────────────────


class Rude:
    def __repr__(self):
        raise RuntimeError("no")


@pytest.mark.parametrize(
    "value", [None, True, 1, 1.5, "text", "größe", [1, [2]], {"a": {"b": None}}]
)
def test_small_plain_values_are_shown_as_they_are(value):
    assert preview({"x": value}) == {"x": value}


@pytest.mark.parametrize(
    ("value", "kind", "size"),
    [(pd.DataFrame({"a": range(10_000)}), "pandas.DataFrame", [10_000, 1]), (np.zeros((2, 3)), "numpy.ndarray", [2, 3]), ("x" * 100_000, "str", 100_000), (list(range(10**6)), "list", 10**6), ((1, 2), "tuple", 2), (dt.date(2026, 1, 1), "datetime.date", None), (float("nan"), "float", None), (10**5000, "int", None), (_ring(), "list", 1), ("\ud800", "str", 1), ({1: 2}, "dict", 1)],
    ids=lambda value: type(value).__name__,
)  # fmt: skip
def test_other_values_are_shown_short_with_type_and_size(value, kind, size):
    shown = preview({"x": value})["x"]
    assert shown["$type"] == kind
    assert shown.get("size") == size
    assert len(shown["repr"]) <= 500
    json.dumps(shown, allow_nan=False).encode()


@pytest.mark.parametrize(
    ("value", "told"),
    [
        (1.5, "1.5"),
        ("größe\n", '"größe\\n"'),
        ({"$type": "a type"}, '{"$type": "a type"}'),
        (pd.DataFrame({"a": range(1000)}), "pandas.DataFrame 1000 × 1"),
        (np.array(1.5), "numpy.ndarray"),
        ((1, 2), "(1, 2)"),
        (slice(pd.Series([1]), 2), "slice(0    1 dtype: int64, 2, None)"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_people_read_a_shown_value_as_one_line(value, told):
    text = shown_text(preview({"x": value})["x"])
    assert text.startswith(told)
    assert "\n" not in text


def test_a_repr_that_raises_is_survived():
    assert preview({"x": Rude()})["x"]["repr"].startswith("<Rude instance")


@given(everything)
def test_every_preview_is_short_json(value):
    shown = json.dumps(preview({"x": value}), allow_nan=False)
    assert len(shown.encode("utf-8", "strict")) < 10_000
    assert uuid4().hex not in shown


def test_a_default_from_a_magic_is_known_to_the_cell_only() -> None:
    found = {p.name: p for p in from_cell("a = 1\nfiles = !ls {a}\nhere = %pwd\nb = 7 % 4")}
    assert (found["a"].default, found["b"].default) == (1, 3)
    assert not found["files"].required
    assert found["files"].default is NotSet
    assert found["here"].default is NotSet
