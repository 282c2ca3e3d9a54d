"""What is deployed: a notebook or a flow of a file, described without executing it.

This module decides the record only. It must not know how targets are spelled or read.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from nbflow.models import FlowKind
from nbflow.parameters import Parameter, json_schema


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A flow or notebook as it can be deployed."""

    #: The file; for a notebook that lies elsewhere, its address.
    address: str
    kind: FlowKind
    flow_name: str
    #: The variable that holds the flow in a Python file; "" for a notebook.
    variable: str = ""
    description: str | None = None
    parameters: tuple[Parameter, ...] = ()
    #: False for a notebook in another language: nothing is known of its parameters.
    declares_parameters: bool = True
    kernel_name: str | None = None
    #: Where relative paths of the code are meant.
    cwd: str | None = None
    #: Fields of a deployment's spec that the flow object itself states.
    stated: Mapping[str, Any] = field(default_factory=dict)

    @property
    def is_notebook(self) -> bool:
        """Whether a whole notebook is deployed."""
        return self.kind is FlowKind.NOTEBOOK

    @property
    def path(self) -> Path:
        """The file; meaningless for an address elsewhere."""
        return Path(self.address)

    @property
    def file_name(self) -> str:
        """The file's name, which is its place inside a snapshot."""
        return Path(self.address.split("?")[0]).name

    @property
    def label(self) -> str:
        """How sentences call it: `notebook 'train.ipynb'`."""
        kind = "notebook" if self.is_notebook else "flow"
        return f"{kind} {self.file_name if self.is_notebook else self.flow_name!r}"

    def entrypoint(self, *, follow: bool) -> str:
        """Where runs find it: inside the snapshot, or where the file is."""
        file = self.address if follow else self.file_name
        return f"{file}:{self.variable}" if self.variable else file

    def parameter_schema(self) -> dict[str, Any]:
        """JSON Schema of what it can be given; empty when nothing is known."""
        if not self.declares_parameters:
            return {}
        return json_schema(self.parameters, title=self.flow_name)
