"""Servers and workers as processes, killed at random and started again."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

Command = Callable[[], list[str]]


@dataclass
class Member:
    """A server or a worker: the same command again and again."""

    name: str
    command: list[str]
    process: subprocess.Popen[bytes] | None = None
    kills: int = 0


@dataclass
class Fleet:
    """Everything that works on one database."""

    home: Path
    members: list[Member] = field(default_factory=list)

    def environment(self) -> dict[str, str]:
        """Leases that end soon, and a home of their own."""
        return {
            **os.environ,
            "NBFLOW_HOME": str(self.home),
            "NBFLOW_LEASE_SECONDS": "2",
            "NBFLOW_CANCEL_GRACE_SECONDS": "1",
            "NBFLOW_WARM_KERNELS": "false",
        }

    def add_server(self, name: str) -> None:
        """One that schedules and answers, without a worker of its own."""
        self._add(name, "server", "start", "--port", "0", "--no-worker")

    def add_worker(self, name: str) -> None:
        """One that executes two runs at a time."""
        self._add(name, "worker", "start", "--limit", "2")

    def _add(self, name: str, *words: str) -> None:
        self.members.append(Member(name, [sys.executable, "-m", "nbflow", *words]))

    def start(self, member: Member) -> None:
        """Start a member; what it says goes to a file of its own."""
        with (self.home / f"{member.name}.log").open("ab") as log:
            member.process = subprocess.Popen(
                member.command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=self.environment(),
                start_new_session=True,
            )

    def start_all(self) -> None:
        """Start every member that is not at work."""
        for member in self.members:
            if member.process is None or member.process.poll() is not None:
                self.start(member)

    def kill_one(self, rng: random.Random) -> Member:
        """Kill a member without a word, and start it again a moment later."""
        member = rng.choice(self.members)
        assert member.process is not None
        member.process.kill()
        member.process.wait()
        member.kills += 1
        time.sleep(rng.random() * 0.5)
        self.start(member)
        return member

    def stop(self) -> None:
        """End everybody in an orderly way, then at all costs."""
        for member in self.members:
            if member.process is not None:
                member.process.send_signal(signal.SIGTERM)
        for member in self.members:
            if member.process is not None:
                try:
                    member.process.wait(20)
                except subprocess.TimeoutExpired:
                    member.process.kill()
                    member.process.wait()
