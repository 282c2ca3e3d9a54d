"""What the commands' options mean, without running anything."""

from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from nbflow import flow
from nbflow.cli import doctor as doctor_module
from nbflow.cli.doctor import Finding, Level, examine, size_words
from nbflow.cli.main import main
from nbflow.cli.options import ListOptions, RunOptions
from nbflow.cli.parameter_help import type_word
from nbflow.cli.run import parameters_of
from nbflow.cli.run_filters import filter_of, since, states_of
from nbflow.cli.targets import FlowTarget, NotebookTarget, is_file_target, load_flow, runnable
from nbflow.exceptions import NotebookError, ParameterError, UnknownParameterError, UsageError
from nbflow.states import StateType

NOW = datetime(2026, 5, 3, 12, 0, tzinfo=UTC)


# ── parameters ───────────────────────────────────────────────────────────────────────────


@flow
def typed(rows: int = 1, name: str = "", share: float = 0.5, day: object = None) -> None:
    """Takes parameters of several types."""


def given(**options) -> dict:
    return parameters_of(RunOptions(target="flow", **options), typed)


def encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


@pytest.mark.parametrize(
    ("options", "values"),
    [
        ({}, {}),
        ({"parameters": (("rows", "3"), ("name", "7"))}, {"rows": 3, "name": "7"}),
        ({"parameters": (("share", "1e-3"),)}, {"share": 0.001}),
        ({"parameters": (("day", "True"),)}, {"day": True}),
        ({"parameters_raw": (("day", "True"),)}, {"day": "True"}),
        ({"parameters_yaml": ("{rows: 3, day: [a, 1]}",)}, {"rows": 3, "day": ["a", 1]}),
        ({"parameters_yaml": ("day: 2026-05-03",)}, {"day": "2026-05-03"}),
        ({"parameters_yaml": ("", "rows: 2")}, {"rows": 2}),
        ({"parameters_base64": (encoded("rows: 4"),)}, {"rows": 4}),
    ],
)
def test_parameters_are_read(options, values) -> None:
    """By declared type for `-p`, unread for `-r`, as YAML for the others; dates stay text."""
    assert given(**options) == values


def test_later_kinds_of_options_win(tmp_path) -> None:
    """Base64, files, YAML, `-p`, `-r`: in the order that papermill applies them."""
    file = tmp_path / "p.json"
    file.write_text('{"rows": 2, "name": "file", "share": 2, "day": "file"}')
    options = {
        "parameters_base64": (encoded("{rows: 1, name: b, share: 1, day: b}"),),
        "parameters_file": (str(file),),
        "parameters_yaml": ("{name: yaml, share: 3, day: yaml}",),
        "parameters": (("share", "4"), ("day", "p")),
        "parameters_raw": (("day", "r"),),
    }
    assert given(**options) == {"rows": 2, "name": "yaml", "share": 4.0, "day": "r"}


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"parameters": (("rows", "x"),)}, "'rows'"),
        ({"parameters": (("rwos", "3"),)}, "Did you mean 'rows'"),
        ({"parameters_yaml": ("{rows:",)}, "not valid YAML"),
        ({"parameters_yaml": ("[1, 2]",)}, "holds no parameters"),
        ({"parameters_yaml": ("{1: 2}",)}, "holds no parameters"),
        ({"parameters_base64": ("??",)}, "base64"),
        ({"parameters_file": ("/no/such/file",)}, "/no/such/file"),
    ],
)
def test_bad_parameters_are_named(options, words) -> None:
    """What is wrong, and with which option."""
    with pytest.raises(ParameterError, match=words.replace("[", r"\[")):
        given(**options)
    assert issubclass(UnknownParameterError, ParameterError)


# ── targets ──────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "train.ipynb").write_text("{}")
    (tmp_path / "one.py").write_text("from nbflow import flow\n@flow\ndef etl(): ...\n")
    (tmp_path / "two.py").write_text(
        "from nbflow import flow\nfrom one import etl\n"
        "@flow\ndef load(): ...\n@flow(name='All of it')\ndef everything(): ...\n",
    )
    (tmp_path / "none.py").write_text("x = 1\n")
    (tmp_path / "broken.py").write_text("x = = 1\n")
    (tmp_path / "raises.py").write_text("import json\njson.loads('{')\n")
    return tmp_path


def test_targets_are_told_apart(files) -> None:
    """A notebook, or a flow of a file, with or without its name."""
    assert runnable("train.ipynb") == NotebookTarget("train.ipynb")
    assert runnable("s3://bucket/train.ipynb") == NotebookTarget("s3://bucket/train.ipynb")
    assert runnable("-") == NotebookTarget("-")
    assert runnable("one.py") == FlowTarget(Path("one.py"), "")
    assert runnable("one.py:etl") == FlowTarget(Path("one.py"), "etl")
    assert [is_file_target(t) for t in ("one.py:etl", "train.ipynb", "brave-lynx", "latest")] == [
        True,
        True,
        False,
        False,
    ]


@pytest.mark.parametrize(
    ("target", "words"),
    [
        ("tarin", "There is no file tarin"),
        ("ones.py", "Did you mean one.py"),
        ("train", "Did you mean train.ipynb"),
        (".", "is a folder"),
    ],
)
def test_missing_files_have_near_matches(files, target, words) -> None:
    """The sentence names what may have been meant."""
    with pytest.raises(NotebookError, match=words):
        runnable(target)


@pytest.mark.parametrize(
    ("target", "name"),
    [
        ("one.py", "etl"),
        ("two.py:load", "load"),
        ("two.py:everything", "All of it"),
        ("two.py:All of it", "All of it"),
    ],
)
def test_flows_are_found(files, target, name) -> None:
    """By variable, by name, or as the file's only one; imported flows do not count then."""
    assert load_flow(runnable(target)).name == name  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("target", "words"),
    [
        ("two.py", "has several flows. Name one: two.py:load, two.py:everything"),
        ("two.py:laod", "Did you mean two.py:load"),
        ("none.py", "Decorate a function with @flow"),
        ("none.py:etl", "decorate a function with @flow"),
        ("broken.py", "broken.py could not be loaded .*line 1: x = = 1"),
        ("raises.py", r"JSONDecodeError: .*raises.py, line 2: json.loads\('{'\)"),
    ],
)
def test_flows_that_cannot_be_had(files, target, words) -> None:
    """One sentence each, with the user's own line where there is one."""
    with pytest.raises(UsageError, match=words):
        load_flow(runnable(target))  # type: ignore[arg-type]


def test_notebook_options_are_refused_for_python_flows(files, capsys) -> None:
    """Rather than ignored."""
    assert main(["run", "one.py", "--kernel", "python3"]) == 2
    assert "--kernel is for notebooks" in capsys.readouterr().err


# ── runs ls ──────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("90s", NOW - timedelta(seconds=90)),
        ("30m", NOW - timedelta(minutes=30)),
        ("2h", NOW - timedelta(hours=2)),
        (" 7D ", NOW - timedelta(days=7)),
        ("2w", NOW - timedelta(weeks=2)),
        ("2026-05-01T06:00:00+00:00", datetime(2026, 5, 1, 6, tzinfo=UTC)),
    ],
)
def test_since(text, moment) -> None:
    """Spans of time and dates."""
    assert since(text, NOW) == moment


def test_since_days_begin_at_midnight_here() -> None:
    """Days are the reader's own."""
    local = since("today", NOW).astimezone()
    assert (local.hour, local.minute) == (0, 0)
    assert since("today", NOW) - since("yesterday", NOW) in {
        timedelta(hours=hours) for hours in (23, 24, 25)
    }


@pytest.mark.parametrize("text", ["5x", "soon", "", "2026-13-01"])
def test_since_refuses_what_is_no_time(text) -> None:
    """With examples of what is one."""
    with pytest.raises(UsageError, match="Write 30m, 2h"):
        since(text, NOW)


@pytest.mark.parametrize(
    ("words", "types", "names"),
    [
        ([], set(), set()),
        (["failed"], {StateType.FAILED}, set()),
        (["FAILED", "crashed"], {StateType.FAILED, StateType.CRASHED}, set()),
        (["TimedOut"], set(), {"TimedOut"}),
        (["timed-out"], set(), {"TimedOut"}),
    ],
)
def test_states_are_types_or_names(words, types, names) -> None:
    """`failed` is the type, so that runs which timed out count; `TimedOut` is a name."""
    assert states_of(words) == (types, names)


def test_types_and_names_can_be_mixed() -> None:
    """Then each of them fits."""
    types, names = states_of(["crashed", "TimedOut"])
    assert (types, names) == (frozenset(), {"TimedOut", "Crashed"})


def test_an_unknown_state_has_a_near_match() -> None:
    """The sentence names it."""
    with pytest.raises(UsageError, match="Did you mean 'failed'"):
        states_of(["faild"])


def test_only_top_level_runs_are_listed() -> None:
    """Subflows are part of their parents."""
    where = filter_of(ListOptions(tags=("a",), flows=("etl",), text="x"), NOW)
    assert (where.top_level, where.tags, where.flow_names, where.text) == (
        True,
        {"a"},
        {"etl"},
        "x",
    )


# ── the rest ─────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("annotation", "word"),
    [
        (int, "int"),
        (datetime, "datetime"),
        (list[int], "list[int]"),
        (int | None, "int | None"),
        (None.__class__, "None"),
    ],
)
def test_types_in_words(annotation, word) -> None:
    """As their author would write them."""
    assert type_word(annotation) == word


@pytest.mark.parametrize(
    ("size", "words"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1500, "1.5 kB"),
        (98_304, "98 kB"),
        (81e9, "81 GB"),
        (2e12, "2.0 TB"),
    ],
)
def test_sizes_in_words(size, words) -> None:
    """In thousands, with a digit where it is news."""
    assert size_words(size) == words


def test_a_broken_check_does_not_take_the_others_down(monkeypatch) -> None:
    """Whatever is wrong with an installation, the rest is still examined."""

    def broken():
        raise ImportError("no pygraphviz")

    def fine():
        yield Finding("fine", Level.OK, "all is well")

    monkeypatch.setattr(doctor_module, "_CHECKS", {"graph layout": broken, "fine": fine})
    first, second = examine()
    assert (first.subject, first.level) == ("graph layout", Level.BAD)
    assert "ImportError: no pygraphviz" in first.words
    assert first.next_step
    assert second.level is Level.OK


def test_settings_tell_their_source(monkeypatch, tmp_path, nbflow_home) -> None:
    """The environment, the project or the home."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("NBFLOW_LOGGING_LEVEL", "DEBUG")
    (tmp_path / "nbflow.toml").write_text("task_default_retries = 2\n")
    nbflow_home.mkdir()
    (nbflow_home / "config.toml").write_text("log_prints = true\n")
    (words,) = [finding.words for finding in examine_only("settings")]
    assert "logging_level = DEBUG (NBFLOW_LOGGING_LEVEL)" in words
    assert "task_default_retries = 2 (nbflow.toml or" in words
    assert "log_prints = True (nbflow-home/config.toml)" in words


def test_the_doctor_shows_no_passwords(monkeypatch) -> None:
    monkeypatch.setenv("NBFLOW_DATABASE_URL", "postgresql://me:secret@host/runs")
    monkeypatch.setenv("NBFLOW_RESULTS", "s3://key:secret@bucket/results")
    (words,) = [finding.words for finding in examine_only("settings")]
    assert "secret" not in words
    assert "postgresql://me:***@host/runs" in words


@pytest.mark.parametrize(
    ("built", "level", "words"),
    [
        (["bootstrap.js", "widget.js"], Level.OK, "live"),
        (["bootstrap.js"], Level.WARN, "pictures"),
        ([], Level.WARN, "pictures"),
    ],
)
def test_views_are_live_only_with_the_front_end(monkeypatch, tmp_path, built, level, words) -> None:
    """Whoever sees pictures alone learns why."""
    for name in built:
        (tmp_path / name).write_text("")
    monkeypatch.setattr(doctor_module, "_FRONT_END", tmp_path)
    (finding,) = examine_only("views")
    assert finding.level is level
    assert words in finding.words


def examine_only(subject):
    return list(doctor_module._CHECKS[subject]())


def test_a_bad_setting_is_found_once(monkeypatch) -> None:
    """All that depends on the settings would only repeat it."""
    monkeypatch.setenv("NBFLOW_LOG_PRINTS", "maybe")
    findings = list(examine())
    bad = [finding for finding in findings if finding.level is Level.BAD]
    assert [finding.subject for finding in bad] == ["settings"]
    assert findings[-1] == bad[0]
