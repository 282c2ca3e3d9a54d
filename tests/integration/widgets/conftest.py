"""A kernel with nbflow's views, shared by the tests of a file."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.integration.widgets.kernels import Kernel, running_kernel


@pytest.fixture(scope="module")
def kernel(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kernel]:
    """A kernel that knows a run, `run`, which completed, and has shown it."""
    with running_kernel(tmp_path_factory.mktemp("kernel")) as running:
        yield running
