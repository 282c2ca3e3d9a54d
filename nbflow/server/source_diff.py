"""What differs between two versions of a deployment, as text.

This module decides how that reads, and that a source which is not what its name says can be
compared all the same. It must not know where versions are kept beyond the store's interface.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping

from nbflow.deployments.diff import (
    changed_files,
    source_diff,
    source_of_version,
    spec_changes,
)
from nbflow.models.deployments import DeploymentVersion
from nbflow.store.base import Store


def diff_of(store: Store, old: DeploymentVersion, new: DeploymentVersion) -> str:
    """The differences of spec and source; empty when there are none."""
    said = [str(change) for change in spec_changes(old.spec, new.spec)]
    before, after = source_of_version(store, old), source_of_version(store, new)
    try:
        said += source_diff(before, after)
    except (
        ValueError,
        LookupError,
        TypeError,
        AttributeError,
    ):  # no notebook, in spite of its name
        said += _plainly(before, after)
    return "".join(f"{line}\n" for line in said)


def _plainly(before: Mapping[str, bytes], after: Mapping[str, bytes]) -> Iterator[str]:
    for name in changed_files(before, after):
        yield from difflib.unified_diff(
            before.get(name, b"").decode(errors="replace").splitlines(),
            after.get(name, b"").decode(errors="replace").splitlines(),
            f"before/{name}",
            f"after/{name}",
            lineterm="",
        )
