"""Source distributions for their notebooks: fetched and unpacked, never built.

`pip download` asks every source distribution for its metadata and so builds half of it; here pip
only finds the archive, on the index it is set up with, and fetches it. This module knows nothing
of notebooks.
"""

from __future__ import annotations

import tarfile
import zipfile
from pathlib import Path

from pip._internal.cli.cmdoptions import make_target_python
from pip._internal.commands.download import DownloadCommand


def fetch(name: str, version: str, folder: Path) -> Path:
    """The unpacked source distribution of a project, below `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / f"{name}-{version}"
    if not target.exists():
        _unpack(_Download("download", "").fetch(name, version, folder), target)
    return target


class _Download(DownloadCommand):
    """pip with its own settings: which index, which certificates, which proxies."""

    def fetch(self, name: str, version: str, folder: Path) -> Path:
        """The archive, as it is."""
        with self.main_context():
            options, _ = self.parse_args(["--quiet", "--no-binary", ":all:", name])
            session = self.enter_context(self._build_session(options))
            finder = self._build_package_finder(
                options, session, target_python=make_target_python(options)
            )
            found = (c for c in finder.find_all_candidates(name) if str(c.version) == version)
            link = next(found).link
            reply = session.get(link.url_without_fragment)
            reply.raise_for_status()
            archive = folder / link.filename
            archive.write_bytes(reply.content)
            return archive


def _unpack(archive: Path, target: Path) -> None:
    if archive.suffix == ".zip":
        with zipfile.ZipFile(archive) as packed:
            packed.extractall(target)
    else:
        with tarfile.open(archive) as packed:
            packed.extractall(target, filter="data")
