"""The wheel holds what users need and nothing else, and works where nothing else is."""

from __future__ import annotations

import sys
import zipfile
from pathlib import Path

import pytest

from tests.environments import install, make, run

ROOT = Path(__file__).resolve().parents[1]

HELLO = """
from nbflow import flow, task

@task
def greet(name):
    return f"Hello, {name}!"

@flow
def hello(name: str = "world"):
    return greet(name)

print(hello())
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built as a user's pip would build it."""
    folder = tmp_path_factory.mktemp("wheel")
    run([sys.executable, "-m", "pip", "wheel", "-qq", "--no-deps", "-w", folder, ROOT], folder)
    (path,) = folder.glob("nbflow-*.whl")
    return path


@pytest.fixture(scope="module")
def environment(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The programs of a fresh environment in which the wheel alone was installed."""
    programs = make(tmp_path_factory.mktemp("environment") / "env")
    install(programs, wheel)
    return programs


def test_the_wheel_holds_the_package_alone(wheel: Path) -> None:
    """Every file of the package is in it; no test, example or cache is."""
    names = {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name}
    sources = {
        str(path.relative_to(ROOT))
        for path in (ROOT / "nbflow").rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert names == sources
    assert "nbflow/py.typed" in names
    assert {"nbflow/static/widget.js", "nbflow/static/bootstrap.js"} <= names
    assert [name for name in names if "/migrations/versions/" in name and name.endswith(".py")]


def test_the_front_end_is_locked_without_naming_a_registry() -> None:
    """Whoever builds it takes the same packages from where their npm takes packages."""
    lock = (ROOT / "extension/package-lock.json").read_text(encoding="utf-8")
    assert '"integrity"' in lock
    assert '"resolved"' not in lock
    assert "http" not in (ROOT / "extension/.npmrc").read_text(encoding="utf-8")


def test_the_wheel_carries_licence_and_entry_points(wheel: Path) -> None:
    """The command and papermill's engine are registered, the licence travels along."""
    archive = zipfile.ZipFile(wheel)
    texts = {
        Path(name).name: archive.read(name).decode()
        for name in archive.namelist()
        if "dist-info" in name
    }
    assert "nbflow = nbflow.cli.main:main" in texts["entry_points.txt"]
    assert "[papermill.engine]" in texts["entry_points.txt"]
    assert "BSD 3-Clause" in texts["LICENSE"]


@pytest.mark.slow
@pytest.mark.timeout(400)
def test_a_fresh_environment_runs_a_flow(environment: Path, tmp_path: Path) -> None:
    """Without any extra, the command answers and a first flow runs and is recorded."""
    from nbflow import __version__

    assert __version__ in run([environment / "nbflow", "version"], tmp_path)
    (tmp_path / "hello.py").write_text(HELLO)
    assert "Hello, world!" in run([environment / "python", "hello.py"], tmp_path)
    assert "hello" in run([environment / "nbflow", "runs", "ls"], tmp_path)
