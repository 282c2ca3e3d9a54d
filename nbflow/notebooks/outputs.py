"""What a cell leaves in the notebook: outputs, display updates, widgets, and bounded text.

This module decides how kernel messages become outputs, building on nbclient, and how much
printed text a notebook may hold. It must not know sockets, events or when cells run.
"""

from __future__ import annotations

import logging
import re
from collections import deque
from collections.abc import Callable, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Final, TextIO

from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionComplete
from nbformat import NotebookNode
from nbformat.v4 import new_output

from nbflow.notebooks.protocol import CellError

#: Most outputs of one cell that the notebook keeps, streams counted as one each.
OUTPUTS_LIMIT: Final = 10_000
#: How much of the text's end is shown when its middle is left out.
_TAIL_SHARE: Final = 4
_OVERWRITTEN: Final = re.compile(r"[^\n]*\r(?=[^\n\r])")
_log: Final = logging.getLogger(__name__)
_log.addHandler(logging.NullHandler())  # nbclient's remarks on comms are not for the terminal


def collapse(text: str) -> str:
    """The text as a terminal shows it: what a carriage return overwrites is gone."""
    if "\r" not in text:
        return text
    return _OVERWRITTEN.sub("", text.replace("\r\n", "\n"))


class FullText:
    """The file beside the executed notebook that gets a cell's whole text once it overflows."""

    def __init__(self, path: Path | None) -> None:
        self.path = path
        self._file: TextIO | None = None

    @property
    def name(self) -> str:
        """How the notebook speaks of the file."""
        return self.path.name if self.path else "(not kept)"

    def write(self, text: str) -> None:
        """Append text, creating the file."""
        if self.path is None:
            return
        if self._file is None:
            self._file = self.path.open("w", encoding="utf-8", errors="surrogateescape")
        self._file.write(text)

    def close(self) -> None:
        """Flush and close the file."""
        if self._file is not None:
            self._file.close()
            self._file = None


class CellText:
    """The printed text of one cell, within a limit: the beginning, a count, the end."""

    def __init__(self, limit: int, full: FullText) -> None:
        self._full = full
        self._tail_limit = limit // _TAIL_SHARE
        self._head_limit = limit - self._tail_limit
        self._kept = 0
        self._everything: list[str] = []  # until the limit is passed
        self._chunks: list[str] = []
        self._stream: NotebookNode | None = None
        self._tail: deque[str] = deque()
        self._tail_size = 0
        self._marker: NotebookNode | None = None
        self._last: NotebookNode | None = None
        self.dropped = 0

    @property
    def overflowing(self) -> bool:
        """Whether the limit is passed."""
        return self._marker is not None

    def append(self, outputs: list[NotebookNode], name: str, text: str) -> None:
        """Add text that the cell wrote to a stream."""
        if self.overflowing:
            self._append_tail(text)
            return
        self._everything.append(text)
        if self._stream is None or self._stream["name"] != name or outputs[-1] is not self._stream:
            self.settle()
            self._stream = new_output("stream", name=name, text="")
            outputs.append(self._stream)
        self._chunks.append(text)
        self._kept += len(text)
        if "\r" in text:
            self._collapse()
        if self._kept > self._head_limit + self._tail_limit:
            self._overflow(outputs, name)

    def settle(self) -> None:
        """Bring the outputs up to date with the text collected so far."""
        if self._stream is not None and self._chunks:
            self._stream["text"] += "".join(self._chunks)
            self._chunks.clear()
            self._stream["text"] = collapse(self._stream["text"])
        if self._marker is not None and self._last is not None:
            self._marker["text"] = self._marker_text()
            self._last["text"] = collapse("".join(self._tail))

    def restart(self) -> None:
        """Forget the outputs, which the cell cleared; the full text goes on."""
        self._stream = self._marker = self._last = None
        self._chunks.clear()
        self._tail.clear()
        self._tail_size = self._kept = self.dropped = 0
        self._everything.clear()

    def _collapse(self) -> None:
        if self._stream is not None:  # a line that was settled may be overwritten as well
            settled, end, last = self._stream["text"].rpartition("\n")
            self._stream["text"] = settled + end
            self._chunks.insert(0, last)
        before = sum(map(len, self._chunks))
        self._chunks[:] = [collapse("".join(self._chunks))]
        self._kept -= before - len(self._chunks[0])

    def _overflow(self, outputs: list[NotebookNode], name: str) -> None:
        for chunk in self._everything:
            self._full.write(chunk)
        self._everything.clear()
        self.settle()
        assert self._stream is not None
        text = self._stream["text"]
        keep = max(0, len(text) - (self._kept - self._head_limit))
        self._stream["text"] = text[:keep]
        self._marker = new_output("stream", name="stderr", text="")
        self._last = new_output("stream", name=name, text="")
        outputs.extend((self._marker, self._last))
        self._keep_tail(text[keep:])

    def _append_tail(self, text: str) -> None:
        self._full.write(text)
        self._keep_tail(text)

    def _keep_tail(self, text: str) -> None:
        self._tail.append(text)
        self._tail_size += len(text)
        while self._tail_size > self._tail_limit:
            excess = self._tail_size - self._tail_limit
            first = self._tail.popleft()
            if len(first) > excess:
                self._tail.appendleft(first[excess:])
            cut = min(excess, len(first))
            self._tail_size -= cut
            self.dropped += cut

    def _marker_text(self) -> str:
        left_out = f"nbflow left out {self.dropped:,} characters here; " if self.dropped else ""
        return f"\n[{left_out}the cell's whole text is in {self._full.name}]\n"


class OutputRecorder(NotebookClient):
    """nbclient's treatment of outputs, fed message by message instead of by polling."""

    def __init__(
        self,
        nb: NotebookNode,
        *,
        send: Callable[[Mapping[str, Any]], None],
        session: Any,
        text_limit: int,
        full_text: Callable[[int], Path | None],
    ) -> None:
        super().__init__(nb, log=_log)
        # All that nbclient's Output widget asks of a kernel client.
        client: Any = SimpleNamespace(session=session, shell_channel=SimpleNamespace(send=send))
        self.kc = client
        self._text_limit = text_limit
        self._full_text = full_text
        self._texts: dict[int, CellText] = {}
        self._files: dict[int, FullText] = {}
        self._counts: dict[int, int] = {}
        self._clear_next: set[int] = set()
        self._touched: set[int] = set()
        self.clear_before_next_output = False  # nbclient sets it as each cell begins

    def process(self, message: dict[str, Any], index: int) -> bool:
        """Record one message of a cell; True when it says that the cell has gone idle."""
        cell = self.nb.cells[index]
        if message["msg_type"] == "stream" and not self._hooked(message):
            self._print(cell, index, message["content"])
            return False
        cell.metadata.setdefault("execution", NotebookNode())
        try:
            self.process_message(message, cell, index)
        except CellExecutionComplete:
            return True
        return False

    def settle(self) -> None:
        """Bring all outputs up to date, before they are saved."""
        for text in self._texts.values():
            text.settle()

    def settle_cell(self, index: int) -> None:
        """Bring one cell's outputs up to date."""
        if index in self._texts:
            self._texts[index].settle()

    def add_error(self, index: int, error: CellError) -> None:
        """Show the error of a cell that does not show it yet."""
        outputs = self.nb.cells[index].outputs
        if any(output["output_type"] == "error" for output in outputs):
            return
        self.settle_cell(index)
        lines = list(error.traceback) or [f"{error.ename}: {error.evalue}"]
        outputs.append(new_output("error", ename=error.ename, evalue=error.evalue, traceback=lines))

    def close(self) -> tuple[tuple[int, Path], ...]:
        """Close the full texts, and say which cells have one."""
        for file in self._files.values():
            file.close()
        return tuple(
            (index, file.path)
            for index, file in sorted(self._files.items())
            if file.path is not None and file.path.exists()
        )

    # ── nbclient's points of extension ───────────────────────────────────────────────────
    def output(
        self, outs: list[NotebookNode], msg: dict[str, Any], display_id: str | None, cell_index: int
    ) -> NotebookNode | None:
        """Add a display, result or error, unless the cell has too many already."""
        if not self._hooked(msg) and self._full(outs, msg, cell_index):
            return None
        self._apply_delayed_clear(outs, cell_index)
        self.settle_cell(cell_index)
        return super().output(outs, msg, display_id, cell_index)

    def clear_output(self, outs: list[NotebookNode], msg: dict[str, Any], cell_index: int) -> None:
        """Clear a cell's outputs, now or when the next one comes."""
        if self._hooked(msg):
            super().clear_output(outs, msg, cell_index)
        elif msg["content"].get("wait"):
            self._clear_next.add(cell_index)
        else:
            self._clear(outs, cell_index)

    def _update_display_id(self, display_id: str, msg: dict[str, Any]) -> None:
        super()._update_display_id(display_id, msg)
        self.touched.update(self._display_id_map.get(display_id, ()))

    # ── own ──────────────────────────────────────────────────────────────────────────────
    @property
    def touched(self) -> set[int]:
        """Other cells whose displays were updated; the reader empties it."""
        return self._touched

    def _hooked(self, message: Mapping[str, Any]) -> bool:
        return bool(self.output_hook_stack.get(message["parent_header"].get("msg_id")))

    def _print(self, cell: NotebookNode, index: int, content: Mapping[str, Any]) -> None:
        self._apply_delayed_clear(cell.outputs, index)
        self._text(index).append(cell.outputs, content["name"], content["text"])

    def _text(self, index: int) -> CellText:
        if index not in self._texts:
            self._texts[index] = CellText(self._text_limit, self._file(index))
        return self._texts[index]

    def _file(self, index: int) -> FullText:
        return self._files.setdefault(index, FullText(self._full_text(index)))

    def _apply_delayed_clear(self, outs: list[NotebookNode], index: int) -> None:
        if index in self._clear_next:
            self._clear_next.discard(index)
            self._clear(outs, index)

    def _clear(self, outs: list[NotebookNode], index: int) -> None:
        outs[:] = []
        self.clear_display_id_mapping(index)
        self._counts.pop(index, None)
        if index in self._texts:
            self._texts[index].restart()

    def _full(self, outs: list[NotebookNode], msg: Mapping[str, Any], index: int) -> bool:
        if msg["msg_type"] == "error":  # the one output that must not be missed
            return False
        count = self._counts[index] = self._counts.get(index, 0) + 1
        if count <= OUTPUTS_LIMIT:
            return False
        plain = msg["content"].get("data", {}).get("text/plain", "")
        self._file(index).write(f"{plain}\n")
        note = (
            f"[nbflow left out {count - OUTPUTS_LIMIT:,} more displays; "
            f"their text is in {self._file(index).name}]\n"
        )
        if count == OUTPUTS_LIMIT + 1:
            self.settle_cell(index)
            outs.append(new_output("stream", name="stderr", text=note))
            self._count_note = outs[-1]
        else:
            self._count_note["text"] = note
        return True


class PrintBatcher:
    """Collects what cells print, so that a million lines are not a million events."""

    INTERVAL: Final = 0.05
    #: A line longer than this is cut in events; the notebook and the file have all of it.
    LONGEST_LINE: Final = 100_000

    def __init__(self, tell: Callable[[int, str, str], None], clock: Callable[[], float]) -> None:
        self._tell = tell
        self._clock = clock
        self._pending: dict[tuple[int, str], list[str]] = {}
        self._due = 0.0

    def add(self, index: int, stream: str, text: str) -> None:
        """Take text that a cell wrote."""
        if not self._pending:
            self._due = self._clock() + self.INTERVAL
        self._pending.setdefault((index, stream), []).append(text)

    def tick(self) -> None:
        """Tell whole lines, when it is time."""
        if self._pending and self._clock() >= self._due:
            self._flush(self._pending, everything=False)

    def end(self, index: int | None = None) -> None:
        """Tell all that is left of one cell, or of all."""
        keys = [key for key in self._pending if index is None or key[0] == index]
        self._flush({key: self._pending[key] for key in keys}, everything=True)

    def _flush(self, batches: Mapping[tuple[int, str], list[str]], *, everything: bool) -> None:
        self._due = self._clock() + self.INTERVAL
        for key, chunks in list(batches.items()):
            text = "".join(chunks)
            whole = len(text) if everything else 1 + max(text.rfind("\n"), text.rfind("\r"))
            if not whole and len(text) > self.LONGEST_LINE:
                whole = len(text)
            del self._pending[key]
            if whole < len(text):
                self._pending[key] = [text[whole:]]
            if shown := self._shown(text[:whole]):
                self._tell(*key, shown)

    def _shown(self, text: str) -> str:
        text = collapse(text)
        if len(text) <= self.LONGEST_LINE:
            return text
        return "".join(map(self._cut, text.splitlines(keepends=True)))

    def _cut(self, line: str) -> str:
        excess = len(line) - self.LONGEST_LINE
        if excess <= 0:
            return line
        return f"{line[: self.LONGEST_LINE]}… ({excess:,} more characters)\n"
