"""`nbflow.yaml`: deployments that are declared in a file, read strictly.

This module decides what may stand in the file, and says of each mistake in which line it is.
It must not know what a deployment is made of, nor what is done with what was read.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml

from nbflow.deployments.deploying import SPEC_OPTIONS
from nbflow.durations import read_duration
from nbflow.exceptions import UsageError

FILE_NAMES: Final = ("nbflow.yaml", "nbflow.yml")
#: Short spellings, as the command line has them.
_SHORT: Final = {
    "cell_timeout": "cell_timeout_seconds",
    "concurrency": "concurrency_limit",
    "keep_kernel": "keep_kernel_seconds",
    "kernel": "kernel_name",
    "retry_delay": "retry_delay_seconds",
    "timeout": "timeout_seconds",
    "tz": "timezone",
}
_OPTIONS: Final = (
    *SPEC_OPTIONS,
    "cron",
    "interval",
    "rrule",
    "schedules",
    "timezone",
    "anchor_date",
    "paused",
    "include",
    *_SHORT,
)
_OF_DEPLOYMENT: Final = ("target", "name", *_OPTIONS)
_OF_FILE: Final = ("deployments", "defaults")
#: Merged with the defaults' instead of taking their place.
_MERGED: Final = ("parameters", "env")


class Block(dict[str, Any]):
    """A mapping of the file that remembers the line of each key."""

    def __init__(self, line: int) -> None:
        super().__init__()
        self.line = line
        self.lines: dict[str, int] = {}


@dataclass(frozen=True, slots=True)
class Entry:
    """One deployment of the file."""

    path: Path
    line: int
    target: str
    name: str | None
    #: For `deployments.draft`.
    options: Mapping[str, Any]

    @property
    def place(self) -> str:
        """Where a mistake in it is."""
        return f"{self.path.name}, line {self.line}"


def find_plan_file(given: str | None) -> Path:
    """The file that is meant: the given one, or the one of this folder."""
    if given is not None:
        return Path(given)
    for name in FILE_NAMES:
        if Path(name).is_file():
            return Path(name)
    raise UsageError(
        "There is no nbflow.yaml here. Write one, name another with --file, or name a notebook "
        "or file.py:flow to deploy."
    )


def read_plan_file(path: Path) -> list[Entry]:
    """The deployments that a file declares; raises `UsageError` that names the line."""
    top = _load(path)
    _check_keys(path, top, _OF_FILE, "The file", prefix="x-")
    defaults = _block(path, top, "defaults") if "defaults" in top else Block(1)
    _check_keys(path, defaults, _OPTIONS, "The part 'defaults'")
    declared = top.get("deployments")
    if not isinstance(declared, list) or not declared:
        raise UsageError(
            f"{path.name} declares no deployments. Write `deployments:` with a list below it, "
            "each with a target and a name."
        )
    return [_entry(path, each, defaults, number) for number, each in enumerate(declared, 1)]


def _entry(path: Path, block: Any, defaults: Block, number: int) -> Entry:
    if not isinstance(block, Block):
        raise UsageError(
            f"{path.name}: deployment {number} is {block!r}, which is no mapping. Write "
            "`- target: train.ipynb`."
        )
    _check_keys(path, block, _OF_DEPLOYMENT, f"Deployment {block.get('name', number)!r}")
    target = block.get("target")
    if not isinstance(target, str):
        raise UsageError(
            f"{path.name}, line {block.line}: the deployment has no target. Add "
            "`target: train.ipynb` or `target: flows.py:etl`."
        )
    options = _merged(_plain(path, defaults), _plain(path, block))
    del options["target"]
    name = options.pop("name", None)
    return Entry(path, block.line, target, name, options)


def _merged(defaults: dict[str, Any], own: dict[str, Any]) -> dict[str, Any]:
    both = {key for key in _MERGED if isinstance(defaults.get(key), dict) and key in own}
    return {**defaults, **own, **{key: {**defaults[key], **(own[key] or {})} for key in both}}


def _plain(path: Path, block: Block) -> dict[str, Any]:
    """The block in the full spellings, lengths of time in seconds."""
    plain: dict[str, Any] = {}
    for key, value in block.items():
        full = _SHORT.get(key, key)
        if full in plain:
            raise UsageError(f"{path.name}, line {block.lines[key]}: {full} stands there twice.")
        try:
            seconds = full.endswith("_seconds") and isinstance(value, str)
            plain[full] = read_duration(value) if seconds else value
        except ValueError as error:
            raise UsageError(f"{path.name}, line {block.lines[key]}: {error}.") from None
    return plain


def _block(path: Path, top: Block, key: str) -> Block:
    found = top[key]
    if isinstance(found, Block):
        return found
    raise UsageError(f"{path.name}, line {top.lines[key]}: {key} is a mapping of options.")


def _check_keys(
    path: Path, block: Block, known: tuple[str, ...], owner: str, *, prefix: str | None = None
) -> None:
    for key in block:
        if key in known or (prefix and key.startswith(prefix)):
            continue
        near = difflib.get_close_matches(key, known, n=1)
        hint = f"Did you mean {near[0]!r}?" if near else f"It has {', '.join(sorted(known))}."
        line = block.lines.get(key, block.line)
        raise UsageError(f"{path.name}, line {line}: {owner} has no {key!r}. {hint}")


# ── YAML ─────────────────────────────────────────────────────────────────────────────────


def _load(path: Path) -> Block:
    try:
        found = yaml.load(path.read_text(encoding="utf-8"), Loader=_Loader)  # noqa: S506 - a safe loader
    except OSError as error:
        raise UsageError(
            f"{path} cannot be read: {error.strerror or error}. Correct --file."
        ) from None
    except UnicodeDecodeError:
        raise UsageError(f"{path} is not text. Name a YAML file.") from None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        place = f", line {mark.line + 1}" if mark else ""
        problem = getattr(error, "problem", None) or "it cannot be read"
        raise UsageError(f"{path.name}{place} is not valid YAML: {problem}. Correct it.") from None
    if not isinstance(found, Block):
        raise UsageError(f"{path.name} holds no deployments. Write `deployments:`, and a list.")
    return found


class _Loader(yaml.SafeLoader):
    """Remembers lines, refuses what stands twice, and leaves dates as text.

    A parameter's type decides what a date is.
    """

    def block(self, node: yaml.MappingNode) -> Iterator[Block]:
        block = Block(node.start_mark.line + 1)
        yield block
        self._refuse_doubles(node)
        self.flatten_mapping(node)  # what `<<` merges comes first
        for key_node, value_node in node.value:
            key = str(self.construct_object(key_node, deep=True))
            block[key] = self.construct_object(value_node, deep=True)
            block.lines[key] = key_node.start_mark.line + 1

    def _refuse_doubles(self, node: yaml.MappingNode) -> None:
        seen: set[str] = set()
        for key_node, _ in node.value:
            if key_node.value in seen:
                raise yaml.constructor.ConstructorError(
                    None, None, f"{key_node.value!r} stands there twice", key_node.start_mark
                )
            seen.add(key_node.value)


_Loader.add_constructor("tag:yaml.org,2002:map", _Loader.block)
_Loader.yaml_implicit_resolvers = {
    first: [(tag, regexp) for tag, regexp in resolvers if not tag.endswith(":timestamp")]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
