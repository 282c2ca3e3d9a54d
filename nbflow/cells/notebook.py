"""The notebook of this kernel: where its task cells are read, run, awaited and recorded.

This module decides what happens from the moment a cell arrives to the moment its values are
the notebook's. It puts together what the other modules of this package decide each on its
own. It must not know the command line, nor how another process drives the kernel.
"""

from __future__ import annotations

import ast
import contextvars
import threading
import weakref
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from typing import Any, Final

from nbflow.annotations import quote
from nbflow.cells.board import Board, CellUnderWay, Upstream, blocked
from nbflow.cells.caching import options_for
from nbflow.cells.deferred import Mailbox
from nbflow.cells.figures import get_ready, own_figures
from nbflow.cells.foreground import needs_everything_before, stays_in_the_foreground
from nbflow.cells.interface import interface_of
from nbflow.cells.joining import JoinedCell, join
from nbflow.cells.lines import read_task_line
from nbflow.cells.records import CellInterface, CellValues, Mode, Output, TaskCellOptions
from nbflow.cells.run import Awaited, CellAttempts, RemoteAttempts, Stage, publish
from nbflow.cells.shell import Shell
from nbflow.cells.task import CellFunction, CellTask, engine_options
from nbflow.dataflow import CellAnalysis, analyse_cell
from nbflow.dataflow.history import Step
from nbflow.engine import run_cell, submit_cell
from nbflow.engine.execution import TaskExecution
from nbflow.engine.runners import ProcessPoolTaskRunner, TaskRunner, ThreadPoolTaskRunner
from nbflow.exceptions import MagicUsageError, NbflowError, UpstreamCellError, UsageError
from nbflow.futures import Future
from nbflow.models import TaskKind
from nbflow.notebooks.cell_names import name_of
from nbflow.states import Completed, Running, State, StateType
from nbflow.tasks import Task

_RUNNERS: Final[Mapping[str, Callable[[], TaskRunner]]] = {
    "thread": ThreadPoolTaskRunner,
    "process": ProcessPoolTaskRunner,
}


class CellRunTask(Task[..., CellValues]):
    """What the engine runs for a cell."""

    run_kind = TaskKind.CELL


class Notebook:
    """The cells of one kernel and what they share."""

    def __init__(self, ip: Any) -> None:
        self.shell = Shell(ip)
        self.mailbox = Mailbox(ip.display_pub.publish)
        self.joined: JoinedCell | None = None
        self._board: Board | None = None
        self._step: Step | None = None
        self._namespace_put_back = False
        #: Where the running cell runs, and whether it has waited for what it needs.
        self._thread: int | None = None
        self._may_go_on = False
        self._runners: dict[str, TaskRunner] = {}
        #: In which state the task cells of the session are, by their source.
        self.states: dict[str, tuple[StateType, str]] = {}

    # ── every cell ───────────────────────────────────────────────────────────────────────

    def cell_arrives(self, raw_cell: str, request: Mapping[str, Any]) -> None:
        """A cell is about to be read: learn what it is part of."""
        self.shell.raw_cell = raw_cell
        self.joined = join(request)
        self._namespace_put_back = False
        self._thread, self._may_go_on = threading.get_ident(), False
        self._step = self._board.enter(raw_cell) if self._board is not None else None

    def cell_may_start(self) -> None:
        """Wait for what the cell needs of background cells; raises `UpstreamCellError`."""
        board, step, done = self._board, self._step, self._may_go_on
        if board is None or step is None or done or threading.get_ident() != self._thread:
            return  # code inside of a cell, such as that of %time, goes through IPython, too
        self._may_go_on = True
        if self._goes_to_the_background(step.analysis):
            return
        try:
            self._wait_for(board, step)
        except UpstreamCellError:
            board.put_back(step)
            self._step = None
            raise
        finally:
            self.mailbox.deliver()
        board.binds(step)

    def _wait_for(self, board: Board, step: Step) -> None:
        upstream = board.upstream(step, private=False)
        everything = board.under_way() and needs_everything_before(
            step.analysis, self.shell.namespace
        )
        if upstream.has_ended and not everything:
            board.wait(upstream)  # nothing to wait for, but perhaps a failure to tell
            return
        with self.joined.waiting() if self.joined is not None else nullcontext():
            if everything:
                board.settle()
            board.wait(upstream)

    def _goes_to_the_background(self, analysis: CellAnalysis) -> bool:
        if analysis.magic != "task" or "--submit" not in analysis.magic_line:
            return False
        try:
            options = read_task_line(analysis.magic_line)
        except MagicUsageError:  # the magic itself will say so
            return False
        body = self.shell.raw_cell.lstrip().partition("\n")[2]
        names = self.shell.namespace
        return options.submit and options.run and not stays_in_the_foreground(body, analysis, names)

    def cell_did_not_run(self) -> None:
        """The running cell will have failed before any of its code ran."""
        if self._board is not None and self._step is not None:
            self._board.never_ran(self._step)
        self._step = None

    def cell_ended(self, *, failed: bool) -> None:
        """The cell is over."""
        if failed and self._board is not None and self._step is not None:
            if self._namespace_put_back:
                self._board.put_back(self._step)
            else:
                self._board.stopped(self._step)
        self.mailbox.deliver()
        self._step = None
        self.joined = None

    @property
    def board(self) -> Board:
        """The cells under way; made, with the notebook's history, when it is first needed."""
        if self._board is None:
            board = self._board = Board(lambda: self.shell.namespace)
            for source, failed in self.shell.earlier_cells:
                board.enter(source, failed=failed)
            self._step = board.enter(self.shell.raw_cell)
            board.binds(self._step)
        return self._board

    # ── task cells ───────────────────────────────────────────────────────────────────────

    def run_task_cell(self, line: str, text: str) -> None:
        """The magic `%%task`: define the cell's task and, unless told otherwise, run it."""
        __tracebackhide__ = True
        board = self.board
        step = self._step = self._step or board.enter(self.shell.raw_cell)
        try:
            options = read_task_line(line)
            run = self._prepare(options, text, step)
        except (SyntaxError, UsageError):
            self.cell_did_not_run()
            raise
        if options.name is not None and options.name.isidentifier():
            self.shell.namespace[options.name] = run.task
        if not options.run:
            return
        if options.submit and not stays_in_the_foreground(
            text, step.analysis, self.shell.namespace
        ):
            run.submit(board.upstream(step, private=run.private))
            return
        try:
            run.here()
        except Exception as error:  # the user's own: shown from their first line on
            self.shell.begin_traceback(error, run.task.fn.body.filename)
            if isinstance(error, NbflowError) and not hasattr(error, "_render_traceback_"):
                raise plain(error) from None
            raise

    def _prepare(self, options: TaskCellOptions, text: str, step: Step) -> CellRun:
        added = self.joined.header_lines if self.joined is not None else 0
        coming = frozenset[str]().union(*(cell.binds for cell in self.board.under_way()))
        body = self.shell.body(text, added_lines=added, coming=coming)
        body.compile()  # a typing error is found before anything else is said
        analysis = analyse_cell(text)
        names = self.shell.namespace
        interface = interface_of(
            analysis, body.python, names, options, shared_because=self.why_shared(analysis)
        )
        name = self._name(options, text)
        function = CellFunction(name, body, interface, lambda: names)
        task = CellTask(function, options, values=self._values)
        return CellRun(self, task, step)

    def _name(self, options: TaskCellOptions, text: str) -> str:
        if self.joined is not None:
            return self.joined.name
        return options.name or name_of(text, frozenset(), None)

    def why_shared(self, analysis: CellAnalysis) -> str:
        """Why the rest of the notebook keeps the cell out of a namespace of its own."""
        board, step = self.board, self._step
        binds = analysis.defs | analysis.deletes
        if board.history.ambiguous or step is None:
            return "an earlier cell hides what it binds"
        if read := sorted(binds & step.looks_up):
            return f"functions that it calls read {read[0]!r}, which it binds"
        # What functions bind is in the notebook itself, where no cell apart would find it.
        if written := sorted((binds | analysis.uses) & board.history.late_writes):
            return f"functions of the notebook bind {written[0]!r}, which it uses"
        return ""

    def _values(self) -> Mapping[str, Any]:
        """The notebook's values, those that are still being made as futures."""
        values = dict(self.shell.namespace)
        for cell in self.board.under_way():
            values |= {name: picked(cell.published, name) for name in cell.interface.outputs}
        return values

    def runner(self, name: str) -> TaskRunner:
        """The runner of that name, one for the whole notebook."""
        if name not in self._runners:
            self._runners[name] = _RUNNERS[name]()
        return self._runners[name]

    def stands(self, source: str, state: State[Any]) -> None:
        """A task cell of the session is in that state; what it made is not kept alive by this."""
        self.states[source.strip()] = (state.type, state.name)

    def names_were_put_back(self) -> None:
        """The running cell will have failed without leaving a trace in the namespace."""
        self._namespace_put_back = True

    # ── the end ──────────────────────────────────────────────────────────────────────────

    def settle(self, *, cancel: bool = False) -> None:
        """Return when no cell is under way in the background any more."""
        if self._board is None:
            return
        if cancel:
            self._board.cancel()
        self._board.settle()
        self.mailbox.deliver()

    def close(self) -> None:
        """Release threads and processes."""
        for runner in self._runners.values():
            runner.stop()
        self._runners.clear()


class CellRun:
    """A task cell on its way through the engine."""

    def __init__(self, notebook: Notebook, task: CellTask, step: Step) -> None:
        self._notebook = notebook
        self._shell = notebook.shell
        self._joined = notebook.joined
        self.task = task
        self.step = step
        #: Where a client that stops listening is shown the cell's output later.
        self._place: str | None = None
        self._withheld: list[Output] = []

    @property
    def interface(self) -> CellInterface:
        """What the cell takes and gives."""
        return self.task.interface

    @property
    def private(self) -> bool:
        """Whether the body runs in a namespace of its own."""
        return self.interface.mode is Mode.PRIVATE

    # ── in the foreground ────────────────────────────────────────────────────────────────

    def here(self) -> None:
        """Run the cell now, show what it shows, and give the notebook its values."""
        __tracebackhide__ = True
        self._notebook.names_were_put_back()
        execution = self._execution(self._shell.show, ())
        runner = self.task.options.runner
        if runner is not None and runner in _RUNNERS:
            state = self._wait_for(submit_cell(execution, self._notebook.runner(runner)))
        else:
            state = run_cell(execution)
        self._notebook.stands(self._shell.raw_cell, state)
        values: CellValues = state.result()
        self._take_over(values, state)
        if runner == "process" and state.name != "Cached" and self.task.fn.body.shows_last:
            self._shell.show(values.last)
        elif state.name == "Cached":
            self._shell.replay(values.shown)

    def _wait_for(self, future: Future[CellValues]) -> State[CellValues]:
        while not future.done():
            future.wait(0.1)  # in slices, so that an interrupt comes through
        return future.state

    def _take_over(self, values: CellValues, state: State[CellValues]) -> None:
        in_place = self.interface.mode is Mode.SHARED and state.name != "Cached"
        if not in_place or self.task.options.runner == "process":
            publish(values, self._shell.namespace, bool)

    # ── in the background ────────────────────────────────────────────────────────────────

    def submit(self, upstream: Upstream) -> None:
        """Start the cell when what it follows has ended, and return at once."""
        self._shell.load_magics(self.task.fn.body.python)
        source = self._shell.raw_cell
        get_ready(self.step.analysis.imports.values())
        context = contextvars.copy_context()
        show = self._shell.show_later()
        replay = self._shell.replay_later()
        if self._joined is None and not self._shell.listens_on:
            self._place = self._notebook.mailbox.place()

        def told(cell: CellUnderWay, state: State[Any]) -> None:
            self._notebook.stands(source, state)
            context.run(self._end, cell, state, upstream, show, replay)

        execution = self._execution(show, upstream.awaited(), upstream)
        cell = CellUnderWay(self.step, self.task.name, self.interface, execution, upstream)
        if self._joined is not None:
            self._joined.tell("submitted", state=execution.future.state)
        self._notebook.stands(source, Running())
        self._notebook.board.add(cell, told)
        runner = self.task.options.runner or "thread"
        submit_cell(execution, self._notebook.runner(runner) if runner in _RUNNERS else None)

    def _end(
        self,
        cell: CellUnderWay,
        state: State[Any],
        upstream: Upstream,
        show: Callable[[Any], None],
        replay: Callable[[list[Output]], None],
    ) -> None:
        """Show and tell how a background cell ended."""
        del cell
        if self._place is None:
            self._show_end(state, upstream, show, replay)
            return
        with self._shell.recording(withhold=True) as outputs:
            self._show_end(state, upstream, show, replay)
        self._notebook.mailbox.put(self._place, [*self._withheld, *outputs])

    def _show_end(
        self,
        state: State[Any],
        upstream: Upstream,
        show: Callable[[Any], None],
        replay: Callable[[list[Output]], None],
    ) -> None:
        error: BaseException | None = None
        if state.is_completed():
            values: CellValues = state.result()
            if state.name == "Cached":
                replay(values.shown)
            elif self.task.options.runner == "process" and self.task.fn.body.shows_last:
                show(values.last)
        else:
            error = self._error_of(state, upstream)
            self._shell.show_error(error)
        self._shell.flush()
        if self._joined is not None:
            told = self._shell.describe(error) if error is not None else None
            self._joined.tell("ended", state=state, error=told)

    @staticmethod
    def _error_of(state: State[Any], upstream: Upstream) -> BaseException:
        for cell, names in upstream.data:
            if cell.failed and not state.is_final():
                return plain(UpstreamCellError(blocked(cell, names)))
        error = state.result(raise_on_failure=False)
        return error if isinstance(error, BaseException) else NbflowError(str(state))

    # ── what the engine is given ─────────────────────────────────────────────────────────

    def _execution(
        self,
        show: Callable[[Any], None],
        awaited: tuple[Awaited, ...],
        upstream: Upstream | None = None,
    ) -> TaskExecution:
        attempts = self._attempts(show, awaited)
        kept = options_for(self.task, attempts.names, self._shell.namespace, self._joined)
        if kept.get("persist_result") and isinstance(attempts, CellAttempts):
            attempts.staged = self._staged(record=True)
        options = engine_options(self.task.options, self.task.name)
        task = CellRunTask(attempts, **{**options, **kept})
        run_id = self._joined.task_run_id if self._joined is not None else None
        waits = upstream.wait_for() if upstream is not None else None
        return TaskExecution(task, self._parameters(awaited), waits, run_id=run_id)

    def _attempts(
        self, show: Callable[[Any], None], awaited: tuple[Awaited, ...]
    ) -> CellAttempts | RemoteAttempts:
        function = self.task.fn
        if self.task.options.runner == "process":
            return RemoteAttempts(function)
        code = function.body.compile(self._shell.transform)
        staged = self._staged(record=self._place is not None)
        return CellAttempts(function, code, self._shell.namespace, show, staged, awaited)

    def _staged(self, *, record: bool) -> Stage:
        stage: Stage = self._recorded if record else self._plain
        return own_figures(stage, self._shell.show_figures) if self.task.options.submit else stage

    def _plain(self, run: Callable[[], Any]) -> tuple[Any, list[Output]]:
        __tracebackhide__ = True
        return run(), []

    def _recorded(self, run: Callable[[], Any]) -> tuple[Any, list[Output]]:
        __tracebackhide__ = True
        with self._shell.recording(withhold=self._place is not None) as outputs:
            self._withheld = outputs
            value = run()
            self._shell.show_figures()
        return value, outputs

    def _parameters(self, awaited: tuple[Awaited, ...]) -> dict[str, Any]:
        """The inputs; quoted, for the engine need not look for futures inside of data."""
        names = self._shell.namespace
        coming = {name: each.source for each in awaited for name in each.needed}
        found: dict[str, Any] = {}
        for name in self.interface.inputs:
            if name in coming:
                found[name] = picked(coming[name], name, names)
            elif name in names:
                found[name] = quote(names[name])
        return found


def picked(
    source: Future[CellValues], name: str, otherwise: Mapping[str, Any] | None = None
) -> Future[Any]:
    """The value of one name among those that a cell makes; or the notebook's, if it did not."""
    fallback = (otherwise or {}).get(name)

    def of(state: State[Any]) -> State[Any]:
        if not state.is_completed():
            return state
        return Completed(data=state.result().outputs.get(name, fallback))

    future: Future[Any] = Future(source.task_run_id, source.name, of(source.state))
    source.add_done_callback(lambda done: future.update(of(done.state)))
    return future


def plain(error: NbflowError) -> NbflowError:
    """The error as one sentence, without a traceback, where IPython shows it."""
    name, text = type(error).__name__, str(error)
    error._render_traceback_ = lambda: [f"\x1b[31m{name}\x1b[39m: {text}"]  # type: ignore[attr-defined] # IPython's hook
    return error


# ── the one notebook of a process ────────────────────────────────────────────────────────

_notebooks: weakref.WeakKeyDictionary[Any, Notebook] = weakref.WeakKeyDictionary()


def notebook_of(ip: Any) -> Notebook:
    """The notebook of a shell; there is one for each."""
    if ip not in _notebooks:
        _notebooks[ip] = Notebook(ip)
    return _notebooks[ip]


class Gate(ast.NodeTransformer):
    """Lets a cell start when the background cells it needs have ended.

    IPython offers code to its AST transformers just before it runs it, and lets them refuse.
    """

    def __init__(self, notebook: Notebook, refuse: Callable[[NbflowError], Exception]) -> None:
        self._notebook = notebook
        self._refuse = refuse

    def visit(self, node: ast.AST) -> ast.AST:
        """Wait; the code stays as it is."""
        try:
            self._notebook.cell_may_start()
        except NbflowError as error:
            raise self._refuse(error) from None
        return node
