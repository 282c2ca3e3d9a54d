"""Who executes a run, and whether that process still lives."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from nbflow import owner


def test_this_process_lives() -> None:
    assert owner.is_alive(owner.this_owner()) is True


def test_a_process_that_ended_is_gone_even_before_its_parent_looked() -> None:
    code = "from nbflow.owner import this_owner; print(this_owner(), flush=True); input()"
    process = subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, stdin=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    name = process.stdout.readline().strip()
    assert owner.is_alive(name) is True
    process.kill()
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)  # ended, not yet collected
    assert owner.is_alive(name) is False
    process.communicate()
    assert owner.is_alive(name) is False


def test_a_later_process_with_the_same_number_is_another() -> None:
    before, _, start = owner.this_owner().rpartition(":")
    assert owner.is_alive(f"{before}:1{start}") is False
    assert owner.is_alive(f"{before}:?") is True, "without a start time the number decides"


@pytest.mark.parametrize("text", ["elsewhere:1:1", "", ":", "no number:x:1", "a:b:c:d"])
def test_other_machines_and_odd_texts_are_unknown(text: str) -> None:
    assert owner.is_alive(text) is None


def test_a_number_beyond_the_systems_range_is_no_process() -> None:
    host = owner.this_owner().rsplit(":", 2)[0]
    assert owner.is_alive(f"{host}:999999999:1") is False
    assert owner.is_alive(f"{host}:{10**30}:1") is False


def test_without_proc_ps_tells(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(owner, "_PROC", tmp_path)
    monkeypatch.setattr(owner, "_output_of", lambda _: "Sun Nov 22 07:00:00 2026\n")
    owner._owner.cache_clear()
    try:
        name = owner.this_owner()
        assert name.endswith(":Sun-Nov-22-07.00.00-2026")
        assert owner.is_alive(name) is True
        monkeypatch.setattr(owner, "_output_of", lambda _: "Mon Nov 23 07:00:00 2026\n")
        assert owner.is_alive(name) is False
    finally:
        owner._owner.cache_clear()
