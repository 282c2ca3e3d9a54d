"""What cells showed, as plain data, without what differs from run to run.

It decides what is masked: times, addresses, identifiers. It must not know how cells ran.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

from tests.equivalence.values import digest

_ANSI = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")
_NUMBER = r"[\d.]+(?:e[+-]?\d+)?"
_MASKS = [
    (re.compile(r"0x[0-9a-fA-F]{6,}"), "0x…"),
    (re.compile(r"(CPU times: |Wall time: ).*"), r"\1…"),
    (re.compile(rf"{_NUMBER} (?:ns|µs|μs|us|ms|s) ± .*"), "… per loop"),
    (re.compile(r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b"), "<uuid>"),
    (re.compile(r"\b[0-9a-f]{32}\b"), "<id>"),
    (re.compile(r"T_[0-9a-f]{5}"), "T_…"),
    (re.compile(r"/\S*/ipykernel_\d+/\d+\.py"), "<cell>"),
    (re.compile(r"<ipython-input-\d+-[0-9a-f]+>"), "<cell>"),
    (re.compile(r"(?<=\()\d+\.py(?=, line)"), "<cell>"),
    (re.compile(r"(<cell>:)\d+"), r"\1…"),
    (re.compile(r"Cell In\[\d+\], line \d+"), "Cell In[…]"),
    (re.compile(r"\b(?:pid|PID)[ =]\d+"), "pid …"),
]
_ARROW = re.compile(r"^-+> +\d+ ?(.*)$")
#: A type of our own by which the last cell tells the values.
VALUES_TYPE = "application/x-equivalence+json"


def mask(text: str) -> str:
    """The text without colours, times, addresses and identifiers."""
    text = _ANSI.sub("", text)
    for pattern, replacement in _MASKS:
        text = pattern.sub(replacement, text)
    return text


def normalise(outputs: Iterable[Mapping[str, Any]]) -> list[list[Any]]:
    """A cell's outputs: displays and stdout in their order, then all of stderr."""
    told: list[list[Any]] = []
    stderr = ""
    for output in outputs:
        kind = output["output_type"]
        if kind == "stream" and output["name"] == "stderr":
            stderr += output["text"]
        elif kind == "stream":
            if told and told[-1][0] == "stdout":
                told[-1][1] += output["text"]
            else:
                told.append(["stdout", output["text"]])
        elif kind == "error":
            told.append(_error(output))
        else:
            told.append([kind, _bundle(output["data"])])
    told = [
        [kind, mask(_overwritten(text))] if kind == "stdout" else [kind, text]
        for kind, text in told
    ]
    return [*told, ["stderr", mask(_overwritten(stderr))]] if stderr else told


def _overwritten(text: str) -> str:
    """What a terminal shows of lines that carriage returns overwrite."""
    return "\n".join(line.rstrip("\r").rpartition("\r")[2] for line in text.split("\n"))


def _error(output: Mapping[str, Any]) -> list[Any]:
    """Name, message, and the user's lines that the traceback points at."""
    lines = "\n".join(output.get("traceback", ())).split("\n")
    plain = (_ANSI.sub("", line) for line in lines)
    pointed = [m[1].rstrip() for line in plain if (m := _ARROW.match(line))]
    return ["error", [output["ename"], mask(output["evalue"]), pointed]]


def _bundle(data: Mapping[str, Any]) -> dict[str, Any]:
    told = {}
    for kind, content in sorted(data.items()):
        text = content if isinstance(content, str) else json.dumps(content, sort_keys=True)
        masked = mask(text)
        told[kind] = masked if len(masked) < 2_000 else f"{len(masked)}: {digest(masked.encode())}"
    return told
