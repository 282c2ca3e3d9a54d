"""The two properties that everything rests on, checked by running random notebooks.

(a) What a cell really read, bound and changed is in its analysis.
(b) Any order of cells that the edges allow ends in the same namespace as notebook order.
"""

from __future__ import annotations

import ast
import builtins
import random
import re
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nbflow.dataflow import analyse_cell, analyse_cells, analyse_in_order
from nbflow.dataflow.linking import Linker
from nbflow.dataflow.objects import Run

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
    "X = F(Y)\nX.append(N)",
    "X = Y.copy()",
    "X = [Y].copy()[0]",
    "X, Z = [Y, [N]]",
    "for X, w in zip([Y], [Z]): w.append(N)\ndel w",
    "for k, X in enumerate([Y, Z]): X.append(N)\ndel k",
    "X = list(map(lambda v: v + [N], [Y]))",
    "[*map(lambda v: v.append(N), [X, Y])]",
    "X = sorted([Y, Z], key=lambda v: len(v) + len(X))[0]",
    "h.append(lambda: Y)",
    "h[-1:] = [lambda: [N, X]]",
    "X = h[-1]()",
    "h[-1]().append(N)",
    "def F(v):\n    h.append(lambda: X)\n    return v",
    "def F(v):\n    X.append(Y)\n    return [N]",
    "def F(v):\n    X[:1] = [v]\n    return v",
    "def F(v): return g(v) if len(v) < 9 else v",
    "def F(v):\n    f([N]).append(N)\n    return v",
    "def F(v): return h[-1]()",
    "def take(v, w): v.append(N); return w\nF = partial(take, X)",
    "def outer():\n    k = [N]\n    def inner(v): k.append(N); return k\n    return inner\nF = outer()",
    "F([N])",
    "F(X)[:1] = [N]",
    "X = Y\nY = [N]\nX.append(N)",
    "def outer():\n    k = X\n    return lambda v: (k.append(N), k)[1]\nF = outer()",
    "X = [*map(F, [Y, Z])]",
    "def F(v):\n    t = [N]\n    X.append(t)\n    return t",
    "def deco(k): return lambda v: (X.append(N), k(v))[1]\n@deco\ndef F(v): return v",
    "def deco(k): h.append(lambda: k([N])); return k\n@deco\ndef F(v): return X",
    "def deco(w): return lambda k: lambda v: [*k(v), *w]\n@deco(X)\ndef F(v): return v",
    "def deco(k): k.count = X; return k\n@deco\ndef F(v): return F.count",
    "def twice(k): return lambda v: k(k(v))\nF = twice(F)",
    "F = partial(F, X) if X is None else F",
    "class C:\n    items = X\n    def __call__(self, v): self.items.append(N); return v\nF = C()",
    "class C:\n    X = X\n    t = [Y for _ in X]\nY = C.t[:1]",
    "def F(v):\n    class C: t = X\n    return C.t",
    "X = Y[N:] or Z",
    "k = (v for v in X)\nX = [*k]",
    "X = list(w for v in [Y] for w in Z)",
    "for X in [Y]:\n    def F(v): return X",
    "X[:], Y = [N], X",
    "with open('/dev/null') as e: X = [N]\ndel e",
    "X = [N] if (Y := Z) else Y",
]
#: Some of these fail, depending on what the names hold.
FAILING = [
    "X = [Y[N]]",
    "X = [N]\nY = [Z[N]]",
    "X.append(Y[N])\nZ = [N]",
    "X.append(N)\nY[N]\nX.append(N)",
    "Y[N]\ndel X\nX = [N]",
    "del X",
    "def F(v):\n    Y[N]\n    return X",
    "X = F(Y[N:N])",
    "Y[N]; Z = X",
    "for v in Y: X = [N]; Z[N]",
    "import json\nY[N]\nX = json.loads('[N]')",
]
statement = st.sampled_from(STATEMENTS).flatmap(fill)
header = st.sampled_from([*[""] * 12, "%%task F\n", "%%task F --no-run\n", "%%task\n"]).flatmap(
    fill
)
body = st.lists(statement, min_size=1, max_size=3).map("\n".join)
cell = st.tuples(header, body).map("".join)
failing = st.lists(st.sampled_from(STATEMENTS + FAILING * 5).flatmap(fill), min_size=1, max_size=3)
failing_notebooks = st.lists(failing.map("\n".join), min_size=2, max_size=7)
notebooks = st.lists(cell, min_size=2, max_size=7)
SETUP = "from functools import partial\na = [1]\nb = [2, 2]\nc = [3, 3, 3]\nd = []\ndef f(v): return [v]\ndef g(v): return v\nh = [lambda: [0]]"


class Traced(dict[str, Any]):
    """A namespace that remembers which names were read before they were bound, and bound."""

    def __init__(self) -> None:
        super().__init__()
        self.read: set[str] = set()
        self.written: set[str] = set()

    def __getitem__(self, key: str) -> Any:
        if key not in self.written:
            self.read.add(key)
        return super().__getitem__(key)

    def __setitem__(self, key: str, value: Any) -> None:
        self.written.add(key)
        super().__setitem__(key, value)

    def __delitem__(self, key: str) -> None:
        self.written.add(key)
        super().__delitem__(key)


def run(source: str, namespace: dict[str, Any]) -> bool:
    """Run a cell; False when it failed (a failed run stops there)."""
    line, _, code = source.partition("\n")
    if not line.startswith("%%task"):
        return run_python(source, namespace)
    kept, _, option = line.removeprefix("%%task").strip().partition(" ")
    fine = option == "--no-run" or run_python(code, namespace)
    if fine and kept:
        namespace[kept] = kept_body(code, namespace)
    return fine


def run_python(source: str, namespace: dict[str, Any]) -> bool:
    """Statement by statement: where a function says `global x`, Python binds the `x` of all
    statements that are compiled with it past a namespace that would remember it.
    """
    try:
        for statement in ast.parse(source).body:
            exec(compile(ast.Module([statement], []), "<cell>", "exec"), namespace)
    except (RecursionError, TypeError, AttributeError, IndexError, NameError, ValueError):
        return False
    except AssertionError:
        return False
    return True


def kept_body(code: str, namespace: dict[str, Any]) -> Callable[..., Any]:
    """What a task cell binds its name to: its argument stands for the first name that it reads."""
    analysis = analyse_cell(code)
    inputs, outputs = (sorted(names & set(NAMES)) for names in (analysis.refs, analysis.defs))

    def call(given: list[Any]) -> Any:
        private = dict(namespace)
        private.update(dict.fromkeys(inputs[:1], given))
        if not run_python(code, private):
            raise ValueError
        return private[outputs[0]] if outputs else [len(given)]

    return call


def snapshot(namespace: dict[str, Any]) -> dict[str, str]:
    """What the namespace holds, as text; functions count by their behaviour elsewhere."""
    return {
        key: repr(value)
        for key, value in namespace.items()
        if key in NAMES and not callable(value) and "0x" not in repr(value)
    }


def works(cells: list[str]) -> list[str]:
    """The cells that succeed in order: the others are left out."""
    kept: list[str] = []
    for source in cells:
        trial: dict[str, Any] = {}
        if all(run(one, trial) for one in [*kept, source]):
            kept.append(source)
    return kept


def check_what_happened(cells: list[str]) -> None:
    """Run the cells; all that each one read, bound or changed must have been foreseen."""
    linker, namespace = Linker(), Traced()
    last: dict[str, int] = {}
    for index, (source, analysis) in enumerate(
        zip(cells, analyse_in_order([(cell, False) for cell in cells]), strict=True)
    ):
        held = {name: linker.variable(name).object for name in [*NAMES, *FUNCTIONS, "h"]}
        foreseen = linker.cell(index, analysis)
        namespace.read, namespace.written = set(), set()
        old, before = dict(namespace), snapshot(namespace)
        assert run(source, namespace)
        written = namespace.written | {k for k, v in namespace.items() if old.get(k, old) is not v}
        written -= {"__builtins__"}
        assert written <= analysis.defs | analysis.deletes | foreseen.writes, source
        sources = {edge.source for edge in linker.result() if edge.target == index}
        for name in namespace.read - set(dir(builtins)):
            assert last.get(name, index) in {*sources, index}, (name, source)
        kept = {name for name, value in namespace.items() if old.get(name) is value}
        for name in {key for key, text in snapshot(namespace).items() if before.get(key) != text}:
            assert name not in kept or foresees_change(linker, foreseen, held, name), (name, source)
        last.update(dict.fromkeys(written, index))


def foresees_change(linker: Linker, foreseen: Run, held: dict[str, Any], name: str) -> bool:
    """True when the name, or one that may share its object, was expected to be changed."""
    expected = foreseen.mutates.keys() | foreseen.analysis.mutates | foreseen.analysis.may_mutate
    changed = [linker.variable(other).object for other in expected]
    changed += [held[other] for other in expected & held.keys()]
    return any(linker.find(item) is linker.find(linker.variable(name).object) for item in changed)


@EXAMPLES
@given(notebooks)
def test_what_a_cell_really_reads_binds_and_changes_is_foreseen(cells: list[str]) -> None:
    check_what_happened(works([SETUP, *cells]))


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
    values = snapshot(namespace)
    given = [
        call for call in ("f([0])", "g([0])", "h[-1]()") if run(f"p = repr({call})", namespace)
    ]
    return fine, values, [*given, namespace.get("p", "")]


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


def outcome_of_failing(cells: list[str], order: list[int]) -> tuple[list[int], dict[str, str]]:
    """Which cells fail, and all values at the end: after a failure the others go on."""
    namespace: dict[str, Any] = {}
    failed = [index for index in order if not run(cells[index], namespace)]
    return sorted(failed), snapshot(namespace)


@EXAMPLES
@given(failing_notebooks, st.randoms(use_true_random=False))
def test_cells_that_may_fail_end_the_same_in_any_order(
    cells: list[str], chance: random.Random
) -> None:
    cells = [SETUP, *cells]
    graph = analyse_cells([(source, number > 0) for number, source in enumerate(cells)])
    expected = outcome_of_failing(cells, list(range(len(cells))))
    for _ in range(4):
        order = random_order(graph, chance)
        assert outcome_of_failing(cells, order) == expected, (order, cells)


def random_notebook(chance: random.Random) -> list[str]:
    """Longer notebooks than hypothesis likes to draw, about few names and a few statements."""
    some = chance.sample(STATEMENTS, chance.choice([8, 16, len(STATEMENTS)]))

    def statement(_: int) -> str:
        letters = {letter: chance.choice(NAMES) for letter in "XYZ"}
        letters |= {"F": chance.choice(FUNCTIONS), "N": str(chance.randrange(10))}
        return re.sub(r"\b[XYZFN]\b", lambda match: letters[match[0]], chance.choice(some))

    def cell(_: int) -> str:
        options = ["", "", "", "", "", f"%%task {chance.choice(FUNCTIONS)} --no-run\n"]
        statements = "\n".join(map(statement, range(chance.choice([1, 1, 2]))))
        return chance.choice(options) + statements

    return list(map(cell, range(9)))


@pytest.mark.parametrize("seed", range(8))
def test_long_notebooks_end_the_same_too(seed: int) -> None:
    for number in range(seed * 25, seed * 25 + 25):
        chance = random.Random(number)
        cells = works([SETUP, *random_notebook(chance)])
        check_what_happened(cells)
        graph = analyse_cells(cells)
        expected = outcome(cells, list(range(len(cells))))
        for _ in range(3):
            order = random_order(graph, chance)
            assert outcome(cells, order) == expected, (order, cells)


def test_binding_a_name_anew_to_what_it_held_is_noticed() -> None:
    """Its function's `global x` once hid the second binding from the namespace."""
    again = "def f(v):\n    global b\n    b = v\nb = a"
    check_what_happened([SETUP, "b = a", again, "if len(b) > 1: b = [6]"])


@pytest.mark.parametrize("template", STATEMENTS + FAILING)
def test_every_statement_of_the_generator_is_understood(template: str) -> None:
    letters = {"X": "a", "Y": "b", "Z": "c", "F": "f", "N": "1"}
    filled = re.sub(r"\b[XYZFN]\b", lambda match: letters[match[0]], template)
    assert analyse_cell(filled).parse_error is None
