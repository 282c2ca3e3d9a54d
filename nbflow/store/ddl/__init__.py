"""The scripts that make an empty run database, written by `python -m nbflow.store.schema`.

This module decides which schema revision this nbflow speaks. It must not import SQLAlchemy.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

#: The revision of the scripts here: the head of `migrations/versions`.
REVISION: Final = "0002"


def statements(dialect: str) -> list[str]:
    """The creation statements of a dialect (`sqlite` or `postgresql`), in order."""
    script = Path(__file__).with_name(f"{dialect}.sql").read_text(encoding="utf-8")
    return [part for part in script.split(";\n") if part.strip()]
