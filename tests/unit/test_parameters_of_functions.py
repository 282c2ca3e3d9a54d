"""Signatures that are read say what signatures that are imported say."""

from __future__ import annotations

import ast
import importlib.util
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from nbflow.parameters import PythonFile, from_signature, json_schema

HEAD = '''
import datetime
import datetime as dt
import decimal
import enum
import pathlib
import typing as t
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from decimal import Decimal
from enum import Enum, IntEnum, StrEnum, auto
from pathlib import Path
from typing import Any, Dict, List, Literal, Optional, Union
from uuid import UUID

DAYS = 7
NAME: str = "a" + "b"
TABLES = ["x", "y"]
Tables = list[str]

class Mode(Enum):
    """How it goes."""
    FAST = "fast"
    SLOW = "slow"

class Level(IntEnum):
    LOW = 1
    HIGH = 2

class Side(str, enum.Enum):
    LEFT = "left"
    RIGHT = "right"

    def other(self):
        return self

class Colour(StrEnum):
    RED = auto()
    BLUE = auto()

class Other:
    pass

if DAYS:
    LATE = 3
'''

SIGNATURES = [
    "",
    "a",
    "a=1",
    "a: int",
    "a: int = 3",
    "a: 'int' = 3",
    "a: float = 1e-3",
    "a: bool = True, b: str = 'x'",
    "a: None = None",
    "a: int | None = None",
    "a: Optional[int] = None",
    "a: Union[int, str] = 3",
    "a: list[int] = [1, 2]",
    "a: List[str] = []",
    "a: list = [1]",
    "a: dict = {}",
    "a: dict[str, int] = {'x': 1}",
    "a: Dict[str, float] | None = None",
    "a: tuple[int, ...] = (1, 2)",
    "a: tuple[int, str] = (1, 'x')",
    "a: set[str] = {'x'}",
    "a: Sequence[int] = ()",
    "a: Mapping[str, int] = {}",
    "a: t.List[int] = []",
    "a: Literal['x', 'y'] = 'x'",
    "a: Literal[1, 2] | None = None",
    "a: date",
    "a: date = date(2026, 1, 31)",
    "a: datetime.datetime = datetime.datetime(2026, 1, 31, 9)",
    "a: dt.datetime | None = None",
    "a: timedelta = timedelta(hours=1)",
    "a: Decimal = Decimal('0.1')",
    "a: decimal.Decimal = decimal.Decimal(1)",
    "a: Path = Path('data') / 'x'",
    "a: pathlib.Path = pathlib.Path('data')",
    "a: UUID = UUID(int=1)",
    "a: Mode = Mode.FAST",
    "a: Mode | None = None",
    "a: list[Mode] = [Mode.SLOW]",
    "a: Level = Level.HIGH",
    "a: Side = Side.LEFT",
    "a: Colour = Colour.RED",
    "a: Literal[Mode.FAST] = Mode.FAST",
    "a: Any = 3",
    "a: object = 3",
    "a: int = DAYS",
    "a: str = NAME",
    "a: Tables = TABLES",
    "a: int = LATE",
    "a: int = -DAYS * 2",
    "a: Missing",
    "a: 'Missing.Deep' = 3",
    "a: 'list[Missing]' = 3",
    "*args: int",
    "**options: str",
    "a, /, b: int, *, c: float = 1.0, **rest",
    "a: int, *many: str, c: bool = False",
]
FUNCTION = '''
def fn({signature}):
    """Do it.

    Args:
        a: The first
            of all.
        b: The second.
    """
'''


def loaded(source: str, folder: Path) -> ModuleType:
    path = folder / "flowfile.py"
    path.write_text(source)
    spec = importlib.util.spec_from_file_location("flowfile_under_test", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    try:
        spec.loader.exec_module(module)
    finally:
        del sys.modules[spec.name]
    return module


def read(source: str) -> Any:
    file = PythonFile(ast.parse(source))
    function = next(s for s in file.statements() if getattr(s, "name", "") == "fn")
    return file.parameters_of(function)


@pytest.mark.parametrize(
    ("signature", "future"),
    [(each, late) for each in SIGNATURES for late in (False, True) if late or each != "a: Missing"],
)
def test_what_is_read_is_what_is_imported(signature: str, future: bool, tmp_path: Path) -> None:
    source = ("from __future__ import annotations\n" if future else "") + HEAD
    source += FUNCTION.format(signature=signature)
    live = from_signature(loaded(source, tmp_path).fn)
    found = read(source)
    assert json_schema(found) == json_schema(live)
    assert [(p.name, p.required, p.kind, p.help) for p in found] == [
        (p.name, p.required, p.kind, p.help) for p in live
    ]


@pytest.mark.parametrize(
    "signature",
    [
        "a: Other = None",  # a class of the file's own
        "a=compute()",
        "a=open('x')",
        "a: date = date.today()",
        "a=DAYS.real",
        "a: Unpickled = __import__('os').system('false')",
    ],
)
def test_what_only_running_tells_is_left_open(signature: str) -> None:
    (parameter,) = read(HEAD + FUNCTION.format(signature=signature))
    assert not parameter.required
    assert "default" not in json_schema([parameter])["properties"]["a"] or "None" in signature


def test_an_own_class_hides_what_is_known_elsewhere() -> None:
    (parameter,) = read(f"class Path: ...\n{FUNCTION.format(signature='a: Path')}")
    assert parameter.annotation is Any


def test_a_constant_that_is_bound_anew_is_the_later_one() -> None:
    (parameter,) = read(f"N = 1\nN = 2\n{FUNCTION.format(signature='a=N')}")
    assert parameter.default == 2
