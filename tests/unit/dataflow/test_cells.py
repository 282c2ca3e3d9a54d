"""What magics, shell lines and help lines mean for names."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from nbflow import dataflow
from nbflow.dataflow import analyse_cell, analyse_cells, to_json, to_python

# code | binds | reads
TABLE = r"""
%time f(x) | | f x
%time y = f(x) | y | f x
%timeit f(x) | | f x
%timeit -n 10 -r3 y = f(x) | | f x
%prun -s cum f(x) | | f x
%memit f(x) | | f x
y = %time f(x) | y | f x
y = %timeit -o f(x) | y | f x
y = %sql select * from t where a = :x | y | x
files = !ls {folder} | files | folder
a, b = !ls $x | a b | x
x.y = !ls | | x
!cp {src} $dst | | src dst
!echo {a.b[0]} {f(x):>10} | | a f x
!echo $$HOME {{x}} | |
!awk '{print $1}' f | |
!!ls $x | | x
%cd {folder} | | folder
%matplotlib inline | |
%load_ext nbflow | |
%pip install x | |
%store x | | x
%store -r x | x |
%xdel x | | x
%aimport a.b | a |
%%time\ny = f(x) | y | f x
%%time\n!ls {a}\n%time y = b | y | a b
%%timeit n = 3\nfor i in range(n): f(x, i) | | f x
%%capture out\ny = x | out y | x
%%capture --no-stderr out\ny = x | out y | x
%%capture\ny = x | y | x
%%capture out\n%%time\ny = x | out y | x
%%prun\ny = x | y | x
%%bash\necho $x {y} | |
%%bash -s {x} $y\necho | | x y
%%bash --out a --err b\nls | a b |
%%script python --out=a\nx = 1 | a |
%%html\n<b>{x}</b> | |
%%javascript\nvar x = 1 | |
%%writefile a_{x}.py\nimport b | | x
%%sx\nls {x} | | x
%%sql y <<\nselect {x}, :z | y | x z
%%R -i x -o y\ny <- x | y | x
%%latex\n$x$ | |
%%task\ny = f(x) | y | f x
%%task NAME --retries 3 --in x\ny = f(x) | NAME y | f x
%%flow\nx = f() | x | f
# why\n\n%%time\ny = x | y | x
obj? | | obj
obj.attr?? | | obj
?obj | | obj
str.up*? | |
%time? | |
x = 1\nx? | x |
if a:\n    !ls {b}\n    %time c = d | c | a b d
for i in xs:\n    files = !ls {i} | files i | xs
s = '''\n!ls {x}\n%time y\n''' | s |
x = (1\n  % y) | x | y
!ls \\n   {x} | | x
await f(x) | | f x
y = await f(x); | y | f x
async with a as b: pass\n!ls | b | a
>>> y = x\n>>> z = y | y z | x
In [1]: y = x\n   ...: z = y | y z | x
   y = x\n   !ls | y | x
/f x y | | f x y
,f x y | | f
y = x # %time? | y | x
y = "a ? !b %c" | y |
y = x != z | y | x z
y = x % z | y | x z
x = 1  # !ls {y}\n!ls | x |
""".strip("\n")


def rows(table: str) -> list[tuple[str, ...]]:
    split = [line.split(" |") for line in table.splitlines()]
    return [(row[0].replace("\\n", "\n"), *(cell.strip() for cell in row[1:])) for row in split]


@pytest.mark.parametrize(("code", "defs", "refs"), rows(TABLE))
def test_magics_bind_and_read(code: str, defs: str, refs: str) -> None:
    analysis = analyse_cell(code)
    assert analysis.parse_error is None
    assert analysis.defs == set(defs.split())
    assert analysis.refs == set(refs.split())


# code | binds | reads | what the kept code reads when it is called
TASKS = r"""
%%task\ny = x | y | x |
%%task load\ny = x | load y | x | x
%%task load --retries 2 --in a b --out y --submit\ny = x | load y | x | x
%%task --in=a,b --out y --retries 2 load\ny = x | load y | x | x
%%task --cache 1h load\ny = x | load y | x | x
%%task --cache load\ny = x | load y | x | x
%%task 'two words' --in a\ny = x | y | x |
%%task load --in 'a\ny = x | load y | x | x
%%task load\nx = x + 1\nz = x | load x z | x | x
%%task load\nx = 1\nz = x | load x z | |
%%task load\ndef f(): return x\nx = 1 | f load x | | x
%%task load\n%%time\ny = x | load y | x | x
%%task load\nload(x) | load | load x | load x
%%task load --no-run\nx = x + y\ndel z | load | | x y z
%%task --no-run\nx = y | | |
%%flow main\ny = f(x) | main y | f x | f x
%%flow main --define\ny = f(x) | main | | f x
%%flow main --param a:int=1 --param b\ny = f(a, b, c) | main y | c f | c f
%%flow main --param a:T=x b --define\ny = f(a, b) | main | T x | f
%%flow main --param 'a: list[T] = [x]' 'b = "z"'\ny = a + b | main y | T x |
%%flow --param a\ny = a + b | y | b |
%%flow main --param a\na = a + 1 | a main | |
%%flow main --param a\nfor a in b: pass\ny = [a for a in c] | a main y | b c | b c
%%flow main --param a\ndef f(): return a + b\ny = f() | f main y | b | b
%%flow main --param a --param 1x --param --retries 3\ny = a | main y | |
"""


@pytest.mark.parametrize(("code", "defs", "refs", "late"), rows(TASKS.strip("\n")))
def test_the_body_of_a_task_or_flow_runs_and_is_kept(
    code: str, defs: str, refs: str, late: str
) -> None:
    analysis = analyse_cell(code)
    assert analysis.parse_error is None
    assert analysis.defs == set(defs.split())
    assert analysis.refs == set(refs.split())
    kept = [analysis.functions[name] for name in ("load", "main") if name in analysis.functions]
    assert {name for code in kept for name in code.reads} == set(late.split())
    assert not any(code.writes for code in kept)


@pytest.mark.parametrize(
    ("cells", "edges"),
    [
        ("x = [] / %%task f --no-run\nx.append(1) / f() / x = 1", {(0, 2), (1, 2), (0, 3), (2, 3)}),
        ("x = [] / %%task f\ny = x / z = f() / z.append(1) / x", {(3, 4)}),
        ("x = [] / %%task f --no-run\ny = [x] / z = f(1) / z.append(1) / x", {(3, 4)}),
        ("x = [] / %%task f --no-run\nx.append(y)\ny = 1 / y = [] / f(x=y) / y", {(3, 4)}),
        ("x = [] / %%task f --no-run\nx[0] = 1\ny = 1 / list(map(f, [x])) / x", {(2, 3)}),
        ("x = [] / %%flow f --define --param a\na.append(1) / f(a=x) / x", {(2, 3)}),
        ("x = [] / %%flow f --param a=x\na.append(1) / x", {(1, 2)}),
        ("x = 1 / %%task f --no-run\n%run a.py / f() / y = 1", {(0, 2), (2, 3)}),
        ("x = 1 / %%task f --no-run\n!ls / f() / y = 1", {(0, 2), (2, 3)}),
    ],
)
def test_calling_a_kept_body_does_what_the_body_does(
    cells: str, edges: set[tuple[int, int]]
) -> None:
    graph = analyse_cells(cells.replace("\\n", "\n").split(" / "))
    assert edges <= {(edge.source, edge.target) for edge in graph.edges}


def test_a_kept_body_that_is_not_called_concerns_nobody() -> None:
    graph = analyse_cells(["x = []", "%%task f --no-run\nx.append(1)\n!ls", "x", "del x"])
    assert {(edge.source, edge.target) for edge in graph.edges} == {(0, 2), (0, 3), (2, 3)}


def test_calling_a_kept_body_binds_nothing() -> None:
    graph = analyse_cells(["%%task f --no-run\nglobal x\nx = 1", "f()", "x"])
    assert {(edge.source, edge.target) for edge in graph.edges} == {(0, 1)}


@pytest.mark.parametrize(
    ("line", "external"),
    [
        ("graph", False),
        ("runs --failed", False),
        ("show latest", False),
        ("runs show variable", False),
        ("variable ls", False),
        ("queue inspect gpu", False),
        ("run a.ipynb", True),
        ("resume a", True),
        ("variable set rate 3", True),
        ("deployment run nightly --watch", True),
        ("backfill nightly --from 2026-05-01", True),
    ],
)
def test_lines_of_nbflow_are_harmless_unless_they_run_something(line: str, external: bool) -> None:
    analysis = analyse_cell(f"%nbflow {line}")
    assert (analysis.external, analysis.ambiguous) == (external, ())


@pytest.mark.parametrize(
    ("code", "line"),
    [
        ("x = = 1", 1),
        ("%%task load\nx = 1\nx = = 1", 3),
        ("%%flow load --param a\n\n!ls {b}\nx = = 1", 4),
        ("\n\nx = = 1", 3),
        ("!ls {a} {b} $c\nx = = 1", 2),
        ("!ls \\\n  {a}\nx = = 1", 3),
        ("%%time\n\n%time a\nx = = 1", 4),
        ("# c\n%%capture out\n!ls $a $b\nx = = 1\n", 4),
        ("%%timeit a = 1\nb\nx = = 1", 3),
    ],
)
def test_errors_name_the_users_own_line(code: str, line: int) -> None:
    error = analyse_cell(code).parse_error
    assert error and error.startswith(f"line {line}:")


def test_python_without_magics_is_never_touched() -> None:
    for code in ("x = 1\n", "x = (a\n% b)\n", 's = """\n%time x\n"""\n'):
        assert to_python(code).python == code


def test_the_options_of_a_cell_magic_are_kept() -> None:
    analysis = analyse_cell("%%task NAME --retries 3\nx = 1")
    assert (analysis.magic, analysis.magic_line) == ("task", "NAME --retries 3")


@pytest.mark.parametrize("code", ["!ls", "%%bash\nls", "x = !ls", "%cd a", "%pip install a"])
def test_what_acts_outside_python_is_external(code: str) -> None:
    assert analyse_cell(code).external


def interpreters() -> list[str]:
    """This Python, and those that pyenv keeps."""
    versions = Path("~/.pyenv/versions").expanduser()
    others = [versions / version / "bin/python" for version in ("3.12.1", "3.13.0")]
    return [sys.executable, *(str(path) for path in others if path.exists())]


@pytest.mark.parametrize("python", interpreters())
def test_another_python_analyses_without_nbflow(python: str) -> None:
    sources = ["x = y", "%time z = x", "x = = 1", "def f(a=b): return c"]
    script = Path(dataflow.__file__).parent / "__main__.py"
    answer = subprocess.run(
        [python, "-I", "-S", script],
        input=json.dumps(sources),
        capture_output=True,
        text=True,
        check=True,
    )
    assert json.loads(answer.stdout) == [to_json(analyse_cell(source)) for source in sources]
