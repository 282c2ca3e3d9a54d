"""How exported modules read, and what is refused."""

from __future__ import annotations

from pathlib import Path

import nbformat
import pytest

from nbflow.exceptions import NotebookError
from nbflow.export import export_python

EXPECTED = '''\
"""Report on sales.

What we sold.

Exported from sales.ipynb by nbflow. Run it with one of:

    python sales.py
    nbflow run sales.py:sales -p year 2026
"""

import sys
from pathlib import Path

from nbflow import flow, task

LIMIT = 3


def enough(count):
    return count > LIMIT


@task(retries=3)
def load(year):
    """Read the numbers.

    They come late.
    """
    # one a day
    rows = [year] * 5
    return rows


@task
def say_it(rows, scale):
    return f"{Path('x')}: {enough(len(rows)) * scale}"


@flow
def sales(
    year: int = 2026,  # which one
):
    rows = load(year)

    # Weigh them
    scale = 2

    sys.displayhook(say_it(rows, scale))

    return {"rows": rows, "scale": scale}


if __name__ == "__main__":
    sales()
'''


def notebook(folder: Path, *cells: str, name: str = "sales", language: str = "python") -> Path:
    """A notebook of cells; `# md` begins markdown, `# tags: a, b` tags a cell."""
    nb = nbformat.v4.new_notebook(metadata={"language_info": {"name": language}})
    for text in cells:
        if text.startswith("# md\n"):
            nb.cells.append(nbformat.v4.new_markdown_cell(text[5:]))
            continue
        first, _, rest = text.partition("\n")
        tagged = first.startswith("# tags: ")
        tags = first[8:].split(", ") if tagged else []
        source = rest if tagged else text
        nb.cells.append(nbformat.v4.new_code_cell(source, metadata={"tags": tags}))
    path = folder / f"{name}.ipynb"
    nbformat.write(nb, path)
    return path


def test_a_whole_module(tmp_path: Path) -> None:
    """It reads as if someone had written it."""
    path = notebook(
        tmp_path,
        "# md\n# Report on sales\n\nWhat we sold.",
        "# tags: parameters\nyear: int = 2026  # which one",
        "%load_ext nbflow\nfrom pathlib import Path\nLIMIT = 3\n\ndef enough(count):\n    return count > LIMIT",
        "# md\n## Read the numbers\nThey come late.",
        "%%task load --retries 3\n# one a day\nrows = [year] * 5",
        "# md\n## Weigh them",
        "scale = 2",
        '%%task "Say it"\nf"{Path(\'x\')}: {enough(len(rows)) * scale}"',
    )
    assert export_python(path) == EXPECTED


@pytest.mark.parametrize(
    ("cells", "said"),
    [
        (("x = 1", "print(_)"), "_ is there in notebooks only"),
        (("x = (", ""), "this is not Python"),
        (("run = exec\nrun('x = 1')",), "exec would not see"),
        (("get_ipython().system('ls')",), "get_ipython is there in notebooks only"),
        (("%%task --retries many\nx = 1",), "--retries"),
        (("%%task a\nx = 1", "%%task a\ny = 1", "a()"), "the name of two task cells"),
    ],
)
def test_refused(cells: tuple[str, ...], said: str, tmp_path: Path) -> None:
    """What cannot mean the same is not written; the cell is named."""
    with pytest.raises(NotebookError, match=said):
        export_python(notebook(tmp_path, *cells))


def test_other_languages(tmp_path: Path) -> None:
    """Only Python becomes Python."""
    with pytest.raises(NotebookError, match="written in R"):
        export_python(notebook(tmp_path, "x <- 1", language="R"))


@pytest.mark.parametrize(
    ("cells", "why"),
    [
        (("rows = []", "%%task --cache\nrows.append(1)\nn = 1"), "may change rows in place"),
        (("k = [1]\ndef f(): return k", "%%task --cache\nn = f()"), "read k"),
        (("k = 1\ndef f(): return k", "%%task --cache\nk = 2\nn = f()"), "binds names"),
    ],
)
def test_caching_is_left_out_where_it_would_lie(
    cells: tuple[str, ...], why: str, tmp_path: Path
) -> None:
    """A comment says why."""
    text = export_python(notebook(tmp_path, *cells))
    assert "cache_policy" not in text
    assert why in next(line for line in text.splitlines() if line.startswith("# Not cached"))


def test_the_same_twice(tmp_path: Path) -> None:
    """An export depends on the notebook alone."""
    path = notebook(tmp_path, "import b, a\nx, y = {1}, {2}\ndef f(): return x, y, z", "z = f()")
    assert export_python(path) == export_python(path)
