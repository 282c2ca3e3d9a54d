"""How cells depend on each other."""

from __future__ import annotations

import pytest

from nbflow.dataflow import CellGraph, EdgeKind, analyse_cells

# cells, separated by / | DATA edges as source>target:name (~ uncertain) | ORDER pairs
TABLE = r"""
x = 1 / y = x / print(y) | 0>1:x 1>2:y |
x = 1 / x = 2 / print(x) | 1>2:x | 0>1
x = 1 / print(x) / x = 2 | 0>1:x | 0>2 1>2
x = 0 / if c: x = 1 / print(x) | 0>2:~x 1>2:~x | 0>1
x = [] / x.append(1) / print(x) | 0>1:x 0>2:x 1>2:x |
x = [] / print(x) / x.append(1) | 0>1:x 0>2:x | 1>2
x = [] / y = x / y.append(1) / print(x) | 0>1:x 0>3:x 1>2:y 2>3:~x |
x = load() / a = f(x) / b = f(x) | 0>1:x 0>2:x 1>2:~x |
x = 1 / a = f(x) / b = f(x) | 0>1:x 0>2:x |
x = load() / print(x) / len(x) | 0>1:x 0>2:x |
import numpy as np / a = np.mean(b) / c = np.mean(b) | 0>1:np 0>2:np |
a = 1 / def f(): return a / f() | 0>2:a 1>2:f |
def f(): return a / a = 1 / f() | 0>2:f 1>2:a |
def f(): return a / def g(): return f() / a = 1 / g() | 0>3:f 1>3:g 2>3:a |
def f(): return a / g = f / a = 1 / g() | 0>1:f 1>3:g 2>3:a | 1>2
def f(): global x; x = 1 / f() / print(x) | 0>1:f 1>2:x |
xs = [] / def f(): xs.append(1) / f() / print(xs) | 0>2:xs 0>3:xs 1>2:f 2>3:xs |
x = [] / def o(): k = x; return lambda v: k.append(v) / f = o() / x = 1 / list(map(f, [x])) / f(1) | 0>2:x 1>2:o 2>4:f 2>5:f 2>5:x 3>4:x 3>5:x 4>5:~f 4>5:~x | 0>3 2>3
a = [1] / def f(v): global d; d = v\nf(a) / d.append(3) / print(a) | 0>1:a 0>3:a 1>2:d 2>3:~a |
a = [1] / def f(v): global d; d = v / b = list(map(f, [a])) / d.append(3) / print(a) | 0>2:a 0>4:a 1>2:f 2>3:d 3>4:~a |
a = [1] / d = [] / def f(v): d.append(v)\nf(a) / d[0].append(3) / print(a) | 0>2:a 0>4:a 1>2:d 1>3:d 2>3:d 2>4:~a 3>4:~a |
d = [] / def g(v): return d / b = list(map(g, [1])) / b[0].append(8) / print(d) | 0>2:~d 0>3:~d 0>4:d 1>2:g 2>3:b 3>4:~d |
class C:\n def m(self): return a / c = C() / a = 1 / c.m() | 0>1:C 1>3:c 2>3:~a | 1>2
x = 1 / del x / print(x) | 0>1:x 1>2:x |
def g(): yield 1 / i = g() / a = next(i) / b = list(i) | 0>1:g 1>2:i 1>3:i 2>3:i |
list = f / list(1) | 0>1:list |
import random / random.seed(1) / x = random.random() | 0>1:random 0>2:random | 1>2
import sys / sys.path.append('x') / import mine / import yours | 0>1:sys | 1>2 1>3
import mine / import sys / sys.path.append('x') | 1>2:sys | 0>2
import sys / sys.modules['a'] = m / import a / x = 1 | 0>1:sys 0>2:~ 1>2:~ 2>3:~ |
x = 1 / !ls / y = 2 | | 0>1 1>2
""".strip("\n")


def rows() -> list[tuple[list[str], set[str], set[str]]]:
    found = []
    for line in TABLE.splitlines():
        cells, data, order = (part.strip() for part in (line + " ").split(" |"))
        found.append(
            (
                [cell.replace("\\n", "\n") for cell in cells.split(" / ")],
                set(data.split()),
                set(order.split()),
            )
        )
    return found


def data_edges(graph: CellGraph) -> set[str]:
    edges = [edge for edge in graph.edges if edge.kind is EdgeKind.DATA]
    return {f"{e.source}>{e.target}:{'' if e.certain else '~'}{e.name}" for e in edges}


@pytest.mark.parametrize(("cells", "data", "order"), rows())
def test_edges(cells: list[str], data: set[str], order: set[str]) -> None:
    graph = analyse_cells(cells)
    assert data_edges(graph) == data
    assert {f"{e.source}>{e.target}" for e in graph.edges if e.kind is EdgeKind.ORDER} == order


# Each row's last cell sees what the cell before it did, by a way of its own.
SEEN = r"""
y = [] / x = [] / def f(): x.append(y) / f() / x[0].append(1) / r = str(y)
y = [] / x = [] / def f(v): x.append(v) / f(y) / x[0].append(1) / r = str(y)
y = [] / x = [] / def f(v): x.append(v)\nf(y) / x[0].append(1) / r = str(y)
y = [] / def f(v): global x; x = v\nf(y)\nx.append(1) / r = str(y)
y = [] / def f(v): global x; x = v / f(y)\nx.append(1) / r = str(y)
y = [] / def f(v): v.append(1) / f(y) / r = str(y)
y = [] / def f(v): v.append(1) / def g(): f(y) / g() / r = str(y)
y = [] / def f(v): v.append(1) / def g(v): f(v) / g(y) / r = str(y)
y = [] / def f(v): v.append(1) / def g(*v): f(v[0]) / g(y) / r = str(y)
y = [] / def f(v): v.append(1) / list(map(f, [y])) / r = str(y)
y = [] / list(map(lambda v: v.append(1), [y])) / r = str(y)
def g(): yield 1 / y = g() / list(y) / r = str(list(y))
y = (v for v in [1, 2]) / list(y) / r = str(list(y))
y = iter([1, 2]) / z = y / list(z) / r = str(list(y))
def f(): yield from [1, 2] / def g(): return f() / y = g() / list(y) / r = str(list(y))
y = [iter([1, 2])] / list(y[0]) / r = str(list(y[0]))
y = []\ny.append(iter([1, 2])) / list(y[0]) / r = str(list(y[0]))
y = [] / y.append(iter([1, 2])) / list(y[0]) / r = str(list(y[0]))
y = [] / y[:] = [iter([1, 2])] / list(y[0]) / r = str(list(y[0]))
def f(): return iter([1, 2])\ny = f() / list(y) / r = str(list(y))
def g(): return f()\ndef f(): return iter([1, 2]) / y = g() / list(y) / r = str(list(y))
def g(): return f()\ndef f(): return iter([1, 2])\ny = g() / list(y) / r = str(list(y))
def f(v): return iter([1, 2]) / y = list(map(f, [1]))[0] / list(y) / r = str(list(y))
def o(): k = []; return lambda: k.append(1) or len(k) / f = o() / f() / r = f()
def o(): k = []; return lambda v: k.append(1) or len(k) / f = o() / list(map(f, [0])) / r = f(0)
x = y = [] / def o(): k = x; return lambda: k / f = o() / x = 1 / f().append(1) / r = str(y)
x = y = [] / def o(): k = x; return lambda: k / f = o() / x = 1 / z = f() / z.append(1) / r = str(y)
x = y = [] / def o(): return (k for k in [x]) / f = o() / x = 1 / z = list(f) / z[0].append(1) / r = str(y)
x = y = [] / def o():\n k = x\n def i(): return k\n return [i] / f = o() / x = 1 / z = f[0]() / z.append(1) / r = str(y)
def o():\n k = []\n def i(v): k.append(v); return k\n return i\nf = o()\ny = f(1) / f(2) / r = str(y)
y = [] / def f(): return y\nz = f()\nz.append(1) / r = str(y)
y = [] / def f(): return y\nf().append(1) / r = str(y)
y = [] / def f(): return y / f().append(1) / r = str(y)
y = [] / def f(): return y / def g(): f().append(1) / g() / r = str(y)
y = [] / def f(): return y / def g(): return f() / z = g() / z.append(1) / r = str(y)
y = [] / def f(v): return y / z = list(map(f, [1])) / z[0].append(1) / r = str(y)
y = [] / def f(v): return y\nz = list(map(f, [1])) / z[0].append(1) / r = str(y)
y = [] / def o(): return lambda: y / f = o() / y = [2] / r = str(f())
y = 0 / h = [] / def f(k): h.append(k) / f(lambda: y) / y = 1 / r = h[0]()
y = 0 / h = [] / def f(k): h.append(k)\nf(lambda: y) / y = 1 / r = h[0]()
y = 0 / h = [] / def f(k): h.append(k) / list(map(f, [lambda: y])) / y = 1 / r = h[0]()
y = [] / def o():\n def g(): return f()\n def f(): return y\n z = g()\n z.append(1)\no() / r = str(y)
y = [] / def o():\n def g(): f().append(1)\n def f(): return y\n g()\no() / r = str(y)
y = [] / def f():\n t = []\n y.append(t)\n return t / z = f() / z.append(1) / r = str(y)
y = [] / class C:\n def __init__(self): self.k = y / c = C() / c.k.append(1) / r = str(y)
y = [] / class C:\n def __init__(self): self.k = y\nc = C() / c.k.append(1) / r = str(y)
y = [] / class C:\n def m(self): return y / z = C().m() / z.append(1) / r = str(y)
y = [] / class C:\n t = y / C.t.append(1) / r = str(y)
y = [] / def len(v): v.append(1) / len(y) / r = str(y)
y = [] / def d(f): return lambda: y.append(1) / @d\ndef f(): pass / f() / r = str(y)
y = [] / def d(f):\n def w(): y.append(1); return f()\n return w / @d\ndef f(): pass / f() / r = str(y)
y = [] / def d(v): return lambda f: lambda: v.append(1) / @d(y)\ndef f(): pass / f() / r = str(y)
y = [] / def d(f): return f / @d\ndef f(v): v.append(1) / list(map(f, [y])) / r = str(y)
y = [] / h = [] / def d(f): h.append(f); return f / @d\ndef f(): y.append(1) / h[0]() / r = str(y)
y = [] / def d(c): c.t = y; return c / @d\nclass C: pass / C.t.append(1) / r = str(y)
y = [] / class C:\n def __init__(self, f): self.f = f\n def __call__(self): y.append(1) / @C\ndef f(): pass / f() / r = str(y)
y = 0 / def d(f): return lambda: y / @d\ndef f(): pass / y = 1 / r = f()
y = 0 / h = [] / def d(f): h.append(f) / @d\ndef f(): return y / y = 1 / r = h[0]()
import math as m\ny = [] / m = y / m.append(1) / r = str(y)
import math as m\nm = y = [] / m.append(1) / r = str(y)
""".strip("\n")


@pytest.mark.parametrize("row", SEEN.splitlines())
def test_what_a_cell_does_by_devious_ways_is_seen(row: str) -> None:
    cells = row.replace("\\n", "\n").split(" / ")
    *rest, before, last = cells
    assert result(cells) != result([*rest, last, before])
    assert len(cells) - 2 in analyse_cells(cells).before(len(cells) - 1)


def result(cells: list[str]) -> object:
    """What the cells leave in `r`; None if they fail."""
    namespace: dict[str, object] = {}
    try:
        for source in cells:
            exec(source, namespace)
    except NameError:
        return None
    return namespace["r"]


def test_methods_of_a_function_change_nothing() -> None:
    cells = ["@task\ndef f(): pass", "a = f.submit()", "b = f.submit()"]
    assert analyse_cells(cells).before(2) == {0}


@pytest.mark.parametrize(
    "hidden", ["from m import *", "exec(s)", "x = = 1", "%run a.py", "%%what\nx"]
)
def test_a_cell_that_hides_its_names_keeps_its_place(hidden: str) -> None:
    graph = analyse_cells(["a = 1", hidden, "b = 2"])
    assert graph.barriers == {1}
    assert data_edges(graph) == {"0>1:~", "1>2:~"}


def test_ancestors_and_stale_cells() -> None:
    graph = analyse_cells(["a = 1", "b = a", "c = 1", "d = b", "a = 2"])
    assert graph.ancestors(3) == {0, 1}
    assert graph.stale_after([0]) == {1, 3}
    assert graph.stale_after([1, 2]) == {3}
    assert graph.before(4) == {0, 1}


def test_drawn_edges_are_reduced_and_keep_their_labels() -> None:
    graph = analyse_cells(["a, z = 1, 2", "b = a + z", "c = a + b", "d = [a]"])
    drawn = [(e.source, e.target, e.names, e.certain) for e in graph.display_edges()]
    assert drawn == [(0, 1, ("a", "z"), True), (0, 3, ("a",), True), (1, 2, ("b",), True)]


def test_an_empty_cell_stands_alone() -> None:
    assert analyse_cells(["exec(s)", "", "# only a comment", "x = 1"]).before(1) == frozenset()
