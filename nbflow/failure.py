"""Why a run did not complete, for the person who has to mend it.

This module decides what a failure tells: what failed, the error's last line, the user's own
source line, and what to type next. It reads records, tracebacks and executed notebooks, and
gives plain text. It must not know how that is painted.
"""

from __future__ import annotations

import json
import re
import shlex
import sys
import traceback
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from nbflow.exceptions import CellFailed
from nbflow.models import FlowKind, FlowRun, LogRecord, TaskKind, TaskRun
from nbflow.notebooks.kernels.parking import parked_kernel
from nbflow.paths import expanded, short_path
from nbflow.runs import first_failed
from nbflow.states import now
from nbflow.terminal_text import plain_line, printed_lines
from nbflow.wording import duration, last_line, state_word

_ERROR_LEVEL: Final = 40
_CELL_FRAME: Final = re.compile(r"^\s*(?:Cell )?In(?:put In)? ?\[\d+\](?:, line (\d+))?")
_FILE_FRAME: Final = re.compile(r"^File (?P<path>.+?):(?P<line>\d+)")
_ARROW: Final = re.compile(r"^-+> *(\d+) ?(.*)$")
_PYTHON_FRAME: Final = re.compile(
    r'^  File "(?P<path>.+)", line (?P<line>\d+)(?:, in (?P<name>.+))?$'
)
#: What IPython says of our magics when nobody has loaded them.
_NOT_LOADED: Final = re.compile(r"magic (?:function )?`%(?:%task|%flow|nbflow)` not found")
#: Where code lies that is not the user's own.
_FOREIGN: Final = ("site-packages", "dist-packages", "<frozen", str(Path(__file__).parent))


@dataclass(frozen=True, slots=True)
class SourceLine:
    """A line of the user's own code."""

    place: str
    text: str


@dataclass(frozen=True, slots=True)
class NextStep:
    """Something to type, and what it gives."""

    command: str
    purpose: str


@dataclass(frozen=True, slots=True)
class Failure:
    """All that is told about a run that did not complete."""

    #: What did not complete: `Cell train model failed`.
    what: str
    #: The error's last line.
    error: str
    source: SourceLine | None
    #: The user's traceback from the user's own line on, without colours.
    traceback: tuple[str, ...]
    next_steps: tuple[NextStep, ...]


def explain(
    run: FlowRun,
    tasks: Sequence[TaskRun],
    *,
    raised: BaseException | None = None,
    logs: Iterable[LogRecord] = (),
) -> Failure | None:
    """What went wrong in a run; None for a run that has not ended, or that completed.

    `raised` is the exception itself, when this process has it. Otherwise the executed
    notebook is asked, and then the error lines among `logs`.
    """
    if run.state.is_completed() or not run.state.is_settled():
        return None
    culprit = first_failed(tasks)
    state = culprit.state if culprit else run.state
    error = plain_line(last_line(state.message or run.state.message or ""))
    lines = _traceback_lines(raised) or _notebook_traceback(run, error) or _logged(logs, culprit)
    return Failure(
        what=_what(run, culprit),
        error=error or _error_of(lines),
        source=source_line(lines),
        traceback=tuple(_from_user_line(lines)),
        next_steps=tuple(_next_steps(run, culprit, error)),
    )


def _what(run: FlowRun, culprit: TaskRun | None) -> str:
    if culprit is None:
        return f"{run.flow_name} {state_word(run.state.name)}"
    noun = "Cell" if culprit.kind is TaskKind.CELL else "Task"
    tries = f" on attempt {culprit.attempt}" if culprit.attempt > 1 else ""
    return f"{noun} {plain_line(culprit.name)!r} {state_word(culprit.state.name)}{tries}"


def _next_steps(run: FlowRun, culprit: TaskRun | None, error: str) -> Iterable[NextStep]:
    short = short_id(run)
    yield NextStep(f"nbflow runs show {short}", "see the traceback")
    if _NOT_LOADED.search(error):
        yield NextStep("%load_ext nbflow", "begin the notebook with")
    task = f" --task {shlex.quote(culprit.name)}" if culprit else ""
    yield NextStep(f"nbflow runs logs {short}{task}", "see what it printed")
    parked = parked_kernel(str(run.id)) if run.kind is FlowKind.NOTEBOOK else None
    if parked is not None:
        left = duration(max(0.0, (parked.expires - now()).total_seconds()))
        yield NextStep(f"nbflow debug {short}", f"open its kernel, kept for {left}")
    if run.parent_id is None and _is_in_a_file(run):
        yield NextStep(f"nbflow resume {short}", "mend it, then go on")
    if run.output and Path(run.output).exists():
        path = short_path(run.output)
        quoted = path if re.fullmatch(r"[\w~./:+=@%\\-]+", path) else shlex.quote(path)
        yield NextStep(f"jupyter lab {quoted}", "open the notebook")


def _is_in_a_file(run: FlowRun) -> bool:
    """Whether the run's code can be read again; that of a notebook's cell is in none."""
    path = Path(run.source or "")
    whole = ".ipynb" if run.kind is FlowKind.NOTEBOOK else ".py"
    return path.suffix == whole and path.exists()


def short_id(run: FlowRun) -> str:
    """The end of a run's id: enough to name it. Ids born together begin alike."""
    return str(run.id)[-8:]


# ── tracebacks ───────────────────────────────────────────────────────────────────────────


def source_line(lines: Sequence[str]) -> SourceLine | None:
    """The deepest line of the user's own code in a traceback, of a kernel's or of Python's."""
    found = None
    for number, line in enumerate(lines):
        found = _source_at(lines, number, line) or found
    return found


def _source_at(lines: Sequence[str], number: int, line: str) -> SourceLine | None:
    following = lines[number + 1 : number + 12]
    if cell := _CELL_FRAME.match(line):
        return _arrow_line("", following) or _syntax_line(cell, following)
    if (file := _FILE_FRAME.match(line)) and not _is_foreign(file["path"]):
        return _arrow_line(f"{short_path(expanded(file['path']))}, ", following)
    if (frame := _PYTHON_FRAME.match(line)) and not _is_foreign(frame["path"]):
        name = f", in {frame['name']}" if frame["name"] not in {None, "<module>"} else ""
        place = f"{short_path(frame['path'])}, line {frame['line']}{name}"
        return SourceLine(place, following[0].strip()) if following else None
    return None


def _arrow_line(place: str, following: Sequence[str]) -> SourceLine | None:
    for line in following:
        if not line.strip():  # the next frame begins
            return None
        if arrow := _ARROW.match(line):
            return SourceLine(f"{place}line {arrow[1]}", arrow[2].strip())
    return None


def _syntax_line(cell: re.Match[str], following: Sequence[str]) -> SourceLine | None:
    if cell[1] is None or not following:
        return None
    return SourceLine(f"line {cell[1]}", following[0].strip())


def _is_foreign(path: str) -> bool:
    roots = (sys.prefix, sys.base_prefix) if sys.prefix != "/usr" else ()
    library = any(path.startswith(f"{root}/lib") for root in roots) or "/lib/python3" in path
    return library or any(mark in path for mark in _FOREIGN)


def _from_user_line(lines: Sequence[str]) -> Sequence[str]:
    """Without the frames above the user's first own line: they are nbflow's, not theirs."""
    for number, line in enumerate(lines):
        if _source_at(lines, number, line):
            return lines[number:]
    return lines


def _error_of(lines: Sequence[str]) -> str:
    return plain_line(last_line("\n".join(lines)))


def _traceback_lines(raised: BaseException | None) -> list[str]:
    if raised is None:
        return []
    if isinstance(raised, CellFailed):
        return _plain_lines("\n".join(raised.traceback))
    return _plain_lines("".join(traceback.format_exception(raised)))


def _plain_lines(text: str) -> list[str]:
    return [line.rstrip() for line in printed_lines(text, colours=False)]


def _notebook_traceback(run: FlowRun, error: str) -> list[str]:
    """The traceback that the executed notebook keeps, if there is one."""
    if not run.output:
        return []
    try:
        document = json.loads(Path(run.output).read_text(encoding="utf-8"))
        found = [
            output
            for cell in document["cells"]
            for output in cell.get("outputs", ())
            if output.get("output_type") == "error" and output.get("traceback")
        ]
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return []  # gone, moved, or edited beyond recognition: the logs may still tell
    return _plain_lines("\n".join(_matching(found, error)["traceback"])) if found else []


def _matching(errors: Sequence[dict[str, Any]], message: str) -> dict[str, Any]:
    """The output whose error the run ended with: cells may raise on purpose, too."""
    same = (e for e in errors if plain_line(str(e.get("ename", "\0"))) in message)
    return next(same, errors[-1])


def _logged(logs: Iterable[LogRecord], culprit: TaskRun | None) -> list[str]:
    wanted = culprit.id if culprit else None
    errors = [r for r in logs if r.level >= _ERROR_LEVEL and "\n" in r.message.strip()]
    own = [record for record in errors if record.task_run_id == wanted] or errors
    return _plain_lines(own[-1].message) if own else []
