"""What is a notebook, what its cells are called, and where parameters go."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from nbflow.exceptions import NotebookError
from nbflow.notebooks.document import (
    code_cells,
    inject_parameters,
    output_name,
    parameters_cell,
    read_notebook,
    remove_error_markers,
)
from nbflow.notebooks.events import CellKind


def nb_of(*cells):
    """Strings are code, `(source, tags)` tagged code, `# …` headings."""
    nodes = []
    for cell in cells:
        if isinstance(cell, str) and cell.startswith("#") and not cell.startswith("# pap"):
            nodes.append(new_markdown_cell(cell))
            continue
        source, tags = cell if isinstance(cell, tuple) else (cell, [])
        nodes.append(new_code_cell(source, metadata={"tags": tags}))
    return new_notebook(cells=nodes)


NAMES = {
    "a task's name": (["%%task clean_rows --retries 3\nx = 1"], ["clean_rows"]),
    "a task without one": (["%%task --retries 3\nrows = load()"], ["rows"]),
    "a flow's name": (["%%flow 'etl'\nx = 1"], ["etl"]),
    "a task tag": ([("x = 1", ["task:clean rows"])], ["clean rows"]),
    "Kale's step tag": ([("x = 1", ["prev:load", "step:clean"])], ["clean"]),
    "papermill's description": (["# papermill_description=Load it all\nx = 1"], ["Load it all"]),
    "the heading above": (["## Load **the** [data](x)", "x = 1"], ["Load the data"]),
    "only the first cell after a heading": (["# Load", "x = 1", "y = 2"], ["Load", "y"]),
    "the nearest heading": (["# A\n\ntext\n\n## B ##", "x = 1"], ["B"]),
    "an empty cell does not use up the heading": (["# Load", " ", "x = 1"], ["Load"]),
    "parameters": ([("x = 1", ["parameters"])], ["parameters"]),
    "an assigned name": (["import a\nprint(1)\nframe = read()"], ["frame"]),
    "several names": (["train, test = split()"], ["train, test"]),
    "a column": (["frame['total'] = 1"], ["frame['total']"]),
    "a function": (["def clean(): pass"], ["clean"]),
    "private names say nothing": (["_ = show(1)\nfit(model)"], ["fit"]),
    "a called method": (["import pandas\nmodel.fit(x).score()"], ["model.fit().score"]),
    "an awaited call": (["await fetch(url)"], ["fetch"]),
    "an import": (["import numpy as np\nimport os"], ["import numpy"]),
    "an import from": (["from os import path"], ["import os"]),
    "line magics beside code": (["%matplotlib inline\nx = 1"], ["x"]),
    "only a magic": (["%matplotlib inline"], ["%matplotlib inline"]),
    "a shell command": (["!pip list"], ["!pip list"]),
    "another cell magic": (["%%bash\nls -l"], ["%%bash ls -l"]),
    "a transparent cell magic": (["%%time\nx = slow()"], ["x"]),
    "broken code": (["x = = 1"], ["x = = 1"]),
    "an expression": (["1 + 1"], ["1 + 1"]),
    "an expression under a comment": ([("# NBVAL_IGNORE_OUTPUT\nx**n", [])], ["x ** n"]),
    "an expression on several lines": (["(\n    curve\n    * points\n)"], ["curve * points"]),
    "a loop": (["for i in x:\n    i()"], ["for i in x:"]),
    "nothing but a comment": ([("# sales = total()", [])], ["sales = total()"]),
    "what is printed": (["print(total)", "print(rows)"], ["print(total)", "print(rows)"]),
    "what is shown on several lines": (["display(\n    frame\n)"], ["display(frame)"]),
    "another language's comment": (["// Fibonacci\nlet x <- 1"], ["Fibonacci"]),
    "another language's first words": (["{\n  x: 1;\n}"], ["x: 1;"]),
    "an include is no comment": ([("#include <vector>\n;", [])], ["#include <vector>"]),
    "a heading with an anchor": (["## Fit<a id='fit'></a> <b>it</b>", "x = 1"], ["Fit it"]),
    "a heading that only looks like HTML": (["## List<int> & a<b", "x"], ["List<int> & a<b"]),
    "code nested too deeply": (["x = " + "-" * 100_000 + "1"], ["x = " + "-" * 55 + "…"]),
    "code too deep to be written again": (["+".join("1" * 3000)], ["1+" * 29 + "1…"]),
    "long names": (["x" * 80 + " = 1"], ["x" * 59 + "…"]),
    "the same name again": (["x = 1", "x = 2", "x = 3"], ["x", "x (2)", "x (3)"]),
    "a taken number": ([("1", ["task:x (2)"]), "x = 1", "x = 2"], ["x (2)", "x", "x (3)"]),
}


@pytest.mark.parametrize(("cells", "names"), NAMES.values(), ids=NAMES.keys())
def test_cells_are_called_by_the_best_name_there_is(cells, names) -> None:
    assert [info.name for info in code_cells(nb_of(*cells))] == names


def test_text_that_is_no_python_is_named_without_a_warning(recwarn) -> None:
    (info,) = code_cells(nb_of("size(2inch, 2inch)"))

    assert info.name == "size(2inch, 2inch)"
    assert not recwarn.list


@pytest.mark.parametrize(
    ("source", "tags", "kind"),
    [
        ("x = 1", [], CellKind.PLAIN),
        ("x = 1", ["parameters"], CellKind.PARAMETERS),
        ("x = 1", ["injected-parameters"], CellKind.INJECTED),
        ("%%task\nx = 1", [], CellKind.TASK),
        ("\n%%flow f\nx = 1", [], CellKind.FLOW),
        ("%%html\n<b>", [], CellKind.MAGIC),
    ],
)
def test_cells_have_a_kind(source, tags, kind) -> None:
    (info,) = code_cells(nb_of((source, tags)))
    assert info.kind is kind


def test_cells_know_their_place_and_tags() -> None:
    infos = code_cells(nb_of("# Title", "", "x = 1", ("y = 2", ["skip-execution"])))

    assert [info.index for info in infos] == [2, 3]
    assert [info.skipped for info in infos] == [False, True]
    assert infos[1].tags == {"skip-execution"}


# ── parameters ───────────────────────────────────────────────────────────────────────────

PLACES = {
    "after the declared ones": (["import a", ("x = 1", ["parameters"]), "y"], 2, 4),
    "first without any": (["import a", "y"], 0, 3),
    "instead of earlier injected ones": (
        [("x = 1", ["parameters"]), ("x = 5", ["injected-parameters"]), "y"],
        1,
        3,
    ),
}


@pytest.mark.parametrize(("cells", "place", "count"), PLACES.values(), ids=PLACES.keys())
def test_parameters_are_injected_where_papermill_puts_them(cells, place, count) -> None:
    nb = inject_parameters(nb_of(*cells), "x = 7", {"x": 7})

    assert nb.cells[place].source == "x = 7"
    assert nb.cells[place].metadata.tags == ["injected-parameters"]
    assert len(nb.cells) == count
    assert nb.metadata.papermill.parameters == {"x": 7}
    nbformat.validate(nb)


def test_the_place_agrees_with_papermill_itself() -> None:
    from papermill.iorw import load_notebook_node
    from papermill.parameterize import parameterize_notebook

    for cells, _, _ in PLACES.values():
        nb = nb_of(*cells)
        nb.metadata.update(nbformat.from_dict({"language_info": {"name": "python"}}))
        nb.metadata["kernelspec"] = nbformat.from_dict({"name": "python3", "display_name": "P"})
        theirs = parameterize_notebook(load_notebook_node(nb), {"x": 7})
        ours = inject_parameters(nb, "# Parameters\nx = 7\n", {"x": 7})
        assert [c.source for c in ours.cells] == [c.source for c in theirs.cells]


def test_the_source_notebooks_places_survive_the_injection() -> None:
    nb = inject_parameters(nb_of("a = 1", ("x = 1", ["parameters"]), "y = 2"), "x = 7", {})

    assert [info.source_index for info in code_cells(nb)] == [0, 1, None, 2]


def test_the_declaring_cell_is_found() -> None:
    assert parameters_cell(nb_of("a = 1", ("x = 1", ["parameters"]))).source == "x = 1"
    assert parameters_cell(nb_of("a = 1")) is None


def test_marks_of_earlier_failures_are_removed() -> None:
    nb = nb_of("1")
    nb.cells.insert(0, new_markdown_cell("!", metadata={"tags": ["papermill-error-cell-tag"]}))

    assert [c.source for c in remove_error_markers(nb).cells] == ["1"]


# ── reading ──────────────────────────────────────────────────────────────────────────────


def write(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


NOT_NOTEBOOKS = {
    "empty": ("", "The file is empty"),
    "not JSON": ("print(1)\nx", "in line 1"),
    "JSON of another kind": ('{"a": 1}', "not a notebook"),
    "a list": ("[1]", "not a notebook"),
    "too new": ('{"nbformat": 9, "nbformat_minor": 0, "cells": []}', "format 9"),
    "nested too deep": ("[" * 200_000, "recursion depth"),
    "a number too long": ("1" * 5_000, "not a notebook"),
    "a cell that is none": ('{"nbformat": 4, "cells": [3], "metadata": {}}', "cell 0 is not"),
}


@pytest.mark.parametrize(("text", "words"), NOT_NOTEBOOKS.values(), ids=NOT_NOTEBOOKS.keys())
def test_what_is_no_notebook_is_refused_in_words(tmp_path, text, words) -> None:
    with pytest.raises(NotebookError, match=words):
        read_notebook(write(tmp_path / "x.ipynb", text))


JUNK = (None, 3, 1e400, True, "x", [], {}, [None], [[]], {"a": None}, [{}], {"x": [{}]}, "\ud83d")


def whole_notebook():
    """A notebook with everything that is read from one."""
    output = {"output_type": "display_data", "data": {"text/plain": ["a"]}, "metadata": {}}
    code = {
        "cell_type": "code",
        "metadata": {"tags": ["parameters"], "nbflow": {"injected": True}, "execution": {}},
        "source": ["x = 1\n", "y = 2"],
        "outputs": [output, {"output_type": "stream", "name": "stdout", "text": ["a"]}],
    }
    text = {"cell_type": "markdown", "metadata": {}, "source": "# A", "attachments": {"a": {}}}
    kernel = {"name": "python3", "language": "python"}
    metadata = {"kernelspec": kernel, "language_info": {"name": "python"}, "papermill": {}}
    return {"nbformat": 4, "nbformat_minor": 4, "metadata": metadata, "cells": [text, code]}


def places_in(node, owner=None, key=None):
    """Each part of the notebook, as the container and the key that hold it."""
    if owner is not None:
        yield owner, key
    if isinstance(node, dict | list):
        for k in node if isinstance(node, dict) else range(len(node)):
            yield from places_in(node[k], node, k)


def read_if_possible(path):
    try:
        return read_notebook(path)
    except NotebookError:
        return None


@pytest.mark.parametrize("junk", JUNK, ids=repr)
def test_junk_anywhere_in_a_notebook_is_repaired_or_refused_in_words(tmp_path, junk) -> None:
    """Published notebooks hold anything: a kernelspec that is a string, metadata of null."""
    read = 0
    notebook = whole_notebook()
    for owner, key in places_in(notebook):
        good, owner[key] = owner[key], junk
        path = write(tmp_path / "x.ipynb", json.dumps(notebook))
        owner[key] = good
        if (document := read_if_possible(path)) is None:
            continue
        read += 1
        inject_parameters(document, "x = 5", {"x": 5})
        assert all(info.name for info in code_cells(document))
        assert document.metadata.get("kernelspec", {}).get("name", "") in {"", "python3", "x"}
    assert read or junk == "\ud83d"


def test_half_a_character_is_refused_and_a_whole_one_is_not(tmp_path) -> None:
    whole = nb_of("x = '\N{GRINNING FACE}'")
    path = write(tmp_path / "x.ipynb", json.dumps(whole))  # as two halves
    assert read_notebook(path).cells[0].source == whole.cells[0].source

    write(path, json.dumps(nb_of("x = '\ud83d'")))
    with pytest.raises(NotebookError, match="ud83d, half of a character"):
        read_notebook(path)


def test_a_missing_notebook_brings_near_names(tmp_path) -> None:
    write(tmp_path / "train.ipynb", "{}")

    with pytest.raises(NotebookError, match=r"Did you mean train\.ipynb\?"):
        read_notebook(tmp_path / "trian.ipynb")
    with pytest.raises(NotebookError, match=r"The folder has train\.ipynb"):
        read_notebook(tmp_path / "quite-different.ipynb")
    with pytest.raises(NotebookError, match="does not exist either"):
        read_notebook(tmp_path / "none" / "train.ipynb")
    with pytest.raises(NotebookError, match=r"is a folder.* train\.ipynb"):
        read_notebook(tmp_path)


def test_a_name_that_no_file_can_have_is_refused() -> None:
    with pytest.raises(NotebookError, match="cannot be the name of a file"):
        read_notebook("a\0b.ipynb")


def test_binary_files_are_refused(tmp_path) -> None:
    (tmp_path / "x.ipynb").write_bytes(b"\xff\xfe\x00")

    with pytest.raises(NotebookError, match="not text"):
        read_notebook(tmp_path / "x.ipynb")


def test_a_mark_at_the_files_begin_is_no_part_of_it(tmp_path) -> None:
    (tmp_path / "x.ipynb").write_bytes(b"\xef\xbb\xbf" + nbformat.writes(nb_of("x = 1")).encode())

    assert read_notebook(tmp_path / "x.ipynb").cells[0].source == "x = 1"


def test_an_address_papermill_cannot_read_is_a_notebook_error() -> None:
    with pytest.raises(NotebookError, match="cannot be read"):
        read_notebook("s3://bucket/x.ipynb")


def test_missing_ids_are_given_the_same_every_time(tmp_path) -> None:
    cells = [{"cell_type": "code", "source": ["x = 1\n", "y"]}, {"cell_type": "code", "source": ""}]
    old = {"nbformat": 4, "nbformat_minor": 2, "metadata": {}, "cells": [*cells, *cells]}
    path = write(tmp_path / "x.ipynb", json.dumps(old))

    first, second = read_notebook(path), read_notebook(path)

    ids = [cell.id for cell in first.cells]
    assert ids == [cell.id for cell in second.cells]
    assert len(set(ids)) == 4
    assert first.cells[0].source == "x = 1\ny"
    nbformat.validate(first)


def test_ids_of_the_file_are_kept_and_doubles_replaced(tmp_path) -> None:
    nb = new_notebook(cells=[new_code_cell("1", id="mine"), new_code_cell("2", id="other")])
    nb.cells[1]["id"] = "mine"
    path = write(tmp_path / "x.ipynb", json.dumps(nb))

    ids = [cell.id for cell in read_notebook(path).cells]

    assert ids[0] == "mine"
    assert ids[1] != "mine"


def test_a_notebook_of_format_3_is_upgraded(tmp_path) -> None:
    old = nbformat.v3.new_notebook(
        worksheets=[nbformat.v3.new_worksheet(cells=[nbformat.v3.new_code_cell("x = 1")])]
    )
    path = write(tmp_path / "old.ipynb", nbformat.v3.writes_json(old))

    nb, again = read_notebook(path), read_notebook(path)

    assert [cell.source for cell in nb.cells] == ["x = 1"]
    assert nb.cells[0].id == again.cells[0].id
    nbformat.validate(nb)


@pytest.mark.parametrize(
    ("source", "name"),
    [
        ("train.ipynb", "train-20260203T040506Z-89abcdef.ipynb"),
        ("/a/b/my report (1).ipynb", "my-report--1-20260203T040506Z-89abcdef.ipynb"),
        ("s3://bucket/b/train.ipynb?x=1", "train-20260203T040506Z-89abcdef.ipynb"),
        ("-", "stdin-20260203T040506Z-89abcdef.ipynb"),
        ("../..", "notebook-20260203T040506Z-89abcdef.ipynb"),
        ("模型.ipynb", "模型-20260203T040506Z-89abcdef.ipynb"),
    ],
)
def test_executed_notebooks_are_named_by_source_time_and_run(source, name) -> None:
    moment = datetime(2026, 2, 3, 5, 5, 6, tzinfo=timezone(timedelta(hours=1)))
    run_id = "0123-4567-89ab-cdef"

    assert output_name(source, moment, run_id) == name
    assert output_name(source, moment.astimezone(UTC), run_id) == name


@pytest.mark.parametrize(
    "source",
    [
        "a/out.ipynb",
        "out_/../../escaped.ipynb",
        "/etc/passwd",
        "..",
        ".",
        "a/../../b.ipynb",
        "..\\..\\escaped.ipynb",
        "door/out.ipynb",  # a link in the folder that leads out of it
    ],
)
def test_r12_output_names_stay_in_their_folder(source, tmp_path) -> None:
    folder = tmp_path / "inside"
    folder.mkdir()
    (folder / "door").symlink_to(tmp_path)

    name = output_name(source, datetime(2026, 2, 3, tzinfo=UTC), "0123-4567-89ab-cdef")

    assert Path(name).name == name
    assert (folder / name).resolve().parent == folder.resolve()
    assert name.endswith(".ipynb")
