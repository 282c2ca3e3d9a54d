"""Content hashes agree between processes whose sets and dicts are ordered differently."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

TABLE = Path(__file__).with_name("hashing_table.py")


def _hashes(seed: str) -> dict[str, list[str]]:
    done = subprocess.run(
        [sys.executable, "-W", "error", str(TABLE)],
        env={**os.environ, "PYTHONHASHSEED": seed},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout)


@pytest.fixture(scope="module")
def hashes() -> dict[str, dict[str, list[str]]]:
    return {seed: _hashes(seed) for seed in ("1", "2")}


def test_every_value_hashes_the_same_in_two_processes(hashes):
    different = [name for name in hashes["1"] if hashes["1"][name] != hashes["2"][name]]
    assert different == []
    assert len(hashes["1"]) > 150


def test_a_pickled_copy_hashes_as_its_original(hashes):
    assert [name for name, (one, copy) in hashes["1"].items() if one != copy] == []


def test_different_values_hash_differently(hashes):
    counts = Counter(pair[0] for name, pair in hashes["1"].items() if name != "code")
    shared = [name for name, pair in hashes["1"].items() if counts[pair[0]] > 1]
    assert shared == []
