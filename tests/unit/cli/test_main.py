"""The command itself: overview, and errors as one sentence with an exit code."""

from __future__ import annotations

import click
import pytest

from nbflow import __version__
from nbflow.cli import main as cli_main
from nbflow.cli.main import cli, main
from nbflow.exceptions import (
    HashError,
    NotebookError,
    StoreCorrupt,
    TerminationSignal,
)


@pytest.fixture
def failing(monkeypatch):
    """Make the command raise what a test wants."""

    def install(error: BaseException) -> None:
        def raise_it(*_: object, **__: object) -> None:
            raise error

        monkeypatch.setattr(cli, "main", raise_it)

    return install


def test_version(capsys) -> None:
    """`nbflow version` and `--version` tell the same version."""
    assert main(["version"]) == 0
    assert main(["--version"]) == 0
    first, second = capsys.readouterr().out.splitlines()
    assert first.startswith(f"nbflow {__version__} (Python 3.")
    assert second == f"nbflow {__version__}"


@pytest.mark.parametrize("arguments", [[], ["--help"], ["-h"]])
def test_the_overview_needs_no_argument(capsys, arguments) -> None:
    """`nbflow` alone says what there is."""
    assert main(arguments) == 0
    out = capsys.readouterr().out
    assert all(name in out for name in ("run ", "runs ", "graph ", "doctor ", "version "))


ERRORS = [
    (NotebookError("There is no a.ipynb. Did you mean b.ipynb?"), 2, "There is no a.ipynb."),
    (StoreCorrupt(), 2, "damaged"),
    (click.UsageError("No such option '--foo'."), 2, "Type `nbflow version --help`"),
    (click.BadParameter("'x' is not a number."), 2, "Type `nbflow version --help`"),
    (HashError("It cannot be hashed."), 1, "It cannot be hashed."),
    (KeyboardInterrupt(), 130, "Stopped."),
    (click.Abort(), 130, "Stopped."),
    (TerminationSignal(), 143, "Stopped"),
    (ZeroDivisionError("division by zero"), 70, "ZeroDivisionError: division by zero"),
]


@pytest.mark.parametrize(
    ("error", "code", "words"), ERRORS, ids=[type(row[0]).__name__ for row in ERRORS]
)
def test_errors_are_one_sentence(capsys, failing, error, code, words) -> None:
    """On stderr, in one line, without a traceback, with the documented exit code."""
    failing(error)
    assert main(["version"]) == code
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("nbflow: ")
    assert words in err
    assert err.count("\n") == 1
    assert "Traceback" not in err


def test_an_internal_error_keeps_its_traceback_in_the_home(capsys, failing, nbflow_home) -> None:
    """The sentence names the file."""
    failing(ZeroDivisionError("oops"))
    assert main(["version"]) == 70
    (kept,) = (nbflow_home / "errors").iterdir()
    assert str(kept) in capsys.readouterr().err
    assert "ZeroDivisionError: oops" in kept.read_text()


def test_an_unwritable_home_does_not_hide_an_internal_error(
    capsys, failing, tmp_path, monkeypatch
) -> None:
    """Then the sentence says how to see the traceback."""
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("NBFLOW_HOME", str(tmp_path / "file" / "home"))
    failing(ZeroDivisionError("oops"))
    assert main(["version"]) == 70
    assert "NBFLOW_DEBUG=1" in capsys.readouterr().err


def test_debug_shows_the_traceback(capsys, failing, monkeypatch) -> None:
    """For whoever mends nbflow."""
    monkeypatch.setenv("NBFLOW_DEBUG", "1")
    failing(NotebookError("No."))
    assert main(["version"]) == 2
    assert "Traceback" in capsys.readouterr().err


def test_a_closed_pipe_is_quiet(capsys, failing, monkeypatch) -> None:
    """`nbflow runs ls | head` says nothing about pipes."""
    monkeypatch.setattr(cli_main, "_forget_stdout", lambda: None)
    failing(BrokenPipeError())
    assert main(["version"]) == 141
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(
    ("typed", "meant"),
    [("rum", "`nbflow run`"), ("grahp", "`nbflow graph`"), ("versoin", "`nbflow version`")],
)
def test_near_misses_are_named(capsys, typed, meant) -> None:
    """A slip of the finger gets the right command."""
    assert main([typed]) == 2
    assert f"Did you mean {meant}?" in capsys.readouterr().err


def test_the_overview_says_what_the_commands_say() -> None:
    """Its lines stand twice, so they are compared."""
    context = click.Context(cli)
    for name, (_, summary) in cli_main._SUBCOMMANDS.items():
        command = cli.get_command(context, name)
        assert command is not None
        assert command.get_short_help_str(100) == summary
