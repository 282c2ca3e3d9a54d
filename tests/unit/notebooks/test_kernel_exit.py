"""How a kernel ended is said in words people know."""

from __future__ import annotations

import pytest

from nbflow.notebooks.kernels import KernelExit


@pytest.mark.parametrize(
    ("ended", "words"),
    [
        (KernelExit(3), "exit code 3"),
        (KernelExit(0), "exit code 0"),
        (KernelExit(-9), "killed by SIGKILL"),
        (KernelExit(-11), "killed by SIGSEGV"),
        (KernelExit(-9, out_of_memory=True), "killed by SIGKILL, because the memory limit"),
        (KernelExit(-250), "killed by signal 250"),
        (KernelExit(None), "it is gone"),
    ],
)
def test_the_end_of_a_kernel_in_words(ended, words) -> None:
    assert str(ended).startswith(words)
