"""What a run's process finds in its environment."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from nbflow.settings import Settings
from nbflow.worker.environment import run_environment


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(home=tmp_path / "home", logging_to_console=True)


def test_the_deployment_adds_to_the_workers_own(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OF_THE_WORKER", "1")
    found = run_environment(settings, {"MODE": "careful", "NBFLOW_LOGGING_LEVEL": "DEBUG"})
    assert found["OF_THE_WORKER"] == "1"
    assert found["MODE"] == "careful"
    assert found["NBFLOW_LOGGING_LEVEL"] == "DEBUG"
    assert found["NBFLOW_LOGGING_TO_CONSOLE"] == "False"


@pytest.mark.parametrize("name", ["HOME", "DATABASE_URL", "API_URL", "API_TOKEN"])
def test_where_a_run_is_recorded_is_not_the_deployments_to_say(
    settings: Settings, name: str
) -> None:
    plain = run_environment(settings, {})
    assert run_environment(settings, {f"NBFLOW_{name}": "/elsewhere"}) == plain


def test_relative_places_are_meant_from_the_workers_folder(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    relative = replace(settings, database_url="sqlite:///x.db", results="r", notebooks="n")
    found = run_environment(relative, {})
    assert found["NBFLOW_DATABASE_URL"] == f"sqlite:///{tmp_path / 'x.db'}"
    assert found["NBFLOW_RESULTS"] == str(tmp_path / "r")
    assert found["NBFLOW_NOTEBOOKS"] == str(tmp_path / "n")


def test_addresses_stay_as_they_are(settings: Settings) -> None:
    remote = replace(settings, database_url="postgresql://u@h/d", results="s3://bucket/r")
    found = run_environment(remote, {})
    assert found["NBFLOW_DATABASE_URL"] == "postgresql://u@h/d"
    assert found["NBFLOW_RESULTS"] == "s3://bucket/r"


@pytest.mark.parametrize(
    ("name", "value", "goes"),
    [
        ("JPY_SESSION_NAME", "/work/a.ipynb", True),
        ("JPY_PARENT_PID", "7", True),
        ("MPLBACKEND", "module://matplotlib_inline.backend_inline", True),
        ("MPLBACKEND", "agg", False),
        ("JUPYTER_PATH", "/share", False),
    ],
)
def test_a_worker_in_a_notebook_keeps_to_itself_what_its_kernel_is_told(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, name: str, value: str, goes: bool
) -> None:
    monkeypatch.setenv(name, value)
    assert (run_environment(settings, {}).get(name) != value) is goes
