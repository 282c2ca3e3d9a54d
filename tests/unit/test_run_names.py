from __future__ import annotations

import re

from nbflow.run_names import random_name


def test_random_names_are_two_words() -> None:
    assert all(re.fullmatch(r"[a-z]+-[a-z]+", random_name()) for _ in range(100))
