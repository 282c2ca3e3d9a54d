"""What a worker tells the process that is to execute a run.

This module decides how an order is written: as arguments for a process that is started for
it, as a line for one that waits. It must not know what is done with it.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from nbflow.models.deployments import Fence

#: `-P`: what lies in the worker's folder is none of the run's modules.
_RUNNER: Final = (sys.executable, "-P", "-m", "nbflow.worker.runner")
_COMMON_KERNEL: Final = "python3"
#: Marks a runner that starts ahead, with the kernel that it keeps ready.
AHEAD: Final = "--ahead"
#: What a runner that has started ahead says when it waits for its order.
READY: Final = b"ready\n"
#: Exit code of a runner that has found its claim lost.
LOST: Final = 75


@dataclass(frozen=True, slots=True)
class Order:
    """One run for one process."""

    fence: Fence
    #: All of the process's environment.
    environment: Mapping[str, str]

    def command(self) -> list[str]:
        """The command of a process that starts for this run."""
        return [*_RUNNER, str(self.fence.run_id), str(self.fence.token)]

    def line(self) -> bytes:
        """The order for a process that waits for one."""
        told = {
            "run_id": str(self.fence.run_id),
            "token": self.fence.token,
            "environment": dict(self.environment),
        }
        return json.dumps(told).encode() + b"\n"


def command_ahead(kernel: str | None = None) -> list[str]:
    """The command of a process that starts before its run is known, and a kernel with it."""
    return [*_RUNNER, AHEAD, kernel or _COMMON_KERNEL]


def read_line(line: bytes) -> Order:
    """The order that `Order.line` wrote."""
    told = json.loads(line)
    return Order(Fence(UUID(told["run_id"]), told["token"]), told["environment"])
