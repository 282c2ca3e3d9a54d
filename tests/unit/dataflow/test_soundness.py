"""The two properties that everything rests on, checked by running random notebooks.

(a) What a cell really read, bound and changed is in its analysis.
(b) Any order of cells that the edges allow ends in the same namespace as notebook order.
"""

from __future__ import annotations

import builtins
import random
import re
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nbflow.dataflow import analyse_cell, analyse_cells

NAMES = ["a", "b", "c", "d"]
FUNCTIONS = ["f", "g"]
EXAMPLES = settings(
    max_examples=150, deadline=None, suppress_health_check=list(HealthCheck), database=None
)

name = st.sampled_from(NAMES)
function = st.sampled_from(FUNCTIONS)
number = st.integers(0, 9).map(str)


def fill(template: str) -> st.SearchStrategy[str]:
    """The template with X, Y, Z names, F a function's name, N a number."""
    parts = {"X": name, "Y": name, "Z": name, "F": function, "N": number}
    return st.fixed_dictionaries(parts).map(
        lambda chosen: re.sub(r"\b[XYZFN]\b", lambda match: chosen[match[0]], template)
    )


# Every name always holds a list (of numbers or lists), every function takes one and gives one,
# so that most random programs run.
STATEMENTS = [
    "X = [N, N]",
    "X = Y",
    "X = [Y, N]",
    "X = Y[:]",
    "X = Y + [N]",
    "X = [v for v in Y]",
    "X = [Y for v in Z]",
    "X = [len(Y) for _ in range(N)]",
    "X = (lambda v: v)(Y)",
    "X = [lambda: Y][0]()",
    "X = list(v for v in Y)",
    "X = F(Y)",
    "X = F([N])",
    "X = Y if len(Z) > 2 else Z",
    "X = Y or Z",
    "X = [Y, Z][-1]",
    "X, Y = Y, X",
    "X = Y = [N]",
    "X, *Y = [Z, N, N]\nX = [X]",
    "X += [N]",
    "X += Y",
    "X.append(N)",
    "X.append(len(Y))",
    "X.extend(Y[:3])",
    "X.insert(0, len(Y))",
    "X[:1] = [N]",
    "del X[:1]",
    "X.clear()",
    "for v in Y[:2]: X.append(N)",
    "for X in [Y, Z]: pass",
    "for X in [[N], Y]:\n    if len(X) > 1: break\nelse:\n    Z = X",
    "while len(X) < 2: X.append(N)",
    "if len(Y) > 1: X = [N]",
    "if len(Y) > 1:\n    X = Z\nelse:\n    X = [N]",
    "if len(w := Y) > 1: w.append(N)\ndel w",
    "[Z.append(N) for Z in [X, Y]]",
    "[X.append(v) for v in Y[:2]]",
    "X = [(w := Y), N][:1]\nw.append(N)\ndel w",
    "try:\n    X = [Y[N]]\nexcept IndexError as e:\n    X = [str(e)]",
    "try:\n    X = Y\n    Z.index('no')\nexcept ValueError:\n    X.append(N)\nfinally:\n    Y = [N]",
    "match Y:\n    case [p, *X]: pass\n    case _: X = [N]",
    "class C:\n    t = Y\n    def m(self): return X\nX = C.t",
    "class C:\n    def m(self, v): Y.append(N); return v\nX = C().m(Z)",
    "class C:\n    X = [N]\n    t = X\nY = C.t",
    "def F(v): return v",
    "def F(v): return [v, N]",
    "def F(v): return X",
    "def F(v): return v + X[:2]",
    "def F(v, w=X): return w",
    "def F(v, w=[]): w.append(N); return w",
    "def F(v): v.append(N); return v",
    "def F(v):\n    X.append(N)\n    return v",
    "def F(v):\n    t = X\n    t.append(N)\n    return [len(v)]",
    "def F(v):\n    X.append(len(v))\n    return [N]",
    "def F(v):\n    Y[:] = [v, N]\n    return v",
    "def F(v):\n    global X\n    X = [N]\n    return v",
    "def F(v):\n    global X\n    X = v\n    return [N]",
    "def F(v):\n    def inner(): return [X, N]\n    return inner()",
    "F = lambda v: Y",
    "F = lambda v: [v, len(X)]",
    "def outer():\n    k = X\n    def inner(v): k.append(N); return k\n    return inner\nF = outer()",
    "f = g",
    "g = f",
    "X = list(map(F, [Y]))",
    "X = [F(v) for v in [Y]]",
    "X = sorted([Y, Z], key=len)[0]",
    "X = [N]\nX.append(Y)\nZ = X[1]",
    "t = [X]\nt[0].append(N)\ndel t",
    "d = {'k': X}['k']",
    "del X\nX = [N]",
    "X = globals is None or Y",
    "X.append(f'{Y}')",
    "assert (X := Y) is Y",
    "X = [*Y, *Z][:4]",
    "X = max([Y, Z], key=len)",
]
statement = st.sampled_from(STATEMENTS).flatmap(fill)
cell = st.lists(statement, min_size=1, max_size=3).map("\n".join)
notebooks = st.lists(cell, min_size=2, max_size=7)
SETUP = "a = [1]\nb = [2, 2]\nc = [3, 3, 3]\nd = []\ndef f(v): return [v]\ndef g(v): return v"


class Traced(dict[str, Any]):
    """A namespace that remembers which names were read and bound."""

    def __init__(self) -> None:
        super().__init__()
        self.read: set[str] = set()
        self.written: set[str] = set()

    def __getitem__(self, key: str) -> Any:
        self.read.add(key)
        return super().__getitem__(key)

    def __setitem__(self, key: str, value: Any) -> None:
        self.written.add(key)
        super().__setitem__(key, value)

    def __delitem__(self, key: str) -> None:
        self.written.add(key)
        super().__delitem__(key)


def run(source: str, namespace: dict[str, Any]) -> bool:
    """Run a cell; False when it failed (a failed run stops there, so nothing follows)."""
    try:
        exec(compile(source, "<cell>", "exec"), namespace)
    except (RecursionError, TypeError, AttributeError, IndexError, NameError, ValueError):
        return False
    except AssertionError:
        return False
    return True


def snapshot(namespace: dict[str, Any]) -> dict[str, str]:
    """What the namespace holds, as text; functions count by their behaviour elsewhere."""
    return {
        key: repr(value)
        for key, value in namespace.items()
        if key in NAMES and not callable(value) and "0x" not in repr(value)
    }


def works(cells: list[str]) -> list[str]:
    """The cells that succeed in order: the others are left out."""
    namespace: dict[str, Any] = {}
    kept: list[str] = []
    for source in cells:
        trial: dict[str, Any] = {}
        if all(run(one, trial) for one in [*kept, source]):
            kept.append(source)
    run("\n".join(kept), namespace)
    return kept


@EXAMPLES
@given(notebooks)
def test_what_a_cell_really_reads_and_binds_is_in_its_analysis(cells: list[str]) -> None:
    graph = analyse_cells([SETUP, *cells])
    namespace = Traced()
    assert run(SETUP, namespace)
    last: dict[str, int] = dict.fromkeys(namespace.written, 0)
    for index, source in enumerate(cells, 1):
        namespace.read, namespace.written = set(), set()
        before, old = snapshot(namespace), dict(namespace)
        if not run(source, namespace):
            return
        namespace.written |= {k for k, v in namespace.items() if old.get(k, old) is not v}
        analysis = graph.nodes[index]
        sources = {edge.source for edge in graph.edges if edge.target == index}
        names = {name: analyse_name(analysis, name) for name in namespace.written}
        own = {key for key in namespace.written if names[key]}
        late = namespace.written - own - {"__builtins__"}
        assert not late or any(
            effects.writes for node in graph.nodes for effects in node.functions.values()
        )
        for key in namespace.read - set(dir(builtins)) - analysis.sure_defs:
            if key in last:
                assert last[key] in sources, (key, source)
        touched = {
            k
            for k, v in snapshot(namespace).items()
            if before.get(k) != v and namespace[k] is old.get(k)
        }
        for key in touched - own:
            assert analysis.mutates or analysis.may_mutate or calls_code(graph, analysis), key
        last.update(dict.fromkeys(namespace.written, index))


def analyse_name(analysis: Any, key: str) -> bool:
    return key in analysis.defs | analysis.deletes


def calls_code(graph: Any, analysis: Any) -> bool:
    """True when the cell reads a name that some cell bound to code."""
    return any(node.functions.keys() & analysis.refs for node in graph.nodes)


def random_order(graph: Any, chance: random.Random) -> list[int]:
    """A random order of the cells that all edges allow, biased to the notebook's reverse."""
    waiting = {index: set(graph.before(index)) for index in range(len(graph.nodes))}
    order: list[int] = []
    while waiting:
        ready = [index for index, before in waiting.items() if not before.intersection(waiting)]
        order.append(ready[-1] if chance.random() < 0.6 else chance.choice(ready))
        del waiting[order[-1]]
    return order


def outcome(cells: list[str], order: list[int]) -> tuple[bool, dict[str, str], list[str]]:
    """All values at the end, and what each function gives then."""
    namespace: dict[str, Any] = {}
    fine = all(run(cells[index], namespace) for index in order)
    probe = "pf = repr(f([0]))\npg = repr(g([0]))"
    values = snapshot(namespace)
    run(probe, namespace)
    return fine, values, [namespace.get("pf", ""), namespace.get("pg", "")]


@EXAMPLES
@given(notebooks, st.randoms(use_true_random=False))
def test_any_order_that_the_edges_allow_ends_the_same(
    cells: list[str], chance: random.Random
) -> None:
    cells = works([SETUP, *cells])
    graph = analyse_cells(cells)
    expected = outcome(cells, list(range(len(cells))))
    for _ in range(4):
        order = random_order(graph, chance)
        assert outcome(cells, order) == expected, (order, cells)


def random_notebook(chance: random.Random) -> list[str]:
    """Longer notebooks than hypothesis likes to draw."""

    def statement(_: int) -> str:
        letters = {letter: chance.choice(NAMES) for letter in "XYZ"}
        letters |= {"F": chance.choice(FUNCTIONS), "N": str(chance.randrange(10))}
        return re.sub(r"\b[XYZFN]\b", lambda match: letters[match[0]], chance.choice(STATEMENTS))

    return ["\n".join(map(statement, range(chance.choice([1, 1, 2])))) for _ in range(9)]


@pytest.mark.parametrize("seed", range(8))
def test_long_notebooks_end_the_same_too(seed: int) -> None:
    for number in range(seed * 25, seed * 25 + 25):
        chance = random.Random(number)
        cells = works([SETUP, *random_notebook(chance)])
        graph = analyse_cells(cells)
        expected = outcome(cells, list(range(len(cells))))
        for _ in range(3):
            order = random_order(graph, chance)
            assert outcome(cells, order) == expected, (order, cells)


@pytest.mark.parametrize("template", STATEMENTS)
def test_every_statement_of_the_generator_is_understood(template: str) -> None:
    letters = {"X": "a", "Y": "b", "Z": "c", "F": "f", "N": "1"}
    filled = re.sub(r"\b[XYZFN]\b", lambda match: letters[match[0]], template)
    assert analyse_cell(filled).parse_error is None
