"""Effective settings: their value, where each comes from, and no secrets."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from nbflow.cli.config import effective, one_of
from nbflow.cli.main import main
from nbflow.cli.options import Duration
from nbflow.exceptions import ConfigurationError


def found(environ: dict[str, str], folder: Path, key: str) -> tuple[object, str]:
    shown = one_of(effective({"NBFLOW_HOME": str(folder), **environ}, folder), key)
    return shown.value, shown.source


def test_each_source_is_named(tmp_path: Path) -> None:
    """The default, the home's file, pyproject.toml, nbflow.toml, the environment: the last wins."""
    key = "cell_log_limit"
    assert found({}, tmp_path, key) == (10_000, "default")
    for number, name in enumerate(["config.toml", "pyproject.toml", "nbflow.toml"]):
        table = "[tool.nbflow]\n" if name == "pyproject.toml" else ""
        (tmp_path / name).write_text(f"{table}{key} = {number}")
        assert found({}, tmp_path, key) == (number, str(tmp_path / name))
    variable = "NBFLOW_CELL_LOG_LIMIT"
    assert found({variable: "7"}, tmp_path, key) == (7, variable)


@pytest.mark.parametrize("spelling", ["log_prints", "LOG-PRINTS", "NBFLOW_LOG_PRINTS"])
def test_keys_may_be_spelled_as_options_and_variables(tmp_path: Path, spelling: str) -> None:
    assert found({}, tmp_path, spelling) == (False, "default")


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("database_url", "postgresql://me:secret@host/runs"),
        ("database_url", "postgresql://host/runs?password=secret"),
        ("results", "s3://key:secret@bucket"),
    ],
)
def test_secrets_are_hidden(tmp_path: Path, key: str, value: str) -> None:
    shown, source = found({f"NBFLOW_{key.upper()}": value}, tmp_path, key)
    assert "secret" not in str(shown)
    assert "***" in str(shown)
    assert source == f"NBFLOW_{key.upper()}"


def test_an_unknown_key_is_refused_with_the_nearest(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="Did you mean log_prints"):
        found({}, tmp_path, "log_print")


def test_the_command_shows_all_or_one(capsys, monkeypatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("NBFLOW_LOG_PRINTS", "yes")
    assert main(["config"]) == 0
    (line,) = [row for row in capsys.readouterr().out.splitlines() if row.startswith("log_prints")]
    assert line.split() == ["log_prints", "True", "NBFLOW_LOG_PRINTS"]
    assert main(["config", "log-prints"]) == 0
    assert capsys.readouterr().out == "True\n"
    assert main(["config", "log_prints", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told == {"name": "log_prints", "value": True, "source": "NBFLOW_LOG_PRINTS"}
    assert main(["config", "--json"]) == 0
    assert told in json.loads(capsys.readouterr().out)


@pytest.mark.parametrize(
    ("text", "seconds"), [("90s", 90), ("15m", 900), ("2h", 7200), ("30", 30), ("1h30m", 5400)]
)
def test_durations_are_read(text: str, seconds: float) -> None:
    assert Duration().convert(text, None, None) == seconds


@pytest.mark.parametrize("text", ["soon", "-5m", ""])
def test_other_words_are_no_duration(text: str, capsys) -> None:
    assert main(["run", "n.ipynb", "--keep-kernel", text]) == 2
    assert "15m" in capsys.readouterr().err
