"""The demonstration on Binder: its steps are replayed, in order, in an empty environment."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
import yaml

from tests.environments import install, make, outside, run

ROOT = Path(__file__).resolve().parents[1]
BINDER = ROOT / "binder"


def requirements() -> list[str]:
    """The libraries that environment.yml asks pip for; conda brings Python and pip alone."""
    wanted = yaml.safe_load((BINDER / "environment.yml").read_text())["dependencies"]
    conda = {str(item).partition("=")[0] for item in wanted if isinstance(item, str)}
    assert conda == {"python", "pip"}
    return next(item["pip"] for item in wanted if isinstance(item, dict))


@pytest.fixture(scope="module")
def environ(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """An environment in which environment.yml and postBuild have been carried out."""
    folder = tmp_path_factory.mktemp("binder")
    programs = make(folder / "env")
    environ = outside()
    environ |= {
        "PATH": f"{programs}{os.pathsep}{environ['PATH']}",
        "JUPYTER_CONFIG_DIR": str(folder / "jupyter"),
        "NBFLOW_HOME": str(folder / "nbflow"),
    }
    install(programs, *requirements())
    run([BINDER / "postBuild"], ROOT, environ)
    return environ


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_demonstration_begins_with_the_quickstart(environ: dict[str, str]) -> None:
    """`start` hands over to Jupyter, which opens a page that exists."""
    shown = run([BINDER / "start", "jupyter", "server", "--show-config-json"], ROOT, environ)
    page = json.loads(shown)["ServerApp"]["default_url"].removeprefix("/lab/tree/")
    assert page == "examples/quickstart.ipynb"
    assert (ROOT / page).is_file()
    assert run([BINDER / "start", "jupyter", "lab", "--version"], ROOT, environ).startswith("4.")


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_the_quickstart_runs_in_a_demonstration(environ: dict[str, str], tmp_path: Path) -> None:
    """What postBuild installed is enough for the page people see first."""
    out = tmp_path / "quickstart.ipynb"
    command = ["nbflow", "run", "examples/quickstart.ipynb", "-o", out]
    run([BINDER / "start", *command], ROOT, environ)
    assert out.is_file()
