"""`nbflow graph` on every notebook: an answer in words or a picture, never a traceback, no hang.

Each notebook is drawn in a process of its own, forked from one that has imported nbflow, so that
a hang or a crash of the layout costs one notebook. This module judges; it knows no archive.
"""

from __future__ import annotations

import ast
import contextlib
import io
import multiprocessing
import tempfile
import time
import warnings
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from IPython.core.inputtransformer2 import TransformerManager

from nbflow.cli.main import main
from nbflow.dataflow import analyse_cell
from nbflow.exceptions import NbflowError
from nbflow.notebooks.document import code_cells, read_notebook

#: Seconds a drawing may take: a reader waits no longer.
PATIENCE: Final = 60.0
#: What `nbflow` answers when it draws, and when the notebook cannot be read.
ANSWERS: Final = frozenset({0, 1, 2})


@dataclass(slots=True)
class Drawn:
    """What became of one notebook."""

    path: Path
    seconds: float = 0.0
    codes: tuple[int, ...] = ()
    complaint: str = ""
    #: Cells that IPython takes for Python and nbflow does not, and the reverse.
    misjudged: list[str] = field(default_factory=list)
    opaque: int = 0
    cells: int = 0

    @property
    def broken(self) -> bool:
        """Whether a reader would call it a defect."""
        bad = not self.codes or any(code not in ANSWERS for code in self.codes)
        return bad or "Traceback" in self.complaint or bool(self.misjudged)


def draw_all(paths: Iterable[Path], patience: float = PATIENCE) -> Iterator[Drawn]:
    """Draw each notebook, as characters and as a picture."""
    context = multiprocessing.get_context("fork")
    for path in paths:
        receiver, sender = context.Pipe(duplex=False)
        process = context.Process(target=_draw_and_send, args=(path, sender))
        process.start()
        sender.close()
        drawn = Drawn(path, complaint="hangs")
        if receiver.poll(patience):
            try:
                drawn = receiver.recv()
            except EOFError:
                drawn.complaint = "the process died"
        process.kill()
        process.join()
        yield drawn


def _draw_and_send(path: Path, sender: multiprocessing.connection.Connection) -> None:
    sender.send(draw(path))


def draw(path: Path) -> Drawn:
    """Draw one notebook twice, and compare what is taken for Python."""
    drawn = Drawn(path)
    begun = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        picture = str(Path(folder, "graph.svg"))
        for arguments in (["--text"], ["-o", picture], ["-o", picture, "--radial"]):
            code, words = _call(["graph", str(path), *arguments])
            drawn.codes += (code,)
            drawn.complaint = drawn.complaint or words
    drawn.seconds = time.monotonic() - begun
    _judge_cells(drawn)
    return drawn


def _call(arguments: list[str]) -> tuple[int, str]:
    words = io.StringIO()
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(words):
        code = main(arguments)
    return code, words.getvalue().strip()


def _judge_cells(drawn: Drawn) -> None:
    try:
        document = read_notebook(drawn.path)
    except NbflowError:
        return
    python = _language(document.metadata) in {None, "python", "ipython"}
    for cell in code_cells(document):
        drawn.cells += 1
        ours = analyse_cell(cell.source)
        drawn.opaque += ours.opaque
        if not python or "%%" in cell.source:
            continue
        if ours.opaque == _ipython_accepts(cell.source):
            what = "opaque here, Python for IPython" if ours.opaque else "Python here only"
            drawn.misjudged.append(f"cell {cell.index}, {what} ({ours.parse_error})")


def _language(metadata: Mapping[str, Any]) -> str | None:
    """The notebook's language; published ones hold anything in their metadata."""
    found = (metadata.get("kernelspec"), metadata.get("language_info"))
    kernel, language = (part if isinstance(part, Mapping) else {} for part in found)
    return kernel.get("language") or language.get("name")


def _ipython_accepts(source: str) -> bool:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            code = TransformerManager().transform_cell(source)
            compile(code, "cell", "exec", ast.PyCF_ONLY_AST | ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
    except (SyntaxError, ValueError):
        return False
    return True
