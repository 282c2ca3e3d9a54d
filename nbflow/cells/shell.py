"""The IPython shell of this process, as task cells see it.

This module decides how a cell's text is read, and where what it shows goes: at once, later
from another thread, or again when it is restored. It is the one place here that knows
IPython and its kernel. It must not know tasks.
"""

from __future__ import annotations

import contextlib
import functools
import re
import sys
import threading
import tokenize
from collections.abc import Callable, Collection, Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Final

from nbflow.cells.body import CellBody, Transform
from nbflow.cells.recording import Recording, heard
from nbflow.cells.records import Output
from nbflow.hashing.syntax import patiently

_OURS: Final = str(Path(__file__).resolve().parents[1])
_traceback_lock: Final = threading.Lock()
_FIRST_WORD: Final = re.compile(r"\s*([^\W\d]\w*)")
_MAGIC_CALL: Final = re.compile(r"""run_(line|cell)_magic\(['"](\w+)['"]""")


class Shell:
    """An `InteractiveShell`, terminal or kernel."""

    def __init__(self, ip: Any) -> None:
        self.ip = ip
        _parse_patiently(ip.compile)
        #: The text of the running cell, as it was sent.
        self.raw_cell = ""
        #: AST transformers that are nbflow's own, and not for code inside of task cells.
        self.own_transformers: list[object] = []

    @property
    def namespace(self) -> dict[str, Any]:
        """The notebook's names."""
        names: dict[str, Any] = self.ip.user_ns
        return names

    @property
    def count(self) -> int:
        """The number of the running cell, as in `In[3]`."""
        result = getattr(self.ip.displayhook, "exec_result", None)
        number = getattr(result, "execution_count", None)
        return int(number if number is not None else self.ip.execution_count)

    @property
    def listens_on(self) -> bool:
        """Whether the client takes output for a cell that has replied already.

        nbclient, papermill and nbconvert do not; they are also those nobody can be asked in.
        """
        parent = self.ip.get_parent() if hasattr(self.ip, "get_parent") else {}
        return bool(parent.get("content", {}).get("allow_stdin", True))

    @property
    def earlier_cells(self) -> list[tuple[str, bool]]:
        """The cells run before this one, each with whether it failed."""
        manager = self.ip.history_manager
        failed = getattr(manager, "exceptions", {})
        cells = list(enumerate(manager.input_hist_raw))[1:]
        if cells and cells[-1][1] == self.raw_cell:
            cells.pop()
        return [(text, number in failed) for number, text in cells if text.strip()]

    # ── reading ──────────────────────────────────────────────────────────────────────────

    def body(self, text: str, *, added_lines: int = 0, coming: Collection[str] = ()) -> CellBody:
        """The body of the running cell, given the text below its magic.

        `added_lines` stand above the cell as it was sent, but not in the notebook. The names in
        `coming` will be variables when the body runs.
        """
        cell, header = self._place(text, added_lines)
        lead = len(text) - len(text.lstrip("\n"))
        return CellBody(
            cell=cell,
            text=text,
            python=self._as_python(text, coming),
            header=header + lead,  # IPython drops the empty lines above the code
            filename=self.ip.compile.cache(cell, self.count, raw_code=cell),
            flags=self.ip.compile.flags,
            shows_last=not _ends_silently(text) and self.ip.ast_node_interactivity != "none",
            shows_assignment=self.ip.ast_node_interactivity == "last_expr_or_assign",
        )

    def _as_python(self, text: str, coming: Collection[str]) -> str:
        word = _FIRST_WORD.match(text)
        if word is not None and word[1] in coming:
            # `ls[0] = 1` is no magic, though IPython cannot know of the variable yet.
            return str(self.ip.input_transformer_manager.transform_cell(text))
        return str(self.ip.transform_cell(text))

    def _place(self, text: str, added_lines: int) -> tuple[str, int]:
        """The cell as the notebook has it, and the lines above the body."""
        text = text.rstrip("\n")  # IPython ends it with a line break that the cell may lack
        start = self.raw_cell.find(text) if text else -1
        if start < 0:  # indented, or made by another magic
            return f"%%task\n{text}", 1
        cell = "\n".join(self.raw_cell.split("\n")[added_lines:])
        return cell, max(0, self.raw_cell.count("\n", 0, start) - added_lines)

    def load_magics(self, python: str) -> None:
        """Load the magics that the code calls: IPython's way to do so is not for threads."""
        for kind, name in _MAGIC_CALL.findall(python):
            find = self.ip.find_cell_magic if kind == "cell" else self.ip.find_line_magic
            find(name)

    @property
    def transform(self) -> Transform | None:
        """What the user has hooked into IPython's reading of cells; None when that is nothing."""
        found = [t for t in self.ip.ast_transformers if t not in self.own_transformers]
        if not found:
            return None
        return lambda tree: functools.reduce(lambda part, each: each.visit(part), found, tree)

    # ── showing ──────────────────────────────────────────────────────────────────────────

    def show(self, value: Any) -> None:
        """Display the value of a last expression, as the running cell does."""
        del self  # during a cell, IPython's hook is Python's
        sys.displayhook(value)

    def show_later(self) -> Callable[[Any], None]:
        """A way to display a value for the running cell when other cells run already."""
        number = self.count

        def show(value: Any) -> None:
            if value is None:
                return
            self.flush()
            data, metadata = self.ip.display_formatter.format(value)
            if data:
                self._remember_result(number, value)
                self._send_result(number, data, metadata)

        return show

    def _remember_result(self, number: int, value: Any) -> None:
        """Make a value `Out[number]`, and `_` where no later cell has shown one."""
        names, hook = self.namespace, self.ip.displayhook
        results = names.setdefault("_oh", {})
        results[number] = names[f"_{number}"] = value
        latest = [results[each] for each in sorted(results)[-3:]][::-1]
        for under, result in zip(("_", "__", "___"), latest, strict=False):
            # What the user has assigned to these stays, as IPython has it.
            if names.get(under) is getattr(hook, under):
                names[under] = result
            setattr(hook, under, result)

    def _send_result(
        self, number: int, data: Mapping[str, Any], metadata: Mapping[str, Any]
    ) -> None:
        content = {"execution_count": number, "data": data, "metadata": metadata}
        if not self._send("execute_result", content):
            sys.stdout.write(f"Out[{number}]: {data.get('text/plain', '')}\n")

    def _send(self, kind: str, content: dict[str, Any]) -> bool:
        """Send a message for the cell that this context belongs to; False in a terminal."""
        hook = self.ip.displayhook
        session, socket = getattr(hook, "session", None), getattr(hook, "pub_socket", None)
        if session is None or socket is None:
            return False
        from ipykernel import jsonutil  # noqa: PLC0415 - kernels only

        plain: Any = jsonutil
        if "data" in content:
            content["data"] = plain.encode_images(content["data"])
        content = plain.json_clean(content)
        message = session.msg(kind, content, parent=hook.parent_header)
        for record in _recorders.get(threading.get_ident(), ()):
            if record(message) is None:
                return True
        session.send(socket, message, ident=kind.encode())
        return True

    def show_error(self, error: BaseException) -> None:
        """Show a failure under the cell that this context belongs to."""
        self.flush()
        content = self.describe(error)
        if not self._send("error", content):
            sys.stdout.write("\n".join((*content["traceback"], "")))

    def describe(self, error: BaseException) -> dict[str, Any]:
        """An exception as a kernel's messages speak of it."""
        lines = self.traceback_of(error)
        return {"ename": type(error).__name__, "evalue": str(error), "traceback": lines}

    def traceback_of(self, error: BaseException) -> list[str]:
        """The lines IPython would print for an exception."""
        with _traceback_lock:  # its formatter keeps what it formats
            formatter = self.ip.InteractiveTB
            render = getattr(error, "_render_traceback_", None)
            if render is not None:
                return list(render())
            kept = getattr(formatter, "tb", None)
            try:
                story = (type(error), error, error.__traceback__)
                lines = patiently(lambda: formatter.structured_traceback(*story, tb_offset=0))
            finally:
                formatter.tb = kept  # %debug is for what failed in the foreground
            return list(lines)

    def begin_traceback(self, error: BaseException, filename: str) -> None:
        """Let IPython show the error's traceback from the first frame of the file on.

        `%debug` then finds itself in the user's code, too.
        """
        trace = _users_part(error.__traceback__, filename)
        if trace is None and error.__context__ is not None:  # a time limit's: where it struck
            trace = _users_part(error.__context__.__traceback__, filename)
        if trace is None or hasattr(error, "_render_traceback_"):
            return

        def render() -> list[str]:
            formatter = self.ip.InteractiveTB
            lines = formatter.structured_traceback(type(error), error, trace, tb_offset=0)
            return list(lines)

        with contextlib.suppress(AttributeError, TypeError):  # some errors take no attributes
            error._render_traceback_ = render  # type: ignore[attr-defined] # IPython's hook

    def flush(self) -> None:
        """Send what was printed so far."""
        del self
        sys.stdout.flush()
        sys.stderr.flush()

    def show_figures(self) -> None:
        """Show the figures that IPython would show at the end of the cell."""
        del self
        inline = sys.modules.get("matplotlib_inline.backend_inline")
        pyplot = sys.modules.get("matplotlib.pyplot")
        if inline is None or pyplot is None:
            return
        if "inline" in str(pyplot.get_backend()):
            # The end of any other cell takes this mark away, whosever figures it was for.
            inline.show._draw_called |= bool(pyplot.get_fignums())  # noqa: SLF001 - its own mark
            inline.flush_figures()

    # ── recording and showing again ──────────────────────────────────────────────────────

    @contextlib.contextmanager
    def recording(self, *, withhold: bool = False) -> Iterator[list[Output]]:
        """Note what this thread shows inside the block, in the notebook's format.

        With `withhold` it is noted only, and not shown.
        """
        record = Recording(withhold=withhold)
        hooked = [e for e in (self.ip.display_pub, self.ip.displayhook) if _takes_hooks(e)]
        thread = threading.get_ident()
        _recorders.setdefault(thread, []).append(record)
        for each in hooked:
            each.register_hook(record)
        try:
            with heard(record):
                yield record.outputs
                self.flush()
        finally:
            for each in hooked:
                each.unregister_hook(record)
            _recorders[thread].remove(record)

    def replay_later(self) -> Callable[[list[Output]], None]:
        """A way to show again, for the running cell, when other cells run already."""
        number = self.count
        return lambda outputs: self.replay(outputs, number)

    def replay(self, outputs: list[Output], number: int | None = None) -> None:
        """Show again what was noted, for the running cell or for that of the number."""
        number = self.count if number is None else number
        for output in outputs:
            match output["output_type"]:
                case "stream":
                    stream = sys.stderr if output["name"] == "stderr" else sys.stdout
                    stream.write(output["text"])
                case "display_data":
                    self.flush()
                    self.ip.display_pub.publish(
                        data=dict(output["data"]), metadata=dict(output["metadata"])
                    )
                case "execute_result":
                    self.flush()
                    self._send_result(number, output["data"], output["metadata"])
        self.flush()


#: What each thread records at the moment, innermost last.
_recorders: dict[int, list[Recording]] = {}


def _parse_patiently(compiler: Any) -> None:
    """Let IPython read a cell again when another thread has confused Python's parser.

    Up to Python 3.12 it may give up by mistake when two threads parse at once.
    """
    read = compiler.ast_parse
    if getattr(read, "patient", False):
        return

    def ast_parse(*args: Any, **kwargs: Any) -> Any:
        return patiently(lambda: read(*args, **kwargs))

    ast_parse.patient = True  # type: ignore[attr-defined] # our own mark
    compiler.ast_parse = ast_parse


def _users_part(trace: TracebackType | None, filename: str) -> TracebackType | None:
    """The frames from the first of the file on, without nbflow's own among and below them."""
    while trace is not None and trace.tb_frame.f_code.co_filename != filename:
        trace = trace.tb_next
    places = []
    while trace is not None:
        if not trace.tb_frame.f_code.co_filename.startswith(_OURS):
            places.append(trace)
        trace = trace.tb_next
    part: TracebackType | None = None
    for place in reversed(places):
        part = TracebackType(part, place.tb_frame, place.tb_lasti, place.tb_lineno)
    return part


def _takes_hooks(sink: object) -> bool:
    """Whether it is a kernel's, which offers messages to hooks of the thread."""
    return hasattr(sink, "register_hook")


def _ends_silently(text: str) -> bool:
    """Whether the last expression ends with a semicolon."""
    from IPython.core.displayhook import DisplayHook  # noqa: PLC0415 - with a shell it is loaded

    hook: Any = DisplayHook
    try:
        return bool(hook.semicolon_at_end_of_expression(text))
    except (tokenize.TokenError, IndentationError):  # the compiler will tell it better
        return False
