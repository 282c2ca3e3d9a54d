"""The file on disk: nbformat's own bytes, whole at every moment, written from what changed."""

from __future__ import annotations

import json
import os

import nbformat
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from nbflow.exceptions import OutputPathError
from nbflow.notebooks import save
from nbflow.notebooks.save import (
    FileWriter,
    RemoteWriter,
    check_folder,
    check_output,
    dump_notebook,
    writer_for,
)

texts = st.text(max_size=40) | st.sampled_from(["a\nb", "a\r\nb", "\x85x\u2028y", '"\\', "é\n"])
outputs = st.one_of(
    texts.map(lambda t: new_output("stream", text=t)),
    texts.map(lambda t: new_output("display_data", {"text/plain": t, "image/svg+xml": t})),
    texts.map(lambda t: new_output("display_data", {"application/json": {"a": t}, "image/png": t})),
    texts.map(lambda t: new_output("error", ename=t, evalue=t, traceback=[t])),
)
code = st.builds(
    lambda source, outs: new_code_cell(source, outputs=outs), texts, st.lists(outputs, max_size=3)
)
markdown = texts.map(
    lambda t: new_markdown_cell(
        t, attachments={"a.txt": {"text/plain": t}}, metadata={"trusted": 1}
    )
)
notebooks = st.builds(
    lambda cells, text: new_notebook(
        cells=cells, metadata={"title": text, "signature": "x", "orig_nbformat": 3}
    ),
    st.lists(code | markdown, max_size=4),
    texts,
)


@given(notebooks)
@settings(max_examples=150, deadline=None)
def test_the_layout_is_nbformats_own(nb) -> None:
    before = json.dumps(nb)
    expected = nbformat.v4.writes(nb)

    assert dump_notebook(nb) == expected
    assert json.dumps(nb) == before


def test_an_empty_notebook() -> None:
    assert dump_notebook(new_notebook()) == nbformat.v4.writes(new_notebook())


@pytest.fixture
def nb():
    cells = [new_code_cell(f"x = {n}", id=f"cell-{n}") for n in range(5)]
    return new_notebook(cells=cells, metadata={"z": 1})


@pytest.fixture
def writer(nb, tmp_path):
    writer = FileWriter(nb, tmp_path / "out.ipynb")
    writer.start()
    yield writer
    writer.finish()


def text_of(tmp_path) -> str:
    return (tmp_path / "out.ipynb").read_text(encoding="utf-8")


@given(data=st.data())
@settings(max_examples=60, deadline=None)
def test_any_sequence_of_changes_is_saved(tmp_path_factory, data) -> None:
    folder = tmp_path_factory.mktemp("save")
    nb = new_notebook(cells=[new_code_cell("x"), new_markdown_cell("y"), new_code_cell("z")])
    writer = FileWriter(nb, folder / "out.ipynb")
    writer.start()
    for _ in range(data.draw(st.integers(1, 5))):
        for index in data.draw(st.sets(st.sampled_from([0, 2, -1]), min_size=1)):
            if index < 0:
                nb.metadata["title"] = data.draw(texts)
            else:
                nb.cells[index].outputs = data.draw(st.lists(outputs, max_size=2))
            writer.changed(index)
        writer.save()
        assert text_of(folder) == nbformat.v4.writes(nb)
    writer.finish()
    assert text_of(folder) == nbformat.v4.writes(nb)


def test_only_the_tail_is_written(nb, writer, tmp_path, monkeypatch) -> None:
    written = []
    plain = os.write
    monkeypatch.setattr(os, "write", lambda fd, data: written.append(len(data)) or plain(fd, data))
    nb.cells[0].outputs = [new_output("stream", text="y" * 1_000_000)]
    writer.changed(0)
    writer.save()
    before = sum(written)

    nb.cells[4].outputs = [new_output("stream", text="done")]
    writer.changed(4)
    writer.save()

    assert before > 1_000_000
    assert sum(written) - before < 1_000
    assert text_of(tmp_path) == nbformat.v4.writes(nb)


def test_the_file_is_whole_at_every_moment_of_a_save(nb, writer, tmp_path, monkeypatch) -> None:
    nb.cells[1].outputs = [new_output("stream", text="long " * 100)]
    writer.changed(1)
    writer.save()
    seen = []
    plain = os.ftruncate

    def look(fd, size):
        seen.append(json.loads(text_of(tmp_path)))
        plain(fd, size)

    monkeypatch.setattr(os, "ftruncate", look)
    nb.cells[1].outputs = []
    writer.changed(1)
    writer.save()

    assert seen[0]["cells"][1]["outputs"] == []
    assert text_of(tmp_path) == nbformat.v4.writes(nb)


def test_saves_are_spaced(nb, writer, monkeypatch) -> None:
    clock = [1000.0]
    monkeypatch.setattr(save.time, "monotonic", lambda: clock[0])
    writer.changed(0)
    writer.save()
    assert not writer.due()

    writer.changed(0)
    assert not writer.due()
    clock[0] += save.SAVE_INTERVAL + 0.01
    assert writer.due()
    writer.save()
    clock[0] += 100
    assert not writer.due()


def test_cells_that_came_in_are_in_the_final_notebook(nb, tmp_path) -> None:
    writer = FileWriter(nb, tmp_path / "out.ipynb")
    writer.start()
    nb.cells.insert(0, new_markdown_cell("failed"))
    writer.finish()

    assert text_of(tmp_path) == nbformat.v4.writes(nb)


def test_the_final_write_leaves_nothing_beside(nb, tmp_path) -> None:
    writer = FileWriter(nb, tmp_path / "out.ipynb")
    writer.start()
    writer.finish()

    assert [p.name for p in tmp_path.iterdir() if p.suffix == ".ipynb"] == ["out.ipynb"]
    assert [p.name for p in tmp_path.iterdir() if p.name.startswith(".out")] == []


def test_a_link_is_written_through(nb, tmp_path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "out.ipynb").symlink_to(tmp_path / "real" / "kept.ipynb")
    writer = FileWriter(nb, tmp_path / "out.ipynb")
    writer.start()
    writer.finish()

    assert (tmp_path / "out.ipynb").is_symlink()
    assert (tmp_path / "real" / "kept.ipynb").exists()


@pytest.mark.parametrize("text", ["print('mine')", "a,b\n1,2\n", "  [1, 2]"])
def test_what_is_no_notebook_is_not_overwritten(tmp_path, text) -> None:
    path = tmp_path / "flow.py"
    path.write_text(text)
    with pytest.raises(OutputPathError, match="not overwritten"):
        check_output(str(path))
    assert path.read_text() == text


@pytest.mark.parametrize("text", ["", "\ufeff{}", '\n {"cells": []}'])
def test_notebooks_and_empty_files_may_be_overwritten_and_stay_until_then(tmp_path, text) -> None:
    path = tmp_path / "out.ipynb"
    path.write_text(text, encoding="utf-8")
    check_output(str(path))
    assert path.read_text(encoding="utf-8") == text


def test_a_pipe_or_device_is_left_alone(tmp_path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(OutputPathError, match="is no file"):
        check_output(str(tmp_path / "pipe"))


@pytest.mark.parametrize("below", ["out.ipynb", "a/b/out.ipynb"])
def test_a_file_in_a_folders_place_is_named(tmp_path, below) -> None:
    (tmp_path / "notes").write_text("x")
    with pytest.raises(OutputPathError, match="notes is a file, not a folder"):
        check_output(str(tmp_path / "notes" / below))
    with pytest.raises(OutputPathError, match=r"written to .*notes: .*notes is a file, not"):
        check_folder(tmp_path / "notes")


def test_checking_leaves_nothing_behind(tmp_path) -> None:
    check_output(str(tmp_path / "new" / "out.ipynb"))
    check_folder(tmp_path / "other")
    assert [*(tmp_path / "new").iterdir(), *(tmp_path / "other").iterdir()] == []


@pytest.mark.parametrize(("mask", "mode"), [(0o022, 0o644), (0o077, 0o600)])
def test_a_new_notebook_is_readable_to_whom_the_umask_says(nb, tmp_path, mask, mode) -> None:
    before = os.umask(mask)
    try:
        writer = FileWriter(nb, tmp_path / "out.ipynb")
        writer.start()
        writer.finish()
    finally:
        os.umask(before)
    assert (tmp_path / "out.ipynb").stat().st_mode & 0o777 == mode


def test_a_notebook_that_is_written_again_keeps_its_mode(nb, tmp_path) -> None:
    (tmp_path / "out.ipynb").touch(mode=0o640)
    (tmp_path / "out.ipynb").chmod(0o640)
    FileWriter(nb, tmp_path / "out.ipynb").start()
    assert (tmp_path / "out.ipynb").stat().st_mode & 0o777 == 0o640


def test_remote_notebooks_are_written_whole_and_seldom(nb, monkeypatch) -> None:
    from papermill.iorw import papermill_io

    written: dict[str, str] = {}
    clock = [0.0]
    monkeypatch.setattr(save.time, "monotonic", lambda: clock[0])

    def slowly(text: str, path: str) -> None:
        clock[0] += 4
        written[path] = text

    monkeypatch.setattr(papermill_io, "write", slowly)
    writer = writer_for(nb, "memory://bucket/out.ipynb")
    assert isinstance(writer, RemoteWriter)
    writer.start()
    writer.changed(0)
    clock[0] += 30
    assert not writer.due()
    clock[0] += 11
    assert writer.due()
    nb.cells[0].source = "changed"
    writer.finish()

    assert written == {"memory://bucket/out.ipynb": nbformat.writes(nb)}


def test_a_stream_gets_the_final_notebook_only(nb, monkeypatch) -> None:
    from papermill.iorw import papermill_io

    written = []
    monkeypatch.setattr(papermill_io, "write", lambda text, path: written.append(path))
    writer = writer_for(nb, "-")
    writer.start()
    writer.changed(0)
    assert not writer.due()
    writer.finish()

    assert written == ["-"]
