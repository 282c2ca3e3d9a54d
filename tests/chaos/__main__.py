"""`python -m tests.chaos --seconds 120 --seed 1`: a long round; leaves its folder for a look."""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from tests.chaos.chaos import play


def main() -> int:
    """Play, tell, and return 1 when anything was wrong."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=120.0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--url", default="", help="a database; default: a new SQLite file")
    given = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="nbflow-chaos-"))
    outcome = play(folder, seed=given.seed, seconds=given.seconds, url=given.url)
    print(
        f"seed {given.seed}: {outcome.runs} runs, {outcome.kills} kills, "
        f"{outcome.executions} executions, {outcome.repeated} came to their end twice"
    )
    for line in outcome.wrong:
        print(f"  {line}")
    print(f"  What they said is in {folder}.")
    return 1 if outcome.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
