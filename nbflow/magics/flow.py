"""`%%flow`: a cell as the body of a flow that runs with its view beneath.

This module decides how the cell becomes a flow, what the notebook has of it afterwards, and
how its failure reads. How a flow runs is the engine's business, how it looks the view's.
"""

from __future__ import annotations

from typing import Any

from nbflow.cells.flow import (
    CellFlow,
    FlowAttempts,
    FlowFunction,
    attempted,
    cell_flow,
    signature_from,
    without_parameters,
)
from nbflow.cells.interface import interface_of
from nbflow.cells.lines import FLOW_LINE, read_flow_line
from nbflow.cells.notebook import Notebook, plain
from nbflow.cells.records import CellInterface, FlowCellOptions, Mode, TaskCellOptions
from nbflow.cells.run import publish
from nbflow.cli.run import run_told
from nbflow.context import tags
from nbflow.dataflow import analyse_cell
from nbflow.exceptions import (
    CancelledRun,
    CellInterfaceError,
    MagicUsageError,
    RunEnded,
    UsageError,
)
from nbflow.magics.view import view_for
from nbflow.notebooks.cell_names import name_of
from nbflow.states import State


def flow_magic(notebook: Notebook) -> Any:
    """The function of the magic `%%flow`."""

    def flow(line: str, cell: str) -> None:
        # Frames above this one are IPython's and ours: tracebacks begin below.
        __tracebackhide__ = "__ipython_bottom__"
        try:
            options = read_flow_line(line)
            made = _define(notebook, options, cell)
        except SyntaxError:
            notebook.cell_did_not_run()
            raise
        except UsageError as error:
            notebook.cell_did_not_run()
            raise plain(error) from None
        if not options.define:
            _run(notebook, made, options)

    return flow


# ── definition ───────────────────────────────────────────────────────────────────────────


def _define(notebook: Notebook, options: FlowCellOptions, text: str) -> CellFlow:
    bound = options.name is not None and options.name.isidentifier()
    if options.define and not bound:
        FLOW_LINE.refuse("--define needs a NAME by which the notebook can call the flow.")
    flow = cell_flow(_function(notebook, options, text), options)
    if not options.define and (missing := [p.name for p in flow.parameters if p.required]):
        FLOW_LINE.refuse(
            f"--param: {missing[0]} has no value to run with; write {missing[0]}=VALUE, "
            "or only --define the flow."
        )
    if bound:
        assert options.name is not None
        notebook.shell.namespace[options.name] = flow
    return flow


def _function(notebook: Notebook, options: FlowCellOptions, text: str) -> FlowFunction:
    names = notebook.shell.namespace
    parameters = _signature(options, names)
    added = notebook.joined.header_lines if notebook.joined is not None else 0
    body = notebook.shell.body(text, added_lines=added)
    body.compile()  # a typing error is found before anything else is said
    analysis = analyse_cell(text)
    # Whatever keeps a task cell out of a namespace of its own does so here.
    shared = notebook.why_shared(analysis)
    interface = interface_of(analysis, body.python, names, TaskCellOptions(), shared_because=shared)
    _refuse_own_name(options.name, interface)
    return FlowFunction(
        name=options.name or name_of(text, frozenset(), None),
        body=body,
        interface=without_parameters(interface, parameters),
        namespace=lambda: names,
        parameters=parameters,
    )


def _refuse_own_name(name: str | None, interface: CellInterface) -> None:
    if name is not None and name in interface.outputs:
        raise CellInterfaceError(
            f"The flow's name {name!r} is also what its code assigns, and one would hide the "
            f"other. Choose another name, such as {name}_flow."
        )


def _signature(options: FlowCellOptions, names: dict[str, Any]) -> Any:
    try:
        return signature_from(options.parameters, names)
    except MagicUsageError as error:
        FLOW_LINE.refuse(str(error))


# ── the run ──────────────────────────────────────────────────────────────────────────────


def _run(notebook: Notebook, flow: CellFlow, options: FlowCellOptions) -> None:
    """Run the cell's flow with its view beneath; its names become the notebook's at the end."""
    __tracebackhide__ = True
    notebook.names_were_put_back()
    attempts = FlowAttempts(flow.fn, notebook.shell.namespace, notebook.shell.show)
    with tags(*options.tags):
        view = view_for(notebook.shell.ip, flow.name)
        state, _ = run_told(attempted(flow, attempts), {}, view)
    if not state.is_completed():
        raise _error(notebook, flow, state)
    if flow.fn.interface.mode is Mode.PRIVATE:
        own = flow.signature.parameters
        publish(attempts.values, notebook.shell.namespace, lambda name: name not in own)


def _error(notebook: Notebook, flow: CellFlow, state: State[Any]) -> BaseException:
    """What the cell fails with: the user's own error, or a sentence."""
    if state.is_cancelled():
        return plain(CancelledRun(state.message or f"Flow {flow.name!r} was stopped."))
    error: BaseException = state.result(raise_on_failure=False)
    if isinstance(error, RunEnded):
        return plain(error)
    notebook.shell.begin_traceback(error, flow.fn.body.filename)
    return error
