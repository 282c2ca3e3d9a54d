"""The lines of `%%task` and `%%flow`: what they mean, and what is said when they mean nothing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbflow.cells.line_values import RUNNERS
from nbflow.cells.lines import FLOW_LINE, TASK_LINE, read_flow_line, read_task_line
from nbflow.cells.records import FlowCellOptions, TaskCellOptions
from nbflow.cells.words import quoted
from nbflow.exceptions import MagicUsageError

TASK_LINES = {
    "": {},
    "load": {"name": "load"},
    "'load data'": {"name": "load data"},
    '"load data" --submit': {"name": "load data", "submit": True},
    "--submit load": {"name": "load", "submit": True},
    "-- --submit": {"name": "--submit"},
    "--in a b --out x": {"inputs": ("a", "b"), "outputs": ("x",)},
    "--in a,b": {"inputs": ("a", "b")},
    "--in=a,b": {"inputs": ("a", "b")},
    "--in a, b": {"inputs": ("a", "b")},
    "--in a --out x --in b a": {"inputs": ("a", "b"), "outputs": ("x",)},
    "--in größe": {"inputs": ("größe",)},
    "--in --out x": {"inputs": (), "outputs": ("x",)},
    "--retries 3 --retry-delay 1 2m 0": {"retries": 3, "retry_delays": (1.0, 120.0, 0.0)},
    "--retries=0": {"retries": 0},
    "--retry-delay 1,2": {"retry_delays": (1.0, 2.0)},
    "--timeout 30": {"timeout": 30.0},
    "--timeout 1h30m": {"timeout": 5400.0},
    "--timeout=.5": None,
    "--timeout 0.5": {"timeout": 0.5},
    "--cache": {"cache": True},
    "--cache load": {"cache": True, "name": "load"},
    "--cache 1d": {"cache": True, "cache_seconds": 86400.0},
    "--cache=90s load": {"cache": True, "cache_seconds": 90.0, "name": "load"},
    "--cache --submit": {"cache": True, "submit": True},
    "--tags etl daily": {"tags": frozenset({"etl", "daily"})},
    "--tag etl --tag 'two words'": {"tags": frozenset({"etl", "two words"})},
    "--tag=-x": {"tags": frozenset({"-x"})},
    "--runner Process": {"runner": "process"},
    "--no-run": {"run": False},
}

FAULTS = {
    "--retires 3": "%%task has no option --retires; did you mean --retries?",
    "--retry_delay 3": "did you mean --retry-delay?",
    "--inputs=a": "%%task has no option --inputs",
    "-x a": "%%task has no option -x; type %%task? to see them all.",
    "--retries": "--retries needs a value: --retries N.",
    "--retries --submit": "--retries needs a value: --retries N.",
    "--retries many": "--retries: 'many' is no whole number.",
    "--retries 1.5": "--retries: '1.5' is no whole number.",
    "--retries -1": "--retries: -1 is negative; write 0 or more.",
    "--retries 1 --retries 2": "--retries is given twice; leave one out.",
    "--retry-delay -1": "--retry-delay: -1 is negative.",
    "--retry-delay": "--retry-delay needs a value: --retry-delay TIME….",
    "--timeout 0": "--timeout: 0 is not more than zero.",
    "--timeout -5s": "--timeout: -5s is not more than zero.",
    "--timeout soon": "--timeout: 'soon' is no length of time; write 90s, 15m, 2h or 1d.",
    "--timeout nan": "--timeout: 'nan' is no length of time",
    "--timeout 1e999": "--timeout: '1e999' is too long.",
    "--cache 0": "--cache: 0 is not more than zero.",
    "--cache 5x": "--cache: '5x' is no length of time",
    "--tags": "--tags needs a value: --tags TAG….",
    "--runner threads": "--runner: 'threads' is no runner; did you mean thread?",
    "--runner dask": "--runner: 'dask' is no runner; choose thread, process or sequential.",
    "--in a.b": "--in: 'a.b' is no name of a variable.",
    "--out class": "--out: 'class' is no name of a variable.",
    "--submit=yes": "--submit takes no value",
    "--submit --no-run": "--submit runs the task and --no-run does not; leave one out.",
    "load data": "Only options may follow NAME, not 'data'; put a name of several words in quotes.",
    "''": "NAME: '' is no name",
    "'a\tb'": "NAME: 'a\\tb' is no name",
    "load 'x": "The quote ' in 'x has no partner.",
}


@pytest.mark.parametrize("line", [line for line, told in TASK_LINES.items() if told is not None])
def test_a_task_line_is_read(line):
    assert read_task_line(line) == TaskCellOptions(**TASK_LINES[line])


@pytest.mark.parametrize("line", FAULTS)
def test_a_fault_is_one_sentence_and_the_usage_line(line):
    with pytest.raises(MagicUsageError) as caught:
        read_task_line(line)
    sentence, usage = str(caught.value).split("\n")
    assert FAULTS[line] in sentence
    assert sentence.endswith((".", "?"))
    assert usage.startswith("Usage: %%task [NAME] [--in NAME…]")


@pytest.mark.parametrize("command", [TASK_LINE, FLOW_LINE], ids=["task", "flow"])
def test_usage_and_help_name_every_option(command):
    for spelling in command.options():
        assert spelling in command.explanation()
    for option in command.options().values():
        assert option.opts[0] in command.usage()
        assert option.help


# ── flows ────────────────────────────────────────────────────────────────────────────────

FLOW_LINES = {
    "": {},
    "etl --define": {"name": "etl", "define": True},
    "etl --param a:int=1 b": {"name": "etl", "parameters": ("a:int=1", "b")},
    "--param a --retries 2 --param b=2": {"parameters": ("a", "b=2"), "retries": 2},
    "--param=a=1": {"parameters": ("a=1",)},
    "--param 'title: str = \"a b\"'": {"parameters": ('title: str = "a b"',)},
    '--param title="a b"': {"parameters": ('title="a b"',)},
    "--param a=(1,2)": {"parameters": ("a=(1,2)",)},
    "--param 'when: date = date(2026, 5, 1)'": {"parameters": ("when: date = date(2026, 5, 1)",)},
    "--timeout 5m --tags x,y --runner thread": {
        "timeout": 300.0,
        "tags": frozenset("xy"),
        "runner": "thread",
    },
}


@pytest.mark.parametrize("line", FLOW_LINES)
def test_a_flow_line_is_read(line):
    assert read_flow_line(line) == FlowCellOptions(**FLOW_LINES[line])


@pytest.mark.parametrize(
    "text", ["1a", "*a", "**a", "a,b", "a=[1, 2]", "a=", "'a: int = 1): pass#'"]
)
def test_what_is_no_parameter_is_refused_with_the_way_to_write_one(text):
    with pytest.raises(MagicUsageError, match=r"--param: .*write name, name:type or name:type="):
        read_flow_line(f"--param {text}")


def test_a_flow_has_no_options_of_a_task():
    with pytest.raises(MagicUsageError, match="%%flow has no option --submit"):
        read_flow_line("etl --submit")


# ── writing ──────────────────────────────────────────────────────────────────────────────

names = st.sampled_from(["a", "df", "größe", "x_1"])
words = st.text(
    st.characters(categories=["L", "N", "P", "S"], exclude_characters=","), min_size=1, max_size=8
)
waits = st.floats(min_value=0, max_value=1e9) | st.integers(0, 10**6).map(float)
times = waits.filter(lambda seconds: seconds > 0)
task_options = st.builds(
    TaskCellOptions,
    name=st.none() | words | st.tuples(words, words).map(" ".join),
    inputs=st.none() | st.lists(names, unique=True).map(tuple),
    outputs=st.none() | st.lists(names, unique=True).map(tuple),
    retries=st.none() | st.integers(0, 10**6),
    retry_delays=st.none() | st.lists(waits, min_size=1, max_size=3).map(tuple),
    timeout=st.none() | times,
    cache=st.just(True),
    cache_seconds=st.none() | times,
    tags=st.frozensets(words, max_size=3),
    runner=st.none() | st.sampled_from(RUNNERS),
    submit=st.booleans(),
    run=st.just(True),
) | st.builds(TaskCellOptions, name=st.none() | words, run=st.booleans())


def _line(options: TaskCellOptions) -> str:
    """The options, as a line that asks for them."""
    name = [] if options.name is None else [quoted(options.name)]
    dashed = (options.name or "").startswith("-")  # only behind `--` is that no option
    parts = [*_written(options), "--", *name] if dashed else [*name, *_written(options)]
    return " ".join(parts)


def _written(options: TaskCellOptions) -> Iterator[str]:
    yield from _written_words("--in", options.inputs)
    yield from _written_words("--out", options.outputs)
    if options.retries is not None:
        yield f"--retries {options.retries}"
    yield from _written_words("--retry-delay", _numbers(options.retry_delays))
    yield from _written_words("--timeout", _numbers(_one(options.timeout)))
    if options.cache:
        yield from _written_words("--cache", _numbers(_one(options.cache_seconds)) or ())
    yield from (f"--tag={quoted(tag)}" for tag in sorted(options.tags))
    yield from _written_words("--runner", _one(options.runner))
    if options.submit:
        yield "--submit"
    if not options.run:
        yield "--no-run"


def _written_words(spelling: str, words: Sequence[str] | None) -> Iterator[str]:
    if words is not None:
        yield " ".join([spelling, *words])


def _one(value: Any) -> tuple[Any, ...] | None:
    return None if value is None else (value,)


def _numbers(values: Sequence[float] | None) -> tuple[str, ...] | None:
    """Seconds as the shortest text that is read as the same number."""
    if values is None:
        return None
    return tuple(str(int(each)) if float(each).is_integer() else repr(each) for each in values)


@given(task_options)
def test_what_is_written_is_read_as_the_same(options):
    assert read_task_line(_line(options)) == options
