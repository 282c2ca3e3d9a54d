"""Whether this process is IPython, and a kernel: told from what is loaded."""

from __future__ import annotations

import sys
from types import ModuleType, SimpleNamespace

import pytest

from nbflow.interactive import in_kernel, kernel_here, shell_here

KERNEL = object()
TERMINAL = SimpleNamespace()
NOTEBOOK = SimpleNamespace(kernel=KERNEL)

CASES = {
    "IPython is not loaded": (None, None, None),
    "IPython is loaded, as pandas does": (lambda: None, None, None),
    "IPython is being loaded": ("nothing yet", None, None),
    "IPython in a terminal": (lambda: TERMINAL, TERMINAL, None),
    "a shell whose kernel has gone": (lambda: SimpleNamespace(kernel=None), ..., None),
    "a notebook": (lambda: NOTEBOOK, NOTEBOOK, KERNEL),
}


@pytest.mark.parametrize(("get_ipython", "shell", "kernel"), CASES.values(), ids=CASES)
def test_where_code_runs(get_ipython, shell, kernel, monkeypatch) -> None:
    """Nothing is loaded to find it out."""
    module = ModuleType("IPython")
    if callable(get_ipython):
        module.get_ipython = get_ipython
    monkeypatch.delitem(sys.modules, "IPython", raising=False)
    if get_ipython is not None:
        monkeypatch.setitem(sys.modules, "IPython", module)

    assert shell is ... or shell_here() is shell
    assert kernel_here() is kernel
    assert in_kernel() is (kernel is not None)
    assert ("IPython" in sys.modules) is (get_ipython is not None)
