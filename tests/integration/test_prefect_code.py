"""Flows written for Prefect 3 run after changing only their import lines."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

FLOWS = sorted((Path(__file__).parents[1] / "prefect_flows").glob("*.py"))


def with_our_imports(source: str) -> str:
    """The source with its import lines, and names that they bound, changed."""
    source = re.sub(r"(?m)^from prefect\b", "from nbflow", source)
    return re.sub(r"(?m)^import prefect$", "import nbflow as prefect", source)


@pytest.mark.parametrize("path", FLOWS, ids=lambda path: path.stem)
def test_a_prefect_flow_runs(path: Path) -> None:
    namespace: dict[str, object] = {"__name__": f"prefect_{path.stem}"}
    code = compile(with_our_imports(path.read_text(encoding="utf-8")), str(path), "exec")
    exec(code, namespace)
    assert namespace["main"]() == 1  # type: ignore[operator]


def test_there_are_flows_to_try() -> None:
    assert len(FLOWS) >= 3
