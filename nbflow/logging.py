"""Run logs: what tasks and flows log and print, sent to the record and to the terminal.

This module decides which records belong to which run and how they look on a console. It
must not know the store: records go to the sink of the run's context.
"""

from __future__ import annotations

import io
import logging
import sys
import threading
import time
from collections.abc import Iterator, MutableMapping
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Any, Final, TextIO

from nbflow.context import FlowRunContext, RunContext, TaskRunContext, current_context
from nbflow.interactive import in_kernel
from nbflow.models import LogRecord, TaskKind
from nbflow.settings import get_settings
from nbflow.streams import StandIn, standing_in, unheard

ROOT: Final = "nbflow"
FLOW_RUNS: Final = "nbflow.flow_runs"
TASK_RUNS: Final = "nbflow.task_runs"
#: Lines that only repeat what the states of a run tell; views that show states leave them out.
STATES: Final = "nbflow.states"
STDOUT: Final = "nbflow.stdout"

_lock = threading.Lock()
_ready = False
#: The level last set by us.
_level = logging.NOTSET
_disabled: ContextVar[bool] = ContextVar("nbflow_logs_disabled", default=False)

Context = FlowRunContext | TaskRunContext


class RunLogger(logging.LoggerAdapter[logging.Logger]):
    """A logger bound to one run, wherever and in whichever thread it is used."""

    def __init__(self, logger: logging.Logger, context: Context) -> None:
        super().__init__(logger, {})
        self.context = context

    def process(
        self, msg: Any, kwargs: MutableMapping[str, Any]
    ) -> tuple[Any, MutableMapping[str, Any]]:
        """Mark the record with its run."""
        kwargs["extra"] = {**kwargs.get("extra", {}), "nbflow_context": self.context}
        return msg, kwargs


def get_logger(name: str | None = None) -> logging.Logger:
    """A logger below `nbflow`, for code that belongs to no run."""
    return logging.getLogger(f"{ROOT}.{name}" if name else ROOT)


def get_run_logger(context: Context | None = None) -> logging.Logger | RunLogger:
    """The logger of the current run; outside of runs a plain logger, never an error."""
    context = context or current_context()
    if context is None:
        _set_up()
        return logging.getLogger(ROOT)
    return run_logger(context)


def run_logger(context: Context) -> RunLogger:
    """The logger of a given run."""
    _set_up()
    name = TASK_RUNS if isinstance(context, TaskRunContext) else FLOW_RUNS
    return RunLogger(logging.getLogger(name), context)


def state_logger(context: Context) -> RunLogger:
    """The logger for lines that say in words what the run's states record anyway."""
    _set_up()
    return RunLogger(logging.getLogger(STATES), context)


@contextmanager
def disable_run_logger() -> Iterator[None]:
    """Silence run logs inside the block, for tests of single tasks."""
    token = _disabled.set(True)
    try:
        yield
    finally:
        _disabled.reset(token)


def _set_up() -> None:
    """Attach the handlers once, and follow the settings; a level of the user's own stays."""
    global _ready, _level  # noqa: PLW0603 - one per process
    level = logging.getLevelName(get_settings().logging_level.upper())
    root = logging.getLogger(ROOT)
    if level != _level and root.level in {logging.NOTSET, _level}:
        root.setLevel(level)
        _level = level
    if _ready:
        return
    with _lock:
        if _ready:
            return
        settings = get_settings()
        handler = RunLogHandler()
        root.addHandler(handler)
        root.addHandler(ConsoleHandler())
        for name in filter(None, (n.strip() for n in settings.logging_extra_loggers.split(","))):
            logging.getLogger(name).addHandler(handler)
        _ready = True


def _context_of(record: logging.LogRecord) -> Context | None:
    return getattr(record, "nbflow_context", None) or current_context()


class RunLogHandler(logging.Handler):
    """Sends what a run logs to the run's record."""

    def emit(self, record: logging.LogRecord) -> None:
        """Hand the record to its run's sink."""
        context = _context_of(record)
        if context is None or _disabled.get():
            return
        try:
            # A failure's traceback is in the record; the console shows its last line only.
            message = getattr(record, "nbflow_story", None) or self.format(record)
        except Exception:  # noqa: BLE001 - the user's format arguments do not fit
            message = str(record.msg)
        at = datetime.fromtimestamp(record.created, UTC)
        flow_run_id, task_run_id = context.ids
        context.sink(
            [LogRecord(flow_run_id, task_run_id, record.levelno, record.name, message, at)]
        )


class ConsoleHandler(logging.Handler):
    """Shows what runs log on the terminal, or under the notebook cell."""

    def emit(self, record: logging.LogRecord) -> None:
        """Write one line."""
        if _disabled.get() or not get_settings().logging_to_console or _user_shows_logs():
            return
        context = _context_of(record)
        if _is_shown_by_its_cell(record, context):
            return
        label = context.label if context else record.name
        try:
            clock = time.strftime("%H:%M:%S", time.localtime(record.created))
            line = f"{clock}.{int(record.msecs):03d} | {record.levelname:<7} | {label} - "
            with unheard(_Ear, "stdout"):
                _console().write(f"{line}{self._text(record)}\n")
        except Exception:  # noqa: BLE001 - a closed stream, or one that cannot encode it
            self.handleError(record)

    def _text(self, record: logging.LogRecord) -> str:
        try:
            return self.format(record)
        except Exception:  # noqa: BLE001 - the user's format arguments do not fit
            return f"{record.msg} {record.args!r}"


def _is_shown_by_its_cell(record: logging.LogRecord, context: Context | None) -> bool:
    """Whether the line tells of a failure whose traceback stands under its cell anyway."""
    story = getattr(record, "nbflow_story", None)
    is_cell = isinstance(context, TaskRunContext) and context.task_run.kind is TaskKind.CELL
    return story is not None and is_cell


def _user_shows_logs() -> bool:
    """Whether a `logging.basicConfig` of the user's own puts every record on the terminal."""
    return any(type(handler) is logging.StreamHandler for handler in logging.getLogger().handlers)


def _console() -> TextIO:
    # In a kernel stderr is painted as an error, so log lines go to the ordinary output.
    return (sys.stdout if in_kernel() else sys.stderr) or io.StringIO()


def show_text(stream: str, text: str) -> None:
    """Print what another process printed, without recording it again."""
    target = getattr(sys, stream)
    if target is not None:
        with unheard(_Ear, "stdout"), suppress(ValueError, OSError):  # the stream has been closed
            target.write(text)
            target.flush()


# ── printed text ─────────────────────────────────────────────────────────────────────────


_recorded_alone = False


def print_what_is_not_recorded() -> None:
    """From now on the streams get what no run records: what they get is recorded elsewhere."""
    global _recorded_alone  # noqa: PLW0603 - a fact about this process
    _recorded_alone = True


class _Ear(StandIn):
    """Passes everything on, and records it for runs that ask."""

    def hear(self, text: str) -> int:
        context = current_context()
        recorded = context is not None and context.log_prints
        written = len(text) if recorded and _recorded_alone else self.stream.write(text)
        if context is not None and recorded:
            record_print(context, text)
        return written


@contextmanager
def captured_prints(context: RunContext) -> Iterator[None]:
    """Record what is printed inside the block, when the run asks for it."""
    if not context.log_prints:
        yield
        return
    with standing_in(_Ear, "stdout"):
        try:
            yield
        finally:
            flush_prints(context)


def record_print(context: RunContext, text: str, logger: str = STDOUT) -> None:
    """Send the complete lines of printed text to the run's record, and keep the rest."""
    lines = (context.unfinished_lines.get(logger, "") + text).split("\n")
    context.unfinished_lines[logger] = lines.pop()
    if lines:
        _send_lines(context, lines, logger)


def flush_prints(context: RunContext) -> None:
    """Record printed text that was not ended by a newline."""
    for logger, rest in list(context.unfinished_lines.items()):
        if rest:
            _send_lines(context, [rest], logger)
    context.unfinished_lines.clear()


def _send_lines(context: RunContext, lines: list[str], logger: str) -> None:
    if _disabled.get() or not isinstance(context, FlowRunContext | TaskRunContext):
        return
    at = datetime.now(UTC)
    flow_run_id, task_run_id = context.ids
    with suppress(RuntimeError):  # the interpreter is shutting down
        context.sink(
            [LogRecord(flow_run_id, task_run_id, logging.INFO, logger, line, at) for line in lines]
        )
