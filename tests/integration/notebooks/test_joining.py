"""What cells of a recorded run do inside their kernel belongs to that run."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from nbflow import notebook as notebook_flow
from nbflow.cells import joining
from nbflow.cells.joining import join
from nbflow.engine import run_flow
from nbflow.exceptions import NotebookError
from nbflow.models import FlowRun, FlowRunFilter, LogFilter, RunKind, TaskKind, TaskRun
from nbflow.notebooks.document import code_cells, read_notebook
from nbflow.owner import this_owner
from nbflow.run_graph import graph_of_run
from nbflow.states import now
from nbflow.store import Store, open_store

MakeNotebook = Callable[..., Path]


@pytest.fixture
def store() -> Store:
    return open_store()


class Recorded:
    """What a run of a notebook left in the store."""

    def __init__(self, store: Store, path: Path, **options: Any) -> None:
        self.state = notebook_flow(path, **options)(return_state=True)
        self.store = store
        self.run: FlowRun = store.flow_runs(FlowRunFilter(top_level=True), limit=1)[0]
        self.tasks: list[TaskRun] = store.task_runs(self.run.id)
        self.cells = [task for task in self.tasks if task.kind is TaskKind.CELL]
        self.children = [task for task in self.tasks if task.kind is TaskKind.FUNCTION]
        self.subflows = store.flow_runs(FlowRunFilter(parent_id=self.run.id))

    def history(self, run: TaskRun | FlowRun) -> list[tuple[str, int]]:
        kind = RunKind.TASK if isinstance(run, TaskRun) else RunKind.FLOW
        return [(c.state.name, c.attempt) for c in self.store.states(kind, run.id)]


TASKS = """
from nbflow import flow, get_run_logger, task
from nbflow.runtime import flow_run, task_run

@task
def load(n):
    get_run_logger().info("loading %s", n)
    return [n]

@task
def total(values):
    return sum(values)

@flow
def report(n):
    return total(load(n))
"""


def test_tasks_called_in_a_cell_are_its_children(notebook: MakeNotebook, store: Store) -> None:
    path = notebook(TASKS, "rows = load(3)", "result = total(rows)\nprint(result)")

    ran = Recorded(store, path)

    assert ran.state.is_completed()
    assert [cell.state.name for cell in ran.cells] == ["Completed"] * 3
    assert {c.name: c.parent_id for c in ran.children} == {
        "load": ran.cells[1].id,
        "total": ran.cells[2].id,
    }
    assert [c.state.name for c in ran.children] == ["Completed", "Completed"]
    by_name = {child.name: child for child in ran.children}
    assert [d.upstream for d in by_name["total"].dependencies] == [by_name["load"].id]
    logs = store.logs(LogFilter(task_run_id=by_name["load"].id))
    assert [log.message for log in logs] == ["loading 3"]
    assert store.logs(LogFilter(task_run_id=ran.cells[1].id)) == []
    assert len(store.flow_runs()) == 1


def test_a_task_imported_where_it_is_called_belongs_to_the_run(
    notebook: MakeNotebook, store: Store, tmp_path: Path
) -> None:
    (tmp_path / "steps.py").write_text(TASKS, encoding="utf-8")
    path = notebook("import steps", "steps.load(1)")

    ran = Recorded(store, path)

    assert [child.parent_id for child in ran.children] == [ran.cells[1].id]


def test_a_flow_called_in_a_cell_is_a_subflow_of_the_run(
    notebook: MakeNotebook, store: Store
) -> None:
    path = notebook(TASKS, "result = report(3)", "print(result)")

    ran = Recorded(store, path)

    [subflow] = ran.subflows
    assert (subflow.flow_name, subflow.state.name) == ("report", "Completed")
    assert [d.upstream for d in subflow.dependencies] == [ran.cells[1].id]
    graph = graph_of_run(ran.run, [*ran.tasks, *store.task_runs(subflow.id)], ran.subflows, now())
    nodes = {node.label: node for node in graph.nodes}
    assert nodes["load"].group == nodes["report"].id
    assert len(graph.edges) >= 3


def test_only_the_runner_says_how_the_run_does(notebook: MakeNotebook, store: Store) -> None:
    path = notebook(TASKS, "load(1)", "report(2)")

    ran = Recorded(store, path)

    assert ran.history(ran.run) == [("Pending", 0), ("Running", 1), ("Completed", 1)]
    for cell in ran.cells:
        assert ran.history(cell) == [("Pending", 0), ("Running", 1), ("Completed", 1)]
    assert store.close_abandoned(now()) == []


def test_cells_know_their_run(notebook: MakeNotebook, store: Store) -> None:
    path = notebook(TASKS, "print(flow_run.id, flow_run.flow_name, task_run.id, task_run.name)")

    ran = Recorded(store, path)

    [line] = store.logs(LogFilter(task_run_id=ran.cells[1].id))
    run, cell = ran.run, ran.cells[1]
    assert line.message == f"{run.id} {run.flow_name} {cell.id} {cell.name}"


def test_async_cells_and_threads_belong_to_the_run_too(
    notebook: MakeNotebook, store: Store
) -> None:
    path = notebook(
        TASKS,
        "import asyncio\nawait asyncio.sleep(0)\nload(1)",
        "import threading\nthread = threading.Thread(target=load, args=(2,))\nthread.start()\nthread.join()",
        "from concurrent.futures import ThreadPoolExecutor\n"
        "with ThreadPoolExecutor(1) as pool:\n    pool.submit(load, 3).result()",
    )

    ran = Recorded(store, path)

    assert [child.parent_id for child in ran.children] == [cell.id for cell in ran.cells[1:]]


def test_a_thread_stays_with_the_cell_that_started_it(notebook: MakeNotebook, store: Store) -> None:
    path = notebook(
        TASKS,
        "import threading\ngo = threading.Event()\n"
        "thread = threading.Thread(target=lambda: go.wait(30) and load(2))\nthread.start()",
        "go.set()\nthread.join()",
    )

    ran = Recorded(store, path)

    assert [child.parent_id for child in ran.children] == [ran.cells[1].id]


def test_submitted_tasks_are_awaited_before_the_run_ends(
    notebook: MakeNotebook, store: Store
) -> None:
    path = notebook(
        "import time\nfrom nbflow import task\n@task\ndef slow():\n    time.sleep(6)",
        "future = slow.submit()",
    )

    ran = Recorded(store, path)

    assert [child.state.name for child in ran.children] == ["Completed"]


def test_what_a_dying_kernel_leaves_is_closed(notebook: MakeNotebook, store: Store) -> None:
    path = notebook(
        TASKS,
        "import os, nbflow.store\n"
        "@task\ndef die():\n    nbflow.store.open_store().flush()\n    os._exit(3)\n"
        "@flow\ndef outer():\n    die()",
        "outer()",
    )

    ran = Recorded(store, path)

    assert ran.state.name == "Crashed"
    [subflow] = ran.subflows
    assert subflow.state.name == "Crashed"
    assert [t.state.name for t in store.task_runs(subflow.id)] == ["Crashed"]


def test_tasks_that_a_dying_kernel_leaves_are_closed(notebook: MakeNotebook, store: Store) -> None:
    path = notebook(
        TASKS,
        "import os, nbflow.store\n"
        "@task\ndef die():\n    nbflow.store.open_store().flush()\n    os._exit(3)\n",
        "die()",
    )

    ran = Recorded(store, path)

    assert [child.state.name for child in ran.children] == ["Crashed"]
    assert [cell.state.name for cell in ran.cells] == ["Completed", "Completed", "Crashed"]


def test_states_told_by_hand_are_recorded_with_true_attempts(
    notebook: MakeNotebook, store: Store
) -> None:
    path = notebook(
        "from nbflow import states\nfrom nbflow.cells import joining\n"
        "from nbflow.models import RunKind, StateChange\n"
        "me = joining.current_cell()\nbooks = me.session().store\n"
        "def move(state, attempt):\n"
        "    books.set_state(StateChange(RunKind.TASK, me.task_run_id, state, attempt, None, me.flow_run_id))\n"
        "move(states.Running(), 1)\n"
        "move(states.AwaitingRetry(message='boom'), 1)\n"
        "move(states.Retrying(), 2)\n"
        "move(states.Completed(), 2)\n",
        "joining.current_cell().tell('state', state=states.Cached())",
    )

    ran = Recorded(store, path)

    assert ran.history(ran.cells[0]) == [
        ("Pending", 0),
        ("Running", 1),
        ("AwaitingRetry", 1),
        ("Retrying", 2),
        ("Completed", 2),
    ]
    assert ran.cells[0].attempt == 2
    assert ran.history(ran.cells[1])[-1] == ("Cached", 1)
    assert ran.cells[1].state.is_completed()


def test_attempts_count_on_when_the_run_is_tried_again(
    notebook: MakeNotebook, store: Store, tmp_path: Path
) -> None:
    mark = tmp_path / "mark"
    path = notebook(
        "from nbflow import states\nfrom nbflow.cells import joining\n"
        "me = joining.current_cell()\n"
        "me.tell('state', state=states.Retrying(), attempt=me.attempt + 1)",
        f"import pathlib\nmark = pathlib.Path({str(mark)!r})\nfirst = not mark.exists()\nmark.touch()\n"
        "print(joining.current_cell().resuming)\nassert not first",
        "done = 1",
    )

    ran = Recorded(store, path, retries=1)

    assert ran.state.is_completed()
    assert [cell.attempt for cell in ran.cells] == [4, 2, 1]
    assert ran.history(ran.cells[2]) == [
        ("Pending", 0),
        ("NotRun", 0),
        ("Pending", 0),
        ("Running", 1),
        ("Completed", 1),
    ]
    logs = store.logs(LogFilter(task_run_id=ran.cells[1].id))
    assert [log.message for log in logs if log.level < 40] == ["False", "True"]


def test_the_next_attempt_follows_the_notebook_as_it_is_now(
    notebook: MakeNotebook, store: Store
) -> None:
    path = notebook("a = 1", "b = 2", "c = b / 0", "gone = 1")
    again = ("a = 1", "b = 2", "d = a + b", "print(d)")

    assert notebook_flow(path)(return_state=True).name == "Failed"
    notebook(*again)
    text = path.read_text(encoding="utf-8").replace('"cell-3"', '"cell-new"')
    path.write_text(text, encoding="utf-8")
    run = store.flow_runs(limit=1)[0]
    taken = store.take_over(run.id, this_owner(), now())
    assert run_flow(notebook_flow(path), {}, again=taken).is_completed()

    cells = {task.task_key: task for task in store.task_runs(run.id)}
    assert {key: (c.name, c.state.name, c.attempt) for key, c in cells.items()} == {
        "cell-0": ("a", "Completed", 2),
        "cell-1": ("b", "Completed", 2),
        "cell-2": ("d", "Completed", 2),
        "cell-3": ("gone", "NotRun", 0),
        "cell-new": ("print(d)", "Completed", 1),
    }
    needs = {d.upstream for d in cells["cell-2"].dependencies}
    assert needs == {cells["cell-0"].id, cells["cell-1"].id}
    assert "no more" in (cells["cell-3"].state.message or "")


# ── joining by itself ────────────────────────────────────────────────────────────────────

REQUEST = {"header": {"msg_id": "1"}, "metadata": {"nbflow": {"version": 1, "name": "load"}}}


@pytest.mark.parametrize(
    "request_message",
    [
        {},
        {"metadata": None},
        {"metadata": {"nbflow": {"version": 2}}},
        {"metadata": {"nbflow": "yes"}},
        {"metadata": {"deletedCells": []}},
    ],
)
def test_a_request_of_somebody_else_joins_nothing(request_message: dict[str, Any]) -> None:
    assert join(request_message) is None


def test_telling_outside_of_a_kernel_does_nothing() -> None:
    joined = join(REQUEST)
    assert joined is not None
    assert not joined.is_recorded
    joined.tell("submitted")
    joining.enter(joined)
    assert joining.current_cell() is None


# ── tags ─────────────────────────────────────────────────────────────────────────────────


def test_a_tag_that_cannot_be_understood_fails_before_anything_starts(
    notebook: MakeNotebook, store: Store
) -> None:
    path = notebook("x = 1", ("y = 2", ["retries:many"]))

    with pytest.raises(NotebookError, match=r"'retries:many' of the cell 'y'.*whole number"):
        notebook_flow(path)()
    assert store.flow_runs() == []


def test_previous_tags_are_arrows(notebook: MakeNotebook, store: Store) -> None:
    path = notebook(("x = 1", ["step:first"]), "y = 2", ("z = 3", ["prev:first"]))
    ids = [cell.cell_id for cell in code_cells(read_notebook(path))]

    drawn = notebook_flow(path).graph()
    ran = Recorded(store, path)

    assert [(edge.source, edge.target) for edge in drawn.edges] == [(ids[0], ids[2])]
    assert [[d.upstream for d in cell.dependencies] for cell in ran.cells] == [
        [],
        [],
        [ran.cells[0].id],
    ]
