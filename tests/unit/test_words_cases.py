"""The words that TypeScript says are those of `nbflow.wording`.

Both are held against one file of cases. To write it anew, run this file as a script:
`python tests/unit/test_words_cases.py > extension/src/components/words-cases.json`.
"""

from __future__ import annotations

import json
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

from nbflow import wording
from nbflow.states import LOOKS
from nbflow.widgets import moment

FILE = Path(__file__).parents[2] / "extension/src/components/words-cases.json"

NOW = datetime(2026, 5, 6, 12, 0, 30, tzinfo=UTC)
SECONDS = [
    None, -3, 0, 0.0004, 0.0005, 0.0015, 0.0025, 0.34, 0.9994, 0.9995, 0.9996, 1.15, 1.2, 1.25, 1.75,
    2.25, 9.94, 9.95, 9.96, 10.5, 59.4, 59.5, 59.6, 125, 3599.4, 3599.7, 3720, 86399, 86400, 273600, 1e9,
]  # fmt: skip
AGES = [
    0, 9, 9.9, 10, 59, 60, -9, -10, -185, 3599, 3600, 7200, 21599, 21600, 11 * 3600, 30 * 3600, 54 * 3600,
    6 * 86400, 7 * 86400, 86400 * 30, 86400 * 125, 86400 * 126, 86400 * 300, -86400, -86400 * 3, -86400 * 300,
]  # fmt: skip
COUNTS = [
    {}, {"Completed": 3}, {"Completed": 187, "Failed": 3, "Running": 10}, {"Cached": 2, "Skipped": 1, "NotRun": 4},
    {"TimedOut": 1, "Failed": 2, "Crashed": 3, "Cancelled": 4, "RolledBack": 5}, {"Failed": 0, "Pending": 12345},
]  # fmt: skip
ESCAPED = [
    "plain", "\x1b[31mred\x1b[0m", "\x1b]8;;https://x.y\x07link\x1b]8;;\x1b\\", "\x1b[?25lhid\x1b(Bden", "cut \x1b", "a\x1b]0;t",
]  # fmt: skip
NUMBERS = [(0, "task"), (1, "task"), (2, "cell"), (999, "run"), (1000, "run"), (1234567, "line")]


def _as_cases(values, told):
    """By their place, so that a formatter of JSON finds nothing to do."""
    return {str(i): {"of": value, "told": told(value)} for i, value in enumerate(values)}


def words_cases() -> str:
    cases = {
        "duration": _as_cases(SECONDS, wording.duration),
        "ticking": _as_cases([s for s in SECONDS if s is None or s >= 0], moment._ticking),
        "stateWord": _as_cases([*LOOKS, "ÜberMüde", "mine", ""], wording.state_word),
        "withoutEscapes": _as_cases(ESCAPED, wording.without_escapes),
        "progress": _as_cases(COUNTS, wording.progress),
        "counted": {
            str(i): {"of": number, "noun": noun, "told": wording.counted(number, noun)}
            for i, (number, noun) in enumerate(NUMBERS)
        },
        "ago": {
            "now": int(NOW.timestamp() * 1000),
            "zone": "UTC",
            "cases": _as_cases(AGES, lambda s: wording.ago(NOW - timedelta(seconds=s), NOW, UTC)),
        },
    }
    return json.dumps(cases, indent=2, ensure_ascii=False) + "\n"


def test_the_cases_are_what_python_says():
    assert FILE.read_text(encoding="utf-8") == words_cases()


if __name__ == "__main__":
    sys.stdout.buffer.write(words_cases().encode())
