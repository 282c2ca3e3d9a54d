"""Which of the installed kernels runs a notebook.

This module decides that, and says why. It must not know how kernels are started.
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from dataclasses import dataclass

from jupyter_client.kernelspec import KernelSpecManager, NoSuchKernel
from nbformat import NotebookNode

from nbflow.exceptions import NotebookError


@dataclass(frozen=True, slots=True)
class KernelChoice:
    """Which kernel runs a notebook, and why."""

    name: str
    reason: str
    #: What the kernel speaks, in lower case.
    language: str
    #: The kernel the notebook names, when that one is not installed.
    missing: str | None = None


def choose_kernel(nb: NotebookNode, asked: str | None = None) -> KernelChoice:
    """The kernel asked for, else the notebook's own, else one of its language.

    A Python notebook whose kernel is not installed, or that names none, runs on `python3`,
    which is this interpreter's where ipykernel is installed beside it. Raises
    `NotebookError`, naming the installed kernels, when there is none that fits.
    """
    installed = KernelSpecManager().find_kernel_specs()
    if asked:
        if asked not in installed:
            raise NotebookError(_unknown(asked, "was asked for", installed))
        return _chosen(asked, "asked for")
    named = nb.metadata.get("kernelspec", {}).get("name")
    if named in installed:
        return _chosen(named, "named by the notebook")
    language = _language_of(nb)
    fitting = _kernel_of_language(language, installed)
    if fitting:
        return _chosen(fitting, f"by the notebook's language, {language}", missing=named or None)
    raise NotebookError(_unknown(named or language, "is what the notebook needs", installed))


def _chosen(name: str, reason: str, *, missing: str | None = None) -> KernelChoice:
    return KernelChoice(name, reason, _language_of_kernel(name), missing)


def _language_of_kernel(name: str) -> str:
    try:
        return str(KernelSpecManager().get_kernel_spec(name).language).lower()
    except (NoSuchKernel, ValueError, OSError) as error:
        raise NotebookError(
            f"The kernel {name!r} is installed, but its kernel.json cannot be read: {error}."
        ) from error


def _unknown(name: str, role: str, installed: Mapping[str, str]) -> str:
    have = ", ".join(sorted(installed)) or "none; install ipykernel"
    return f"The kernel {name!r} {role}, but is not installed. Installed kernels: {have}."


def _language_of(nb: NotebookNode) -> str:
    info = nb.metadata.get("language_info", {}).get("name")
    spec = nb.metadata.get("kernelspec", {}).get("language")
    return str(info or spec or "python").lower()


def _kernel_of_language(language: str, installed: Mapping[str, str]) -> str | None:
    if language in {"python", "ipython"} and "python3" in installed:
        return "python3"
    for name in sorted(installed):
        with contextlib.suppress(NotebookError):
            if _language_of_kernel(name) == language:
                return name
    return None
