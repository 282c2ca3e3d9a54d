"""What differs between two versions of a deployment, as text.

This module decides how that reads, and that a source which is not what its name says can be
compared all the same. It must not know where versions are kept beyond the store's interface.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator

from nbflow.models.deployments import DeploymentVersion
from nbflow.store.base import Store


def diff_of(store: Store, old: DeploymentVersion, new: DeploymentVersion) -> str:
    """The differences of spec and source; empty when there are none."""
    from nbflow.deployments import diff  # noqa: PLC0415 - slow to load, and seldom needed

    said = [str(change) for change in diff.spec_changes(old.spec, new.spec)]
    before, after = diff.source_of_version(store, old), diff.source_of_version(store, new)
    try:
        said += diff.source_diff(before, after)
    except (
        ValueError,
        LookupError,
        TypeError,
        AttributeError,
    ):  # no notebook, in spite of its name
        for name in diff.changed_files(before, after):
            said += _plainly(name, before.get(name, b""), after.get(name, b""))
    return "".join(f"{line}\n" for line in said)


def _plainly(name: str, before: bytes, after: bytes) -> Iterator[str]:
    return difflib.unified_diff(
        before.decode(errors="replace").splitlines(),
        after.decode(errors="replace").splitlines(),
        f"before/{name}",
        f"after/{name}",
        lineterm="",
    )
