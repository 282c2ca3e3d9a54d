"""The demonstration on Binder: its steps are replayed, in order, in an empty environment."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[1]
BINDER = ROOT / "binder"


def replay(command: list[str | Path], environ: dict[str, str], cwd: Path = ROOT) -> str:
    done = subprocess.run(
        command, env=environ, cwd=cwd, capture_output=True, text=True, timeout=500, check=False
    )
    assert done.returncode == 0, f"{command}\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
    return done.stdout


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
    subprocess.run([sys.executable, "-m", "venv", folder / "env"], check=True, timeout=120)
    hidden = {"PYTHONDONTWRITEBYTECODE", "PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV"}
    environ = {key: value for key, value in os.environ.items() if key not in hidden}
    environ |= {
        "PATH": f"{folder / 'env' / 'bin'}{os.pathsep}{environ['PATH']}",
        "JUPYTER_CONFIG_DIR": str(folder / "jupyter"),
        "NBFLOW_HOME": str(folder / "nbflow"),
        "PIP_NO_COMPILE": "1",  # each module once, when it is used: half the time
    }
    replay([folder / "env/bin/python", "-m", "pip", "install", "-qq", *requirements()], environ)
    replay([BINDER / "postBuild"], environ)
    return environ


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_demonstration_begins_with_the_quickstart(environ: dict[str, str]) -> None:
    """`start` hands over to Jupyter, which opens a page that exists."""
    shown = replay([BINDER / "start", "jupyter", "server", "--show-config-json"], environ)
    page = json.loads(shown)["ServerApp"]["default_url"].removeprefix("/lab/tree/")
    assert page == "examples/quickstart.ipynb"
    assert (ROOT / page).is_file()
    assert replay([BINDER / "start", "jupyter", "lab", "--version"], environ).startswith("4.")


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_the_quickstart_runs_in_a_demonstration(environ: dict[str, str], tmp_path: Path) -> None:
    """What postBuild installed is enough for the page people see first."""
    out = tmp_path / "quickstart.ipynb"
    replay([BINDER / "start", "nbflow", "run", "examples/quickstart.ipynb", "-o", out], environ)
    assert out.is_file()
