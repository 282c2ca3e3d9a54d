"""Fresh environments, for tests of what somebody has who installs nbflow.

This module decides how they are made and filled. It must not know what is tried in them.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

#: Settings of the caller's that would show an environment the libraries of another.
_HIDDEN = {"PYTHONDONTWRITEBYTECODE", "PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV"}


def outside() -> dict[str, str]:
    """The variables of a caller who has not entered any environment."""
    environ = {key: value for key, value in os.environ.items() if key not in _HIDDEN}
    return {**environ, "PIP_NO_COMPILE": "1"}  # each module once, when it is used: half the time


def run(command: list[str | Path], cwd: Path, environ: dict[str, str] | None = None) -> str:
    """What a command prints that succeeds."""
    done = subprocess.run(
        command,
        cwd=cwd,
        env=environ or outside(),
        capture_output=True,
        text=True,
        timeout=500,
        check=False,
    )
    assert done.returncode == 0, f"{command}\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
    return done.stdout


def make(folder: Path) -> Path:
    """An environment with nothing but pip in the folder; returns where its programs are."""
    run([sys.executable, "-m", "venv", folder], folder.parent)
    return folder / "bin"


def install(programs: Path, *what: str | Path) -> None:
    """Install into an environment: with uv where the tests have it and it can, else with pip."""
    python, uv = programs / "python", Path(sys.executable).with_name("uv")
    if uv.exists():
        quick = [uv, "pip", "install", "--quiet", "--python", python, *what]
        if subprocess.run(quick, env=outside(), capture_output=True, check=False).returncode == 0:
            return
    run([python, "-m", "pip", "install", "-qq", *what], programs)
