"""Read notebooks, name their cells, and put a run's parameters into them.

This module decides what a notebook file must be to be run, what each code cell is called,
and where injected parameters go (papermill's convention, kept exactly). It must not know
kernels, nor how a run is recorded.
"""

from __future__ import annotations

import difflib
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import nbformat
from nbformat import NotebookNode

from nbflow.exceptions import NotebookError
from nbflow.notebooks.cell_names import heading_of, kind_of, name_of, unique
from nbflow.notebooks.events import CellInfo
from nbflow.parameters import preview
from nbflow.paths import expanded

PARAMETERS_TAG: Final = "parameters"
INJECTED_TAG: Final = "injected-parameters"
ERROR_MARKER_TAG: Final = "papermill-error-cell-tag"
_FORMAT: Final = 4
_MINOR_WITH_IDS: Final = 5
_REMAKE: Final = "Make the notebook anew with the program that wrote it."
#: Metadata of notebooks and cells that holds dictionaries; published notebooks hold anything.
_DICTIONARIES: Final = frozenset(
    {"kernelspec", "language_info", "papermill", "nbflow", "execution", "jupyter"}
)


# ── reading ──────────────────────────────────────────────────────────────────────────────


def read_notebook(source: str | Path) -> NotebookNode:
    """Read a notebook from a path, `-` (stdin), or any address papermill can read.

    The result is always of format 4.5 with a cell id everywhere; ids that the file lacks
    are derived from place and content, so that two readings agree. Raises `NotebookError`
    when there is no such file or it is not a notebook.
    """
    data = _parse(_read_text(str(source)), str(source))
    major = data.get("nbformat")
    if not isinstance(major, int) or not _has_cells(data, major):
        raise NotebookError(
            f"{source} is JSON, but not a notebook: it has no `nbformat` and cells. "
            "Pass a file that Jupyter opens as a notebook."
        )
    if major > _FORMAT:
        raise NotebookError(
            f"{source} has notebook format {major}; nbflow reads up to {_FORMAT}. "
            "Upgrade nbflow, or save the notebook in an older format."
        )
    if major < _FORMAT:
        data = _upgrade(data, source)
    return _normalised(data, str(source))


def is_remote(source: str) -> bool:
    """Whether a notebook's address is not a path of this machine."""
    return "://" in source or source == "-"


def _read_text(source: str) -> str:
    if is_remote(source):
        return _read_remote(source)
    path = expanded(source)
    if "\0" in source:
        raise NotebookError(f"{source!r} cannot be the name of a file. Correct it.")
    try:
        return path.read_text(encoding="utf-8-sig")  # some editors begin with a mark
    except FileNotFoundError:
        raise NotebookError(_missing(path)) from None
    except IsADirectoryError:
        raise NotebookError(_folder(path)) from None
    except UnicodeDecodeError as error:
        raise NotebookError(
            f"{source} is not text ({error.reason}), so it is not a notebook. "
            "Pass a file that Jupyter opens as one."
        ) from error
    except OSError as error:
        raise NotebookError(
            f"{source} cannot be read: {error.strerror or error}. Check its permissions."
        ) from error


def _read_remote(source: str) -> str:
    from papermill.iorw import papermill_io  # noqa: PLC0415 - slow, and only for such addresses

    try:
        return str(papermill_io.read(source))
    except Exception as error:  # handlers are third parties' and raise what they like
        raise NotebookError(f"{source} cannot be read: {error}.") from error


def _missing(path: Path) -> str:
    here = {p.stem: p.name for p in path.parent.glob("*.ipynb")} if path.parent.is_dir() else {}
    near = difflib.get_close_matches(path.stem, here, n=3)
    if near:
        return f"There is no notebook {path}. Did you mean {' or '.join(here[n] for n in near)}?"
    if here:
        some = ", ".join(sorted(here.values())[:5])
        return f"There is no notebook {path}. The folder has {some}."
    where = "holds no notebooks" if path.parent.is_dir() else "does not exist either"
    return f"There is no notebook {path}. Check the path: the folder {path.parent} {where}."


def _folder(path: Path) -> str:
    inside = sorted(p.name for p in path.glob("*.ipynb"))[:5]
    found = f" It has {', '.join(inside)}." if inside else " It has no notebooks."
    return f"{path} is a folder; name one notebook in it.{found}"


def _parse(text: str, source: str) -> dict[str, Any]:
    try:
        data = json.loads(text)
    except json.JSONDecodeError as error:
        hint = "The file is empty." if not text.strip() else f"{error.msg} in line {error.lineno}."
        raise NotebookError(
            f"{source} is not a notebook: {hint} A notebook is a JSON file that Jupyter wrote."
        ) from None
    except (RecursionError, ValueError) as error:  # nested too deep; a number of 5,000 digits
        raise NotebookError(
            f"{source} is not a notebook: {error}. A notebook is a JSON file that Jupyter wrote."
        ) from None
    _check_characters(text, data, source)
    return data if isinstance(data, dict) else {}


def _check_characters(text: str, data: Any, source: str) -> None:
    """JSON can spell halves of characters, which no kernel and no file takes."""
    if "\\ud" not in text.lower():
        return
    try:
        json.dumps(data, ensure_ascii=False).encode()
    except UnicodeEncodeError as error:
        half = f"\\u{ord(str(error.object)[error.start]):x}"
        raise NotebookError(
            f"{source} holds {half}, half of a character. Remove it from the notebook."
        ) from None


def _has_cells(data: Mapping[str, Any], major: int) -> bool:
    key = "cells" if major >= _FORMAT else "worksheets"
    return isinstance(data.get(key), list)


def _upgrade(data: dict[str, Any], source: str | Path) -> dict[str, Any]:
    try:
        old = nbformat.reader.reads(json.dumps(data))
        upgraded = nbformat.convert(old, _FORMAT)
    except Exception as error:  # the converter meets arbitrary old files
        raise NotebookError(
            f"{source} has the old notebook format {data['nbformat']} and cannot be upgraded: "
            f"{error}. Open and save it in Jupyter."
        ) from error
    for cell in upgraded.cells:
        cell.pop("id", None)  # random ones: ours are stable
    return dict(upgraded)


def _normalised(data: dict[str, Any], source: str) -> NotebookNode:
    taken: set[str] = set()
    for index, cell in enumerate(data["cells"]):
        if not isinstance(cell, dict) or not isinstance(cell.get("cell_type"), str):
            raise NotebookError(f"{source}: cell {index} is not a notebook cell. {_REMAKE}")
        _complete_cell(cell)
        if not _is_text(cell["source"]):
            raise NotebookError(f"{source}: cell {index} has a source that is not text. {_REMAKE}")
        cell["id"] = _free_id(cell, index, taken)
        taken.add(cell["id"])
    minor = data.get("nbformat_minor")
    data["nbformat_minor"] = max(minor if isinstance(minor, int) else 0, _MINOR_WITH_IDS)
    data["metadata"] = _clean_metadata(data.get("metadata"))
    try:
        nb: NotebookNode = nbformat.v4.to_notebook(data)
    except Exception as error:  # the converter meets arbitrary outputs and attachments
        raise NotebookError(
            f"{source} is damaged: it has outputs or attachments that Jupyter would not write "
            f"({error}). Clear its outputs in Jupyter, and save it."
        ) from error
    return nb


def _is_text(value: Any) -> bool:
    """Whether this is what notebooks keep text as: a string, or a list of them."""
    lines = value if isinstance(value, list) else [value]
    return all(isinstance(line, str) for line in lines)


def _clean_metadata(found: Any) -> dict[str, Any]:
    """Metadata whose parts that we and papermill read are dictionaries; others are left alone."""
    metadata: dict[str, Any] = found if isinstance(found, dict) else {}
    for key in _DICTIONARIES & metadata.keys():
        if not isinstance(metadata[key], dict):
            del metadata[key]
    for key, name in (
        ("kernelspec", "language"),
        ("kernelspec", "name"),
        ("language_info", "name"),
    ):
        part = metadata.get(key, {})
        if not isinstance(part.get(name, ""), str):
            del part[name]
    return metadata


def _complete_cell(cell: dict[str, Any]) -> None:
    cell["metadata"] = _clean_metadata(cell.get("metadata"))
    if not isinstance(cell["metadata"].get("tags"), list):
        cell["metadata"]["tags"] = []
    cell.setdefault("source", "")
    if cell["cell_type"] == "code":
        cell["outputs"] = cell.get("outputs") or []
        cell.setdefault("execution_count", None)


def _free_id(cell: Mapping[str, Any], index: int, taken: set[str]) -> str:
    own = cell.get("id")
    if isinstance(own, str) and own and own not in taken:
        return own
    source = "".join(cell["source"])
    for salt in range(len(taken) + 1):
        digest = hashlib.sha256(f"{index}\0{salt}\0{source}".encode()).hexdigest()[:8]
        if digest not in taken:
            return digest
    raise AssertionError("more ids taken than tried")


# ── cells ────────────────────────────────────────────────────────────────────────────────


def code_cells(nb: NotebookNode) -> tuple[CellInfo, ...]:
    """The notebook's code cells that hold code, in order, each with a name of its own."""
    infos: list[CellInfo] = []
    names: set[str] = set()
    heading: str | None = None
    shift = 0
    for index, cell in enumerate(nb.cells):
        if cell.cell_type == "markdown":
            heading = heading_of(cell.source) or heading
        if cell.cell_type != "code":
            continue
        tags = frozenset(str(tag) for tag in cell.metadata.get("tags", ()))
        injected = bool(cell.metadata.get("nbflow", {}).get("injected"))
        shift += injected
        if not cell.source.strip():
            continue
        name = unique(name_of(cell.source, tags, heading), names)
        names.add(name)
        heading = None
        infos.append(
            CellInfo(
                index=index,
                cell_id=cell.id,
                source=cell.source,
                tags=tags,
                name=name,
                kind=kind_of(cell.source, tags),
                source_index=None if injected else index - shift,
            )
        )
    return tuple(infos)


def parameters_cell(nb: NotebookNode) -> CellInfo | None:
    """The cell that declares the notebook's parameters, tagged `parameters`."""
    return next((info for info in code_cells(nb) if PARAMETERS_TAG in info.tags), None)


# ── parameters ───────────────────────────────────────────────────────────────────────────


def inject_parameters(
    nb: NotebookNode,
    source: str,
    values: Mapping[str, Any],
    *,
    report_mode: bool = False,
) -> NotebookNode:
    """Put a cell with a run's parameters where papermill puts it, and return the notebook.

    The new cell is tagged `injected-parameters`. It replaces an earlier injected one, else
    follows the cell tagged `parameters`, else comes first. `values` go into the notebook's
    `metadata.papermill.parameters`; what is not JSON, or long, is recorded as short text.
    """
    cell = nbformat.v4.new_code_cell(source, id="injected-parameters")
    cell.metadata["tags"] = [INJECTED_TAG]
    if report_mode:
        cell.metadata["jupyter"] = NotebookNode(source_hidden=True)
    place = _injection_place(nb)
    if place.replaces:
        nb.cells[place.index] = cell
    else:
        cell.metadata["nbflow"] = NotebookNode(injected=True)
        nb.cells.insert(place.index, cell)
    nb.metadata.setdefault("papermill", NotebookNode())["parameters"] = nbformat.from_dict(
        preview(values)
    )
    return nb


@dataclass(frozen=True, slots=True)
class _Place:
    index: int
    replaces: bool


def _injection_place(nb: NotebookNode) -> _Place:
    injected = _first_tagged(nb.cells, INJECTED_TAG)
    if injected is not None:
        return _Place(injected, replaces=True)
    declared = _first_tagged(nb.cells, PARAMETERS_TAG)
    return _Place(0 if declared is None else declared + 1, replaces=False)


def _first_tagged(cells: Sequence[NotebookNode], tag: str) -> int | None:
    tagged = (i for i, cell in enumerate(cells) if tag in cell.metadata.get("tags", ()))
    return next(tagged, None)


def remove_error_markers(nb: NotebookNode) -> NotebookNode:
    """Drop the red cells that an earlier failed run left in its output."""
    nb.cells = [c for c in nb.cells if ERROR_MARKER_TAG not in c.metadata.get("tags", ())]
    return nb


# ── output names ─────────────────────────────────────────────────────────────────────────


def output_name(source: str | Path, moment: datetime, run_id: object) -> str:
    """The executed notebook's file name: `<name>-<UTC basic ISO>-<short run id>.ipynb`.

    Sortable, unique, the same in every locale: `train-20261122T063559Z-9f3c2a1b.ipynb`.
    """
    stem = Path(str(source).split("?")[0]).stem if str(source) != "-" else "stdin"
    safe = "".join(c if c.isalnum() or c in "-_." else "-" for c in stem).strip("-.") or "notebook"
    stamp = moment.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")
    return f"{safe[:80]}-{stamp}-{str(run_id).replace('-', '')[-8:]}.ipynb"
