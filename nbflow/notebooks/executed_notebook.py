"""The executed notebook: what cells printed and how they ended, while and after they run.

This module decides what the notebook says of a run, and when it is saved. It must not know
kernels, nor why a cell or the run ended as it did.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nbformat import NotebookNode

from nbflow.exceptions import OutputPathError
from nbflow.notebooks.document import is_remote
from nbflow.notebooks.events import CellOutcome
from nbflow.notebooks.protocol import CellError
from nbflow.notebooks.record import (
    forget_earlier_run,
    mark_error,
    ours,
    stamp_outcome,
    stamp_papermill,
)
from nbflow.notebooks.save import writer_for

if TYPE_CHECKING:  # it loads nbclient, for which the kernel's start is the time
    from nbflow.notebooks.outputs import OutputRecorder


class ExecutedNotebook:
    """A notebook that is filled while it runs; `output` is where it is saved, None: nowhere."""

    def __init__(
        self,
        nb: NotebookNode,
        output: str | None,
        recorder: OutputRecorder,
        manager: Any,
        *,
        saved: Callable[[str], None],
        unsaved: Callable[[str], None],
    ) -> None:
        """`manager` is papermill's; `saved` and `unsaved` are told of a save, or why not."""
        self._nb = nb
        self._output = output
        self._recorder = recorder
        self._manager = manager
        self._saved = saved
        self._unsaved = unsaved
        self._writer = writer_for(nb, output)
        self._has_complained = False

    # ── before the first cell ────────────────────────────────────────────────────────────
    def clear(self) -> None:
        """Forget an earlier run."""
        self._manager.notebook_start()
        forget_earlier_run(self._nb)

    def start(self, kernel_name: str) -> None:
        """Write it for the first time; raises `OutputPathError`."""
        ours(self._nb).update(outcome="running", kernel=kernel_name)
        try:
            self._writer.start()
        except OSError as error:
            raise OutputPathError(
                f"The executed notebook cannot be written to {self._output}: {error}."
            ) from error

    def name_language(self, language_info: dict[str, Any]) -> None:
        """Say what the kernel speaks."""
        self._nb.metadata["language_info"] = language_info

    # ── cells ────────────────────────────────────────────────────────────────────────────
    def keep(self, index: int) -> None:
        """A cell stays as it is."""
        self._writer.changed(index)

    def pass_over(self, index: int) -> None:
        """A cell is text, or is not to run."""
        node = self._nb.cells[index]
        self._manager.cell_start(node, index)
        self._manager.cell_complete(node, cell_index=index)
        self._writer.changed(index)

    def begin_cell(self, index: int) -> None:
        """A cell begins."""
        node = self._nb.cells[index]
        node.metadata["execution"] = NotebookNode()
        self._manager.cell_start(node, index)
        self.say(index, "running")
        self._writer.changed(index)

    def add(self, index: int, message: dict[str, Any]) -> bool:
        """Add a cell's output; True when it says that the cell has gone idle."""
        is_idle = self._recorder.process(message, index)
        self._writer.changed(index)
        for other in self._recorder.touched:
            self._writer.changed(other)
        self._recorder.touched.clear()
        return is_idle

    def add_error(self, index: int, error: CellError) -> None:
        """Show the error of a cell that does not show it yet."""
        self._recorder.add_error(index, error)

    def leave_behind(self, index: int) -> None:
        """A cell goes on, but not as the one that prints whatever is printed."""
        self._recorder.settle_cell(index)
        self._writer.changed(index)

    def end_cell(self, index: int, *, is_good: bool) -> None:
        """A cell has ended."""
        node = self._nb.cells[index]
        self._recorder.settle_cell(index)
        if not is_good:
            self._manager.cell_exception(node, cell_index=index)
        self._manager.cell_complete(node, cell_index=index)
        self._writer.changed(index)

    def say(self, index: int, state: str) -> None:
        """Note in a cell's metadata how it fares."""
        ours(self._nb.cells[index])["state"] = state

    # ── saving ───────────────────────────────────────────────────────────────────────────
    def save_if_due(self) -> None:
        """Save it, if the last time is long ago."""
        if not self._writer.due():
            return
        self._recorder.settle()
        try:
            self._writer.save()
        except OSError as error:
            if not self._has_complained:  # said once; the last save decides
                self._unsaved(f"The executed notebook cannot be saved now: {error}.")
            self._has_complained = True
        else:
            self._tell_saved()

    def _tell_saved(self) -> None:
        if self._output is not None:
            self._saved(self._output)

    # ── the end ──────────────────────────────────────────────────────────────────────────
    def settle(self) -> None:
        """Bring all outputs up to date: nothing comes any more."""
        self._recorder.settle()
        self._recorder.set_widgets_metadata()

    def close_texts(self) -> Iterator[tuple[int, Path]]:
        """The cells that printed more than the notebook keeps, and where all of it is."""
        for index, path in self._recorder.close():
            ours(self._nb.cells[index])["full_text"] = path.name
            yield index, path

    def stamp(
        self, outcome: CellOutcome, error: BaseException | None, ended: datetime, at: int | None
    ) -> None:
        """Say how the run ended; a marker leads to the cell `at` which it failed."""
        self._manager.cleanup_pbar()
        stamp_papermill(self._nb, self._manager.start_time, ended, failed=error is not None)
        stamp_outcome(self._nb, outcome, error)
        if at is not None:
            mark_error(self._nb, at)

    def finish(self) -> OutputPathError | None:
        """Save it for the last time; why it could not be, if so."""
        try:
            self._writer.finish()
        except OSError as error:
            return OutputPathError(
                f"The notebook ran, but {self._output} could not be written: {error}. "
                "Free space, or choose another output folder."
            )
        self._tell_saved()
        return None

    def abandon(self, outcome: CellOutcome, error: BaseException, running: Iterable[int]) -> None:
        """Save what there is, as honestly as possible, and tell nobody."""
        for index in running:
            self.say(index, str(outcome))
        stamp_outcome(self._nb, outcome, error)
        self._recorder.settle()
        self._recorder.close()
        self._manager.cleanup_pbar()
        self._saved = self._unsaved = lambda _: None
        self.finish()


def full_text_path(output: str | None, index: int) -> Path | None:
    """Where all that a cell printed is kept, when it is more than the notebook keeps."""
    if output is None or is_remote(output):
        return None
    path = Path(output)
    return path.with_name(f"{path.stem}.cell-{index}.txt")
