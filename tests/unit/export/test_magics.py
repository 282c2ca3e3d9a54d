"""What stands in a module for IPython's own syntax."""

from __future__ import annotations

import pytest

from nbflow.exceptions import NotebookError
from nbflow.export.magics import Ours, convert

KNOWN = frozenset({"word", "folder", "rows"})

TABLE = {
    "%matplotlib inline\nx = 1": "x = 1",
    "x?\nx = 1": "x = 1",
    "%time x = f()": "x = f()",
    "x = %time f()": "x = f()",
    "%timeit -n 10 f()": "f()",
    "%%time\nx = 1": "x = 1",
    "!ls {folder}": 'subprocess.run(f"ls {folder}", shell=True, check=False)',
    "!echo $word '$HOME' {word!r:>3}": (
        """subprocess.run(f"echo {word} '$HOME' {word!r:>3}", shell=True, check=False)"""
    ),
    "!echo {word} $HOME": 'subprocess.run("echo {word} $HOME", shell=True, check=False)',
    "!echo {{x}} $$word": 'subprocess.run("echo {x} $word", shell=True, check=False)',
    # One expression that cannot be read keeps IPython from reading any.
    "!awk '{print $1}' $word": (
        "subprocess.run(\"awk '{print $1}' $word\", shell=True, check=False)"
    ),
    "x = !ls": 'x = subprocess.getoutput("ls").splitlines()',
    "%cd data": 'os.chdir(os.path.expanduser("data"))',
    "%env A=b c": 'os.environ["A"] = "b c"',
    "here = %pwd": "here = os.getcwd()",
    "%mkdir -p {folder}": 'subprocess.run(f"mkdir -p {folder}", shell=True, check=False)',
    "%pip install x": 'subprocess.run("python -m pip install x", shell=True, check=False)',
    "%%bash\nls -l\n": 'subprocess.run(["bash"], input="""\\\nls -l\n""", text=True, check=True)',
    "%%html\n<b>": "",
    "if x:\n    %config y\n": "if x:\n    pass",
    "x = 5 % 3  # %time": "x = 5 % 3  # %time",
    "%aimport helpers": "import helpers",
}


@pytest.mark.parametrize("source", TABLE)
def test_magics(source: str) -> None:
    """What has a meaning keeps it; what only sets up the notebook is gone."""
    found = convert(source, known=KNOWN, ours=Ours(), cell="a")
    assert found.python.strip() == TABLE[source]


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("x = 1\n%run other.py", r"Cell 'a', line 2: %run has no meaning"),
        ("%%sql\nselect 1", r"Cell 'a', line 1: %%sql has no meaning"),
        ("%%capture out\nx = 1", r"%%capture with a name"),
        ("%timeit x = 1", r"%timeit of a statement"),
        ("/f 1", r"IPython's own way to call"),
        ("y = %who_knows", r"%who_knows"),
    ],
)
def test_refused(source: str, said: str) -> None:
    """What has none is refused by cell, line and name, with what to do."""
    with pytest.raises(NotebookError, match=said):
        convert(source, known=KNOWN, ours=Ours(), cell="a")


def test_modules_of_ours_give_way() -> None:
    """A name that means something else in the notebook is not taken from it."""
    ours = Ours({"os": "", "sys": "sys"})
    assert (ours.use("os"), ours.use("sys"), ours.use("subprocess")) == ("_os", "sys", "subprocess")
