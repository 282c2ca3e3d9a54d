"""Whether two executed copies of one notebook say the same, and whether a record is honest.

Text is compared after masking what differs from run to run by nature: addresses, process ids,
random ids, temporary folders. What differs between two runs of papermill itself is no evidence;
of that only the kind and the size are compared. This module runs nothing.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

_MASKS: Final = (
    (re.compile(r"\x1b\[[0-9;]*m"), ""),
    (re.compile(r"0x[0-9a-fA-F]{4,}"), "ADDRESS"),
    (re.compile(r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}"), "UUID"),
    (re.compile(r"\b[0-9a-f]{32,64}\b"), "ID"),
    (re.compile(r"ipykernel_\d+/\d+\.py"), "CELL"),
    (re.compile(r"\b\d\d:\d\d:\d\d\b"), "CLOCK"),
    (re.compile(r"/tmp/[\w./-]+"), "PATH"),
    # Frames of the library that starts the kernel's loop differ by nothing but line numbers.
    (re.compile(r"(?<=line )\d+"), "N"),
)
_OVERWRITTEN: Final = re.compile(r"[^\n]*\r(?=[^\n])")
_ERROR_MARKS: Final = frozenset({"papermill-error-cell-tag"})
#: States after which a cell has run.
RAN: Final = frozenset(
    {"completed", "failed", "timed_out", "crashed", "cancelled", "stopped_early"}
)
STATES: Final = RAN | {"skipped", "not_run"}

Output = tuple[str, Any]


def cells_of(path: Path) -> list[dict[str, Any]]:
    """The notebook's cells without the marks that papermill puts beside a failure."""
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    return [c for c in cells if not _ERROR_MARKS & set(c["metadata"].get("tags", ()))]


def differences(
    expected: list[dict[str, Any]],
    found: list[dict[str, Any]],
    again: list[dict[str, Any]] | None = None,
) -> list[str]:
    """What `found` says otherwise than `expected`, where `again` repeats `expected`."""
    if len(expected) != len(found):
        return [f"{len(expected)} cells there, {len(found)} here"]
    told = []
    for index, (theirs, ours) in enumerate(zip(expected, found, strict=True)):
        repeated = again[index] if again is not None else None
        told += [f"cell {index}: {what}" for what in _cell_differences(theirs, ours, repeated)]
    return told


def _cell_differences(
    theirs: Mapping[str, Any], ours: Mapping[str, Any], repeated: Mapping[str, Any] | None
) -> Iterable[str]:
    if _text(theirs["source"]) != _text(ours["source"]):
        yield "the source"
    if theirs["cell_type"] != "code":
        return
    # A kernel that kills itself may or may not tell its count first.
    counts = {cell["execution_count"] for cell in (theirs, repeated or theirs)}
    if ours["execution_count"] not in counts:
        yield f"execution count {theirs['execution_count']} there, {ours['execution_count']} here"
    left, right = outputs_of(theirs), outputs_of(ours)
    if left == right:
        return
    if repeated is not None and (stable := outputs_of(repeated)) != left:
        if not (_alike(left, right) or _alike(stable, right)):
            yield f"kinds of output {_sizes(left)} there, {_sizes(right)} here"
        return
    yield f"outputs {_brief(left, right)} there, {_brief(right, left)} here"


def outputs_of(cell: Mapping[str, Any]) -> list[Output]:
    """The cell's outputs in one canonical form: streams joined, then the rest in order."""
    streams: dict[str, str] = {}
    rest: list[Output] = []
    for output in cell["outputs"]:
        if output["output_type"] == "stream":
            name = output["name"]
            streams[name] = streams.get(name, "") + _text(output["text"])
        else:
            rest.append(_canonical(output))
    joined = [(f"stream {name}", _shown(text)) for name, text in sorted(streams.items())]
    return [(kind, text) for kind, text in joined if text] + rest


def _canonical(output: Mapping[str, Any]) -> Output:
    if output["output_type"] == "error":
        trace = "\n".join(output["traceback"])
        return "error", {
            "name": output["ename"],
            "value": _masked(output["evalue"]),
            "trace": _masked(trace),
        }
    data = {mime: _masked(_text(value)) for mime, value in output.get("data", {}).items()}
    return output["output_type"], data


def _text(value: Any) -> str:
    if isinstance(value, list) and all(isinstance(line, str) for line in value):
        return "".join(value)
    return value if isinstance(value, str) else json.dumps(value, sort_keys=True)


def _shown(text: str) -> str:
    """What a terminal would show of it in the end."""
    return _masked(_OVERWRITTEN.sub("", text)).strip()


def _masked(text: str) -> str:
    for pattern, mask in _MASKS:
        text = pattern.sub(mask, text)
    return text


def _alike(one: list[Output], other: list[Output]) -> bool:
    """Whether outputs that never repeat are of the same kinds, and about as large."""
    left, right = _sizes(one), _sizes(other)
    return [part[:2] for part in left] == [part[:2] for part in right] and all(
        abs(a[2] - b[2]) <= 100 + max(a[2], b[2]) / 2 for a, b in zip(left, right, strict=True)
    )


def _sizes(outputs: list[Output]) -> list[tuple[str, str, int]]:
    parts = [(kind, value if isinstance(value, dict) else {"": value}) for kind, value in outputs]
    return [(kind, key, len(value[key])) for kind, value in parts for key in sorted(value)]


def _brief(one: list[Output], other: list[Output]) -> str:
    """The first output that the other side lacks."""
    missing = [output for output in one if output not in other]
    return repr(missing[0])[:300] if missing else f"{len(one)} outputs"


def failure_of(cells: list[dict[str, Any]]) -> tuple[int, str, str] | None:
    """Where and how the notebook failed: the last error and its cell."""
    for index, cell in reversed(list(enumerate(cells))):
        for output in cell.get("outputs", ()):
            if output["output_type"] == "error":
                return index, output["ename"], _masked(output["evalue"])
    return None


def dishonest(cells: list[dict[str, Any]]) -> list[str]:
    """Where the record of a run by nbflow contradicts what the notebook shows."""
    told, stopped = [], False
    for index, cell in enumerate(cells):
        if cell["cell_type"] != "code" or not _text(cell["source"]).strip():
            continue
        state = cell["metadata"].get("nbflow", {}).get("state")
        told += [
            f"cell {index} ({state}): {what}" for what in _contradictions(cell, state, stopped)
        ]
        stopped = stopped or state in {
            "not_run",
            "timed_out",
            "crashed",
            "cancelled",
            "stopped_early",
        }
        stopped = stopped or (state == "failed")
    return told


def _contradictions(cell: Mapping[str, Any], state: str | None, stopped: bool) -> Iterable[str]:
    failed = any(o["output_type"] == "error" or o.get("name") == "stderr" for o in cell["outputs"])
    if state not in STATES:
        yield "no state"
    if state == "completed" and cell["execution_count"] is None:
        yield "it never ran"
    if state in {"not_run", "skipped"} and (cell["execution_count"] or cell["outputs"]):
        yield "it ran"
    if state == "failed" and not failed:
        yield "it shows no error"
    if state in RAN and stopped:
        yield "it stands after the end of the run"
