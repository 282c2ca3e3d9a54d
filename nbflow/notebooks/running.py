"""One run of one notebook: cells in order, in the background, limits, stops and the final word.

This module decides when cells start and how each ended. It must not know where events go, how a
kernel is started or killed, whose message is whose, nor what the executed notebook says.

Everything happens in one thread, which waits for messages at most a tenth of a second at a
time; between messages it looks at the kernel's life, the time limits, stop requests and
due saves. So every wait is bounded and nothing needs a lock.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from datetime import datetime
from functools import partial
from typing import Any, Final

from nbformat import NotebookNode

from nbflow.exceptions import (
    KernelDied,
    NbflowError,
)
from nbflow.notebooks import ahead
from nbflow.notebooks.cell_tags import (
    header,
    is_tagged_task,
    named_before,
    tags_of,
)
from nbflow.notebooks.conversation import Conversation, Reply
from nbflow.notebooks.document import code_cells
from nbflow.notebooks.events import (
    CellEnded,
    CellInfo,
    CellMoved,
    CellOutcome,
    CellPrinted,
    CellStarted,
    KernelEnded,
    KernelReady,
    KernelStarting,
    Note,
    NotebookEvent,
    NotebookOutcome,
    NotebookSaved,
)
from nbflow.notebooks.executed_notebook import ExecutedNotebook, full_text_path
from nbflow.notebooks.judgement import (
    Interruption,
    RunningCell,
    Verdict,
    failure,
    verdict_of_news,
    verdict_of_reply,
)
from nbflow.notebooks.kernel_side import ALWAYS, FINISH, LOAD_EXTENSION, SETTLE, STRICT_SHELL, join
from nbflow.notebooks.kernels.choice import KernelChoice
from nbflow.notebooks.kernels.kernel import Kernel
from nbflow.notebooks.limits import Limits
from nbflow.notebooks.protocol import (
    CellError,
    Event,
    read_news,
    request_metadata,
)
from nbflow.notebooks.record import (
    ours,
    take_over,
)
from nbflow.notebooks.run_options import RunOptions
from nbflow.notebooks.signals import RememberedSignals
from nbflow.states import State, now

#: Seconds a kernel gets to run its exit handlers.
SHUTDOWN_GRACE: Final = 5.0
#: Seconds that threads of an idle kernel get to tell how they ended.
_TELLING_PATIENCE: Final = 2.0


class Stopped(Exception):
    """The run goes no further; not an error by itself, `error` says why."""

    def __init__(self, outcome: CellOutcome, error: BaseException | None) -> None:
        super().__init__(str(outcome))
        self.outcome = outcome
        self.error = error


class NotebookRun:
    """Runs one notebook once."""

    def __init__(
        self,
        nb: NotebookNode,
        choice: KernelChoice,
        output: str | None,
        options: RunOptions,
        *,
        mark_errors: bool = True,
    ) -> None:
        self.nb = nb
        self.mark_errors = mark_errors
        self.choice = choice
        self.output = output
        self._options = options
        self._cells = {info.index: RunningCell(info) for info in code_cells(nb)}
        self._tags = tags_of(self._infos)
        self._kernel = options.kernel or _new_kernel(choice, options)
        #: Whether somebody else ends the kernel.
        self._kept = False
        self._started = now()
        self._interruption: Interruption | None = None
        self._signals = RememberedSignals()
        self._limits = Limits(options, self._signals, self._own_limit)
        self._current: RunningCell | None = None
        #: Cells that go on in the background, in the order of their start.
        self._behind: dict[int, RunningCell] = {}
        #: Why no further cell is to start, and the cell that is why.
        self._trouble: Stopped | None = None
        self._culprit: RunningCell | None = None
        #: Whether the kernel knows `%%task`.
        self._has_tasks = False
        #: Whether a cell speaks of nbflow: its tasks may go on when the cell has ended.
        self._uses_nbflow = False

    @property
    def _infos(self) -> list[CellInfo]:
        return [cell.info for cell in self._cells.values()]

    # ── start ────────────────────────────────────────────────────────────────────────────
    def launch(self) -> None:
        """Start the kernel's process; it boots while this process gets ready."""
        choice = self.choice
        if self._options.kernel is not None:
            return
        self._tell(
            KernelStarting(kernel_name=choice.name, reason=choice.reason, missing=choice.missing)
        )
        if self._kernel.channels is None:  # it was not started ahead
            self._kernel.launch()

    def close(self) -> None:
        """End the kernel, whatever state it is in; harmless when it has ended."""
        if not self._kept:
            self._kernel.close()

    def execute(self, manager: Any) -> NotebookOutcome:
        """Run the cells, with papermill's `manager` keeping its own metadata."""
        from nbflow.notebooks.outputs import OutputRecorder, PrintBatcher  # noqa: PLC0415 - see run_notebook

        channels = self._kernel.channels
        assert channels is not None
        recorder = OutputRecorder(
            self.nb,
            send=lambda message: channels.send(dict(message)),
            session=channels.session,
            text_limit=self._options.output_limit,
            full_text=partial(full_text_path, self.output),
        )
        self._copy = ExecutedNotebook(
            self.nb, self.output, recorder, manager, saved=self._tell_saved, unsaved=self._note
        )
        self._talk = Conversation(self._kernel, channels, self)
        self._prints = PrintBatcher(self._tell_printed, time.monotonic)
        return self._run()

    def _run(self) -> NotebookOutcome:
        outcome, error = CellOutcome.COMPLETED, None
        try:
            with self._signals:
                try:
                    self._begin()
                    self._run_cells()
                except Stopped as stopped:
                    outcome, error = stopped.outcome, stopped.error
                outcome, error = self._await_background(outcome, error)
                if not self._keep_kernel(outcome, error):
                    self._end_kernel(outcome)
                return self._finish(outcome, error)
        except BaseException as broken:
            self._abandon(broken)
            raise
        finally:
            self.close()

    def _begin(self) -> None:
        self._copy.clear()
        self._take_over_known()
        self._copy.start(self.choice.name)
        self._wait_for_kernel()
        self._copy.name_language(self._kernel.info.get("language_info", {}))
        speaks = self._kernel.info.get("implementation") == "ipython"
        if speaks and self._options.kernel is None:  # a kept one was prepared when it was new
            self._prepare_ipython()
        self._prepare_tasks(possible=speaks)

    def _take_over_known(self) -> None:
        """Keep what cells left that have run before."""
        for cell in self._cells.values():
            left = self._options.known.get(cell.info.cell_id)
            if left is None or cell.info.index >= self._options.start_at:
                continue
            take_over(self.nb.cells[cell.info.index], left)
            cell.outcome = CellOutcome(ours(left).get("state", str(CellOutcome.NOT_RUN)))

    def _wait_for_kernel(self) -> None:
        stop = self._limits.stop_error
        try:
            ready = self._kernel.wait_ready(
                self._limits.startup_patience(), lambda: stop() is not None
            )
        except KernelDied as died:
            self._check_deadline()
            raise Stopped(CellOutcome.CRASHED, died) from None
        if not ready:
            raise Stopped(CellOutcome.CANCELLED, self._limits.stop_error())
        self._tell(
            KernelReady(
                kernel_name=self.choice.name,
                language=self._kernel.language,
                pid=self._kernel.pid,
            )
        )

    def _prepare_ipython(self) -> None:
        code = ALWAYS + (STRICT_SHELL if self._options.strict_shell else "")
        if self._options.environment:  # whatever it records goes where this run goes
            self._uses_nbflow = any("nbflow" in cell.source for cell in self._infos)
            code += join(at_once=self._uses_nbflow)
        self._talk.send_hidden(code)

    def _prepare_tasks(self, *, possible: bool) -> None:
        """Load `%%task` into the kernel when tags need it."""
        tagged = [info for info in self._infos if is_tagged_task(info, self._tags[info.cell_id])]
        if not tagged:
            return
        reply = self._talk.run_hidden(LOAD_EXTENSION) if possible else None
        self._has_tasks = reply is not None and reply["status"] == "ok"
        if not self._has_tasks:
            self._note(
                f"The kernel {self.choice.name!r} has no nbflow: cells with task tags run as "
                "plain cells there, within their `timeout:` and in order. Install nbflow in it."
            )

    # ── cells ────────────────────────────────────────────────────────────────────────────
    def _run_cells(self) -> None:
        for index in range(len(self.nb.cells)):
            cell = self._cells.get(index)
            if cell is not None and index < self._options.start_at:
                self._copy.keep(index)
            elif cell is None:  # text, or nothing to run
                self._copy.pass_over(index)
            elif cell.info.skipped:
                self._copy.pass_over(index)
                self._settle(cell, CellOutcome.SKIPPED)
            else:
                self._run_cell(cell)

    def _run_cell(self, cell: RunningCell) -> None:
        self._wait_for_previous(cell)
        self._check_before(cell)
        self._start_cell(cell)
        reply = self._ask(cell)
        if cell.submitted and reply is not None and reply["status"] == "ok":
            self._leave_behind(cell)
            return
        outcome, error = self._judge(cell, reply)
        self._end_cell(cell, outcome, error)
        self._go_on(cell, outcome, error)

    def _ask(self, cell: RunningCell) -> Reply | None:
        info, tags = cell.info, self._tags[cell.info.cell_id]
        headed = self._has_tasks and is_tagged_task(info, tags)
        identity = self._options.identify(info)
        cell.attempt = identity.attempt if identity else 1
        cell.recorded = identity is not None
        cell.shown = ("Running", cell.attempt)
        return self._talk.run_cell(
            info.index,
            f"{header(info, tags)}\n{info.source}" if headed else info.source,
            stop_on_error=not (self._options.allow_errors or info.may_raise),
            metadata=request_metadata(info.cell_id, info.name, identity, header_lines=int(headed)),
        )

    def _check_before(self, cell: RunningCell) -> None:
        if self._trouble is not None:
            raise self._trouble
        if self._interruption is not None:
            raise Stopped(self._interruption.outcome, self._interruption.error)
        if (error := self._limits.stop_error()) is not None:
            raise Stopped(CellOutcome.CANCELLED, error)
        self._check_deadline()
        if not self._kernel.is_alive():
            message = f"The kernel died before the cell {cell.info.name!r}: {self._kernel.exit}."
            raise Stopped(CellOutcome.CRASHED, KernelDied(message))

    def _check_deadline(self) -> None:
        if (over := self._limits.overrun()) is not None:
            raise Stopped(CellOutcome.TIMED_OUT, over)

    def _start_cell(self, cell: RunningCell) -> None:
        cell.started, cell.clock = now(), time.monotonic()
        cell.counted_from = cell.clock
        self._current = cell
        self._copy.begin_cell(cell.info.index)
        self._tell(CellStarted(at=cell.started, cell=cell.info))

    def _end_cell(self, cell: RunningCell, outcome: CellOutcome, error: NbflowError | None) -> None:
        if cell is self._current:
            self._current = None
        self._copy.end_cell(cell.info.index, is_good=outcome.is_good)
        self._prints.end(cell.info.index)
        self._settle(cell, outcome, error)

    def _settle(
        self, cell: RunningCell, outcome: CellOutcome, error: NbflowError | None = None
    ) -> None:
        self._limits.go_on(cell)
        cell.ended, cell.outcome, cell.error = now(), outcome, error
        self._copy.say(cell.info.index, str(outcome))
        duration = time.monotonic() - cell.clock if cell.started else None
        self._tell(
            CellEnded(
                at=cell.ended, cell=cell.info, outcome=outcome, error=error, duration=duration
            )
        )

    def _go_on(self, cell: RunningCell, outcome: CellOutcome, error: NbflowError | None) -> None:
        """Raise `Stopped` unless the next cell may start."""
        interruption = self._interruption
        if interruption is not None:
            self._culprit = self._culprit or cell
            if interruption.culprit is cell and self._kernel.is_alive():
                self._interruption = None  # it has ended, and those behind it may still
            raise Stopped(interruption.outcome, interruption.error)
        if outcome in {CellOutcome.COMPLETED, CellOutcome.CACHED}:
            return
        if self._is_allowed(cell, outcome, error):
            return
        self._culprit = self._culprit or cell
        raise self._trouble or Stopped(outcome, error)

    def _is_allowed(
        self, cell: RunningCell, outcome: CellOutcome, error: NbflowError | None
    ) -> bool:
        """Whether the run goes on all the same, which it says."""
        allowed = self._options.allow_errors
        if not allowed or outcome not in {CellOutcome.FAILED, CellOutcome.TIMED_OUT}:
            return False
        self._tell(Note(message=f"{error} The run goes on.", warning=True, cell=cell.info))
        return True

    # ── cells in the background ──────────────────────────────────────────────────────────
    def hear_news(self, index: int, content: Mapping[str, Any]) -> None:
        """The kernel tells something of a cell; of one that has ended it comes too late."""
        cell, news = self._cells[index], read_news(content)
        if news is None or cell.ended is not None:
            return
        if news.event is Event.SUBMITTED:
            cell.submitted = True
            cell.waiting = cell.recorded  # its engine will tell when it begins
        elif news.event is Event.ENDED:
            cell.end = news
            if index in self._behind:
                self._end_behind(cell)
        elif news.state is not None:
            self._move(cell, news.state, news.attempt)

    def _move(self, cell: RunningCell, state: State[Any], attempt: int | None) -> None:
        cell.told = state
        if state.name == "Paused":
            self._limits.pause(cell)
        else:
            self._limits.go_on(cell)
        cell.attempt = max(cell.attempt, attempt or 0)
        if state.is_settled():
            return  # its end will tell
        if state.is_running() and cell.waiting:
            cell.counted_from = time.monotonic()
        cell.waiting = state.is_pending() or state.name == "AwaitingSlot"
        if cell.shown != (state.name, cell.attempt):
            cell.shown = (state.name, cell.attempt)
            self._tell(
                CellMoved(at=state.timestamp, cell=cell.info, state=state, attempt=cell.attempt)
            )

    def _leave_behind(self, cell: RunningCell) -> None:
        """Go on while a submitted cell runs; it may have ended by now."""
        index = cell.info.index
        self._current = None
        self._behind[index] = cell
        self._copy.leave_behind(index)
        if cell.end is not None:
            self._end_behind(cell)
        if self._interruption is not None:
            raise Stopped(self._interruption.outcome, self._interruption.error)

    def _end_behind(self, cell: RunningCell) -> None:
        assert cell.end is not None
        outcome, error = verdict_of_news(cell, cell.end)
        if cell.end.error is not None:
            self._copy.add_error(cell.info.index, cell.end.error)
        if self._interruption is not None and not outcome.is_good:
            outcome, error = self._interruption.verdict(cell)
        self._conclude_behind(cell, outcome, error)

    def _conclude_behind(
        self, cell: RunningCell, outcome: CellOutcome, error: NbflowError | None
    ) -> None:
        del self._behind[cell.info.index]
        self._end_cell(cell, outcome, error)
        if outcome.is_good or self._interruption is not None or self._trouble is not None:
            return
        if not self._is_allowed(cell, outcome, error):
            self._culprit = cell
            self._trouble = Stopped(outcome, error)

    def _wait_for_previous(self, cell: RunningCell) -> None:
        """Wait for the cells of the background that a `prev:NAME` tag names."""
        for name in self._tags[cell.info.cell_id].previous:
            earlier = named_before(self._infos, cell.info, name, self._tags)
            indexes = {info.index for info in earlier}
            while indexes & self._behind.keys() and not (self._trouble or self._interruption):
                if not self._talk.receive() and not self._kernel.is_alive():
                    return
                self.meanwhile()

    def _await_background(
        self, outcome: CellOutcome, error: BaseException | None
    ) -> tuple[CellOutcome, BaseException | None]:
        """Let the cells of the background end, or stop them, and say how the run ended."""
        while self._behind:
            stopping = self._interruption is not None
            reply = self._talk.run_hidden(SETTLE[stopping])
            if reply is None or stopping or self._interruption is None:
                break
        self._hear_out()
        for cell in list(self._behind.values()):
            self._conclude_behind(cell, *self._verdict_of_silence(cell))
        if self._uses_nbflow and self._interruption is None and self._kernel.is_alive():
            self._talk.run_hidden(FINISH)
        return self._final_word(outcome, error)

    def _hear_out(self) -> None:
        """Threads may tell their end just after the kernel said that all have ended."""
        patience = time.monotonic() + _TELLING_PATIENCE
        while self._behind and time.monotonic() < patience and self._kernel.is_alive():
            self._talk.receive()
            self.meanwhile()

    def _verdict_of_silence(self, cell: RunningCell) -> Verdict:
        """How a cell ended that never told its end."""
        if self._interruption is not None:
            return self._interruption.verdict(cell)
        if not self._kernel.is_alive():
            return CellOutcome.CRASHED, self._death(cell)
        silent = CellError("RuntimeError", "it went to the background and never told its end")
        return CellOutcome.FAILED, failure(cell.info, silent)

    def _final_word(
        self, outcome: CellOutcome, error: BaseException | None
    ) -> tuple[CellOutcome, BaseException | None]:
        """What happened first counts; but who stops the run must hear of it."""
        interruption = self._interruption
        if interruption is not None and (
            outcome.is_good or interruption.outcome is CellOutcome.CANCELLED
        ):
            return interruption.outcome, interruption.error
        if outcome.is_good and self._trouble is not None:
            return self._trouble.outcome, self._trouble.error
        return outcome, error

    # ── what the conversation tells ──────────────────────────────────────────────────────
    def hear_output(self, index: int, message: dict[str, Any]) -> bool:
        """A cell has printed or shown something; True when it says that it has gone idle."""
        if message["msg_type"] == "stream":
            content = message["content"]
            self._prints.add(index, content["name"], content["text"])
        return self._copy.add(index, message)

    def running_cell(self) -> int | None:
        """The one that prints whatever is printed."""
        return self._current.info.index if self._current else None

    def miss_idle(self) -> None:
        """The kernel answered, and said nothing more."""
        self._note("The kernel did not say that it is idle again; its last output may be missing.")

    def meanwhile(self) -> None:
        """Look at limits, stop requests and due saves."""
        self._prints.tick()
        if self._interruption is None:
            self._interrupt_if_asked()
        elif time.monotonic() > self._interruption.deadline or self._signals.insisted:
            self._kernel.kill()
        self._copy.save_if_due()

    # ── limits and stops ─────────────────────────────────────────────────────────────────
    def _interrupt_if_asked(self) -> None:
        started = [*([self._current] if self._current else ()), *self._behind.values()]
        reason = self._limits.reason_to_stop(started)
        if reason is None:
            return
        self._interruption = reason
        self._culprit = reason.culprit or self._culprit
        self._kernel.interrupt()

    def _own_limit(self, info: CellInfo) -> float | None:
        """What its `timeout:` tag says, where the kernel cannot see to it."""
        tags = self._tags[info.cell_id]
        return tags.timeout if is_tagged_task(info, tags) and not self._has_tasks else None

    # ── judgement ────────────────────────────────────────────────────────────────────────
    def _judge(self, cell: RunningCell, reply: Mapping[str, Any] | None) -> Verdict:
        interruption = self._interruption
        if interruption is not None:
            finished = reply is not None and reply["status"] == "ok"
            if not finished or interruption.culprit in {None, cell}:
                return interruption.verdict(cell)
        if reply is None:
            return CellOutcome.CRASHED, self._death(cell)
        return verdict_of_reply(cell, reply)

    def _death(self, cell: RunningCell) -> KernelDied:
        tail = self._kernel.log_tail()
        message = f"The kernel died in the cell {cell.info.name!r}: {self._kernel.exit}."
        return KernelDied(message + (f" Its last words:\n{tail}" if tail else ""))

    # ── the end ──────────────────────────────────────────────────────────────────────────
    def _end_kernel(self, outcome: CellOutcome) -> None:
        patience = SHUTDOWN_GRACE if outcome is not CellOutcome.CANCELLED else 1.0
        self._current = None
        if not self._kernel.shutdown(patience, self._talk.receive):
            self._note(
                f"The kernel did not end by itself within {patience:g} s and was killed: "
                "a thread or an exit handler was still at work."
            )
        self._tell(KernelEnded())

    def _keep_kernel(self, outcome: CellOutcome, error: BaseException | None) -> bool:
        """Whether somebody wants the kernel of this run, which has ended badly."""
        ends = {CellOutcome.FAILED, CellOutcome.TIMED_OUT, CellOutcome.CANCELLED}
        if self._options.keep is None or outcome not in ends or not self._kernel.is_alive():
            return False
        self._talk.receive(0)
        culprit = self._culprit.record() if self._culprit else None
        self._kept = self._options.keep(self._kernel, culprit, self._outcome(outcome, error, now()))
        return self._kept

    def _finish(self, outcome: CellOutcome, error: BaseException | None) -> NotebookOutcome:
        self._copy.settle()
        self._prints.end()
        self._tell_not_run()
        self._say_what_overflowed()
        ended = now()
        self._copy.stamp(outcome, error, ended, self._place_of_failure(outcome))
        unsaved = self._copy.finish()
        return self._outcome(outcome, error or unsaved, ended)

    def _outcome(
        self, outcome: CellOutcome, error: BaseException | None, ended: datetime
    ) -> NotebookOutcome:
        return NotebookOutcome(
            outcome=outcome,
            cells=tuple(cell.record() for cell in self._cells.values()),
            output=self.output,
            kernel_name=self.choice.name,
            started=self._started,
            ended=ended,
            error=error,
        )

    def _tell_not_run(self) -> None:
        for cell in self._cells.values():
            if cell.outcome is CellOutcome.NOT_RUN and cell.info.index >= self._options.start_at:
                self._tell(CellEnded(cell=cell.info, outcome=CellOutcome.NOT_RUN))

    def _say_what_overflowed(self) -> None:
        for index, path in self._copy.close_texts():
            message = f"The cell printed more than the notebook keeps; all of it is in {path}."
            self._tell(Note(message=message, cell=self._cells[index].info))

    def _place_of_failure(self, outcome: CellOutcome) -> int | None:
        """The cell that the notebook marks as the one that failed, where it is to mark one."""
        if outcome is CellOutcome.FAILED and not self.mark_errors:
            return None
        ends = {CellOutcome.FAILED, CellOutcome.TIMED_OUT, CellOutcome.CRASHED}
        broken = [index for index, cell in self._cells.items() if cell.outcome in ends]
        first = self._culprit.info.index if self._culprit else None
        return first if first in broken else broken[-1] if broken else None

    def _abandon(self, error: BaseException) -> None:
        """Something raised that is no outcome of a cell: leave an honest notebook behind."""
        kind = CellOutcome.CRASHED if isinstance(error, Exception) else CellOutcome.CANCELLED
        running = [*([self._current.info.index] if self._current else ()), *self._behind]
        self._copy.abandon(kind, error, running)

    # ── telling ──────────────────────────────────────────────────────────────────────────
    def _tell(self, event: NotebookEvent) -> None:
        self._options.on_event(event)

    def _tell_saved(self, output: str) -> None:
        self._tell(NotebookSaved(output=output))

    def _tell_printed(self, index: int, stream: str, text: str) -> None:
        self._tell(CellPrinted(cell=self._cells[index].info, stream=stream, text=text))

    def _note(self, message: str) -> None:
        cell = self._current.info if self._current else None
        self._tell(Note(message=message, warning=True, cell=cell))


def _new_kernel(choice: KernelChoice, options: RunOptions) -> Kernel:
    """A kernel that no cell has run in: one that was started ahead, where one waits."""
    ready = ahead.take(choice.name, options.cwd, options.environment)
    return ready or Kernel(choice.name, cwd=options.cwd, environment=options.environment)
