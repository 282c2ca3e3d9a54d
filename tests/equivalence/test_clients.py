"""The magics work wherever cells run: terminal IPython, nbconvert, clients that are no Lab."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from queue import Empty
from typing import Any

import nbformat
import pytest
from jupyter_client.manager import start_new_kernel

from tests.equivalence.cases import cells
from tests.equivalence.modes import make_notebook
from tests.equivalence.outputs import mask

#: A task cell, its reader in the background, a plain reader, a task that is called.
CELLS = [
    "%%task load\nprint('loading')\ndata = [1, 2, 3]",
    "%%task --submit\nprint('adding up')\ntotal = sum(data)\ntotal",
    "print('total', total)",
    "%%task double\ntwice = [2 * d for d in data]",
    "print(double([5]), twice, load)",
]
PRINTED = ["total 6", "[10] [2, 4, 6] <Task 'load' of a cell: () → data>"]


def run(*command: object, cwd: Path) -> str:
    done = subprocess.run(
        [sys.executable, *map(str, command)],
        cwd=cwd,
        env={**os.environ, "IPYTHONDIR": str(cwd / "ipython"), "PYTHONWARNINGS": "default"},
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_terminal_ipython_runs_a_file_of_cells(tmp_path: Path) -> None:
    """As `ipython file.ipy` and `%run` do: the magics, in the terminal's own shell."""
    script = tmp_path / "cells.ipy"
    calls = [f"get_ipython().run_cell({source!r})" for source in CELLS]
    script.write_text("\n".join(["%load_ext nbflow", *calls]))

    printed = run("-m", "IPython", "--no-banner", "--colors=NoColor", script, cwd=tmp_path)

    assert [line for line in printed.splitlines() if line in PRINTED] == PRINTED
    assert printed.count("loading") == printed.count("adding up") == 1


def test_ipython_runs_one_cell_of_its_command_line(tmp_path: Path) -> None:
    code = "get_ipython().run_cell('%load_ext nbflow')\nget_ipython().run_cell('%%task\\nx = 6 * 7\\nprint(x)')"

    assert "42" in run("-m", "IPython", "--colors=NoColor", "-c", code, cwd=tmp_path)


def test_nbconvert_executes_the_notebook(tmp_path: Path) -> None:
    """`jupyter nbconvert --execute` knows nothing of nbflow; each output is under its cell."""
    source = make_notebook(tmp_path / "source.ipynb", cells(*CELLS), load=True)
    options = ["--to", "notebook", "--execute", "--output", "out.ipynb"]

    run("-m", "nbconvert", *options, source, cwd=tmp_path)

    nodes = nbformat.read(tmp_path / "out.ipynb", as_version=4).cells[1:]
    assert _printed(nodes[0].outputs).startswith("loading")
    assert "adding up" in _all_text(nodes[1].outputs)
    assert [_printed(nodes[n].outputs).strip() for n in (2, 4)] == PRINTED


class Client:
    """Asks a kernel as VS Code does: standard input allowed, cell ids, no comm of a Lab."""

    def __init__(self, client: Any) -> None:
        self._client = client
        self._shown: dict[str, list[Any]] = {}

    def execute(self, source: str, cell: int) -> tuple[dict[str, Any], list[Any]]:
        """Run a cell; returns the reply and what is shown under it, now or later."""
        content = {
            "code": source,
            "silent": False,
            "store_history": True,
            "user_expressions": {},
            "allow_stdin": True,
            "stop_on_error": False,
        }
        message = self._client.session.msg("execute_request", content)
        message["metadata"] = {"cellId": f"vscode-notebook-cell:/n.ipynb#W{cell}sZmlsZQ=="}
        self._client.shell_channel.send(message)
        reply = self._client.get_shell_msg(timeout=60)
        while reply["parent_header"].get("msg_id") != message["header"]["msg_id"]:
            reply = self._client.get_shell_msg(timeout=60)
        self._listen(until_idle=message["header"]["msg_id"])
        return reply["content"], self._under(message["header"]["msg_id"])

    def _listen(self, until_idle: str) -> None:
        """Sort what arrives by the cells it belongs to; those in the background may be slow."""
        while True:
            message = self._client.get_iopub_msg(timeout=60)
            cell = message["parent_header"].get("msg_id", "")
            if message["msg_type"] == "status":
                if cell == until_idle and message["content"]["execution_state"] == "idle":
                    return
            elif message["msg_type"] in {"stream", "display_data", "update_display_data", "execute_result", "error"}:  # fmt: skip
                self._under(cell).append({"output_type": message["msg_type"], **message["content"]})

    def _under(self, cell: str) -> list[Any]:
        return self._shown.setdefault(cell, [])

    def asks_for_input(self) -> bool:
        """Whether the kernel waits for somebody to type."""
        try:
            self._client.get_stdin_msg(timeout=0.1)
        except Empty:
            return False
        return True


@pytest.fixture
def client(tmp_path: Path) -> Iterator[Client]:
    manager, blocking = start_new_kernel(kernel_name="python3", cwd=str(tmp_path))
    try:
        yield Client(blocking)
    finally:
        blocking.stop_channels()
        manager.shutdown_kernel(now=True)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_client_that_is_no_lab_runs_the_cells(client: Client) -> None:
    """With the ids and the standard input of VS Code."""
    replies, shown = zip(
        *(client.execute(source, n) for n, source in enumerate(["%load_ext nbflow", *CELLS])),
        strict=True,
    )

    assert [reply["status"] for reply in replies] == ["ok"] * 6, shown
    assert [_printed(shown[n]).strip() for n in (3, 5)] == PRINTED
    assert [_all_text(part).count("adding up") for part in shown] == [0, 0, 1, 0, 0, 0]
    assert not client.asks_for_input()


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_what_a_background_cell_prints_while_another_runs_is_its_own(client: Client) -> None:
    """It prints when a later cell says so, and certainly after its own has replied."""
    wait = "while not Path('go').exists():\n    time.sleep(0.01)"
    client.execute("%load_ext nbflow\nimport time\nfrom pathlib import Path", 0)

    _, background = client.execute(f"%%task --submit\n{wait}\nprint('adding up')\ntotal = 6", 1)
    assert "adding up" not in _all_text(background)
    client.execute("_ = Path('go').touch()", 2)
    _, reader = client.execute("print('total', total)", 3)

    assert _printed(reader) == "total 6\n"
    assert _all_text(background).count("adding up\n") == 1


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_such_a_client_sees_the_users_error_and_keeps_its_names(client: Client) -> None:
    client.execute("%load_ext nbflow\nx = 1", 0)

    reply, shown = client.execute("%%task\nx = 2\n1 / 0", 1)

    assert (reply["status"], reply["ename"]) == ("error", "ZeroDivisionError")
    assert "1 / 0" in mask("\n".join(reply["traceback"]))
    assert [output["output_type"] for output in shown].count("error") == 1
    assert _printed(client.execute("print(x)", 2)[1]) == "1\n"


def _printed(outputs: Any) -> str:
    return "".join(
        o["text"] for o in outputs if o["output_type"] == "stream" and o["name"] == "stdout"
    )


def _all_text(outputs: Any) -> str:
    shown = [o.get("data", {}).get("text/plain", "") for o in outputs]
    return _printed(outputs) + "\n".join(shown)
