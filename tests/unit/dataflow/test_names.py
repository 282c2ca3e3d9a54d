"""What one cell reads, binds, deletes and changes: one table of snippets.

Columns: code; what it binds; what it reads from earlier cells while it runs; what its functions
read later. Builtins count only where they are shadowed, so they stand in no column.
"""

from __future__ import annotations

import sys

import pytest

from nbflow.dataflow import analyse_cell, from_json, to_json
from nbflow.dataflow.names import Visitor

# code | defs | refs | names read by functions, when called
TABLE = r"""
x = 1 | x | |
x = y | x | y |
x = x + 1 | x | x |
x += 1 | x | x |
x += y | x | x y |
x = y = z | x y | z |
x, y = z | x y | z |
[x, *y] = z | x y | z |
(x, (y, z)) = w | x y z | w |
x.a = y | | x y |
x[i] = y | | x i y |
x[i].b += y | | x i y |
x.a, y = z | y | x z |
x: int = 1 | x | |
x: T = y | x | T y |
x: T | | T |
x.a: T = y | | x T y |
x: "T" = 1 | x | |
x = 1; x = x + y | x | y |
y = x; x = 1 | x y | x |
print(x) | | x |
print | | |
__name__ | | |
del x | | x |
x = 1; del x | | |
x = 1; y = x; del x | y | |
del x; x = 1 | x | x |
del x.a | | x |
del x[i] | | x i |
del (x, y) | | x y |
import a | a | |
import a.b | a | |
import a.b as c | c | |
import a, b as c | a c | |
from a import b | b | |
from a import b as c | c | |
from . import b | b | |
import a; a.b() | a | |
if c: x = 1 | x | c |
if c: x = 1\nx | x | c x |
if c: x = 1\nelse: x = 2\nx | x | c |
if c: x = 1\nelif d: x = 2\nx | x | c d x |
if c: x = 1\nelif d: x = 2\nelse: raise E\nx | x | c d E |
if c:\n    import a\nelse:\n    a = None\na | a | c |
for i in xs: pass | i | xs |
for i in xs: y = i\ny | i y | xs y |
for i in i: pass | i | i |
for x.a in y: pass | | x y |
for i, (j, *k) in xs: print(j) | i j k | xs |
for i in xs:\n    break\nelse:\n    y = 1\ny | i y | xs y |
for i in xs: pass\nelse: y = 1\ny | i y | xs |
while c: x = 1\nx | x | c x |
while True:\n    x = 1\n    if c: break\nx | x | c |
while (x := f()): x\nx | x | f |
for i in xs:\n    if i: continue\n    y = 1\ny | i y | xs y |
try: x = 1\nexcept E: x = 2\nx | x | E |
try: x = 1\nexcept E: pass\nx | x | E x |
try: import a\nexcept ImportError: a = None\na | a | |
try: x = f()\nexcept E as e: print(e) | x | f E |
try: pass\nexcept E as e: pass\ne | | E e |
try: pass\nexcept (A, B) as e: x = e | x | A B |
try: x = 1\nfinally: y = 1\ny | x y | |
try: x = 1\nfinally: print(x) | x | x |
try: x = 1\nexcept E: raise\nx | x | E |
try: a\nexcept E: b\nelse: x = c\nfinally: d | x | a E b c d |
try: pass\nexcept* E as e: print(e) | | E |
with a as b: c | b | a c |
with a as b, b as c: c | b c | a |
with a as (b, c): pass | b c | a |
with a as b.c: pass | | a b |
with open(p) as f: x = f.read()\nx | f x | p |
with suppress(E): x = 1\nx | x | suppress E x |
with contextlib.suppress(E): x = 1\nx | x | contextlib E x |
async with a as b: c | b | a c |
async for i in a: i | i | a |
await a | | a |
x = await a(b) | x | a b |
raise a from b | | a b |
assert a, b | | a b |
assert (x := a), x | x | a |
[x for x in y] | | y |
[x for x in x] | | x |
[x + z for x in y if w] | | y z w |
[x for y in z for x in y] | | z |
[y for x in a for y in b if x] | | a b |
{x: v for x, v in y} | | y |
{x for x in y}; x | | y x |
(x for x in y) | | y |
sum(x * k for x in y) | | y k |
[(x := i) for i in y] | x | y |
[(x := i) for i in y]; x | x | y x |
[[j for j in i] for i in y] | | y |
[i for i in [j for j in y]] | | y |
[lambda: i for i in y] | | y |
[f(i) async for i in y] | | y f |
(x := y) | x | y |
print(x := 1, x) | x | |
if (m := f()) and m.a: m | m | f |
if a and (m := f()): m | m | a f |
if a or (m := f()): m | m | a f m |
if not (m := f()): pass\nm | m | f |
a and (m := f()); m | m | a f m |
x = a if b else c | x | a b c |
(x := a) if b else (x := c); x | x | a b c |
a < (b := c) < (d := e); b; d | b d | a c e d |
lambda: x | | |
lambda x: x | | |
lambda x=y: x | | y |
lambda *a, k=d, **w: (a, k, w, z) | | d |
f = lambda: x | f | | x
f = lambda x: x + y | f | | y
f = lambda: (lambda: z) | f | | z
def f(): return a | f | | a
def f(x): return x | f | |
def f(a, b=c, *d, e=g, **h): return a, b, d, e, h | f | c g |
def f(a: T) -> U: pass | f | T U |
@dec\ndef f(): pass | f | dec |
@property\ndef f(): return a | f | | a
@dec(x)\ndef f(): return a | f | dec x a | a
def f(): x = 1; return x | f | |
def f(): return x; x = 1 | f | |
def f():\n    global x\n    x = 1 | f | |
def f():\n    global x\n    x = 1\nx = y | f x | y |
def f():\n    global x\n    x += 1 | f | | x
def f():\n    global x\n    return x | f | | x
def f():\n    x: int\n    return x | f | |
def f():\n    x: T = 1 | f | |
def f():\n    import a\n    return a.b | f | |
def f():\n    for i in xs: pass\n    return i | f | | xs
def f():\n    with a as b: return b | f | | a
def f():\n    try: pass\n    except E as e: return e | f | | E
def f():\n    return [i for i in j] | f | | j
def f():\n    [(w := i) for i in j]\n    return w | f | | j
def f():\n    def g(): return x\n    x = 1\n    return g | f | |
def f():\n    x = 1\n    def g():\n        nonlocal x\n        x += y\n    return g | f | | y
def f():\n    def g():\n        global x\n        return x\n    x = 1 | f | | x
def f(): return f() | f | |
def f(): return g()\ndef g(): return x | f g | | x g
def f(): return a\nf() | f | a | a
def f(): return a\na = 1\nf() | f a | | a
def f(): return g()\ndef g(): return a\nf() | f g | a | a g
def f(): return a\ng = f\n | f g | a | a
def f(): yield a | f | | a
async def f(): return await a | f | | a
async def f():\n    async with a as b: return b | f | | a
def f(*, a=b): return a | f | b |
def f(a, /, b): return a + b + c | f | | c
def f():\n    match x:\n        case A(y): return y | f | | x A
def f():\n    del x | f | |
class C: pass | C | |
class C(B, metaclass=M): pass | C | B M |
class C: x = y | C | y |
class C: x = x | C | x |
class C:\n    x = 1\n    y = x | C | |
class C:\n    if a: x = 1\n    y = x | C | a x |
class C:\n    x = 1\n    def m(self): return x | C | | x
class C:\n    def m(self): return self.a + b | C | | b
class C:\n    def m(self): return C | C | |
class C:\n    xs = a\n    ys = [i for i in xs] | C | a |
class C:\n    n = 1\n    ys = [n for i in range(n)] | C | n |
class C:\n    def m(self): return __x | C | | _C__x
class C:\n    x: T = d | C | T d |
class C:\n    @dec\n    def m(self, a=b): pass | C | dec b |
class C:\n    class D: x = y | C | y |
class C:\n    global x\n    x = 1 | C x | |
@dataclass\nclass C:\n    a: int = b | C | dataclass b |
class C:\n    def m(self): return super().m() + __class__.n | C | |
class C:\n    def m(self): return a\nC() | C | a | a
def f():\n    class C:\n        x = y\n    return C | f | | y
def f(y):\n    class C:\n        y = y\n    return C | f | | y
def f(y):\n    class C:\n        z = y\n    return C | f | |
def f(y):\n    class C:\n        global y\n        z = y\n    return C | f | | y
def f(y):\n    class C:\n        nonlocal y\n        y = z\n    return C | f | | z
def f(y):\n    class C:\n        y = 1\n        def m(self): return y\n    return C | f | |
def f():\n    class C:\n        y = 1\n        z = [y for _ in x]\n    return C | f | | x y
class C:\n    for i in x: j = i\n    del i\n    k = i | C | x i |
class C:\n    x = 1\n    try: pass\n    except E as x: pass\n    y = x | C | E x |
class C:\n    x = 1\n    del x\n    y = x | C | x |
class C:\n    x = 1\n    class D: y = x | C | x |
class C:\n    import x\n    y = x.z | C | |
class C:\n    def m(self): return 1\n    n = property(m) | C | |
class C:\n    y = (lambda: x)() | C | x | x
class C:\n    __x = 1\n    y = __x, __z | C | _C__z |
class _C:\n    def m(self): return __x, __y__ | _C | | _C__x __y__
class C:\n    def m(self):\n        global __x\n        __x = 1\nC().m() | C _C__x | |
class C:\n    def m(self, a=b, *, c: d = e) -> h: return a | C | b d e h |
def f(a, b=lambda: a): pass | f | | a
def f(a, b=[a for _ in c]): pass | f | a c |
def f(x=x): return x | f | x |
@(x := y)\ndef f(): return x | f x | y | x
def f(a: (x := y)): return x | f x | y | x
def f():\n    global x, y\n    import x\n    from a import y as z, b as y | f | |
def f():\n    global x\n    def x(): return y\nf(); x() | f x | x y | y
def f():\n    global x\n    for x in y: pass\nf()\nx | f x | x y | y
def f():\n    def g():\n        def h():\n            nonlocal x\n            x = y\n        return h\n    x = 1\n    return g | f | | y
def f():\n    x = 1\n    def g():\n        global x\n        def h(): return x\n        return h\n    return g | f | | x
def f():\n    print(x)\n    x = 1 | f | |
def f():\n    if a: x = 1\n    return x | f | | a
def f():\n    return [x for x in x] | f | | x
def f():\n    x = [x for x in y]\n    return x | f | | y
def f(*x, **y): return [(x, y, z) for _ in x] | f | | z
def f(): return [y for x in z if (y := x)] | f | | z
def f():\n    def g(): return x\n    return g\nf()() | f | x | x
def f(): return (lambda y: lambda z: x + y + z) | f | | x
def f(): return {**x, "y": y}, [*z] | f | | x y z
async def f(): return [x async for x in y if await z] | f | | y z
async def f():\n    async for x.a in y: pass\n    async with a as b, b.c() as d: return d | f | | x y a
[y for x in z if (y := x)] | y | z |
[[(x := y) for y in z] for _ in w]; x | x | z w x |
[x for x, y in z if y for w in x] | | z |
[(lambda: x)() for x in y] | | y |
[lambda x=x: x + z for x in y] | | y |
list(x for x in x) | | x |
(y for x in z for y in w) | | z w |
g = (y for x in z for y in w) | g | z w | w
g = (lambda: (yield x)) | g | | x
any((y := x) for x in z); y | y | z y |
while a:\n    b = c\n    if b: break\nelse: d = b | b d | a c b |
for x in x: pass\nelse: y = x | x y | x |
for x in y:\n    for z in x: pass\nz | x z | y z |
with a() as x, x.b() as y: z = y | x y z | a |
with (a as x, b as y): pass | x y | a b |
try: x\nexcept NameError: x = 1\nx | x | x |
try:\n    import a.b as x\nexcept ImportError:\n    from c import x\nx | x | |
try: pass\nexcept (A or B) as e: e | | A B |
try: x = 1\nexcept E as x: pass\nx | x | E |
e = 1\ntry: pass\nexcept E as e: pass\nx = e | e x | E |
def f():\n    try: pass\n    except E as e: pass\n    return e | f | | E
try:\n    raise A\nexcept* B as e: x = e.exceptions\nelse: y = 1\nfinally: z = 1 | x y z | A B |
import a.b.c, a.d as e | a e | |
from .a import (b, c as d) | b d | |
x: y.z[T] = a | x | y T a |
(x): y = a | x | y a |
x: int; x | | x |
del x, y.z, w[v] | | x y w v |
x = 1\nif a: del x\nx | x | a |
x[i], y.z, *w = a | w | x i y a |
x[y := a] = y | y | x y a |
x[i := 1] += i | i | x |
for x[i] in y: x | | x i y |
(x, y), z = a, x | x y z | a x |
x = (x, y := x) | x y | x |
print(f"{x:{y}.{z}}", f"{a!r}", f"{b = }") | | x y z a b |
f"{(lambda: x)()}" | | x |
f"{x:{y}}" if a else f"{b}{{c}}" | | a x y b |
match x:\n    case {"a": [y, *_], **z} if y in w: z | y z | x w |
match x:\n    case A.B \| C.D: pass\n    case E(f=E.g) as h: h | h | x A C E |
match x, y:\n    case (a, b), [*c]: a | a b c | x y |
match x:\n    case -1 \| "a" \| None: y = 1\n    case (1 \| 2) as z: y = z\n    case z: y = z\ny, z | y z | x z |
match = case = type = 1; match, case, type | match case type | |
list = [1]; list | list | |
def len(x): return y\nlen(1) | len | y | y
print(__name__, __file__, __doc__, __builtins__) | | |
_ = x; _ | _ | x |
a = b = a | a b | a |
a, b = b, a | a b | a b |
a = a if a else b | a | a b |
x = y = z = f(x) | x y z | f x |
assert x, (y := z) | y | x z |
lambda *, x=y, **z: (x, z, w) | | y |
f = lambda x, *y, z=z: (x, y, z, w) | f | z | w
f = lambda: (x := y) | f | | y
f = lambda: [x for x in y if z] | f | | y z
x = lambda: x | x | | x
def f(n): return f(n - 1) + g(n)\ndef g(n): return f(n) + x\nf(1) | f g | x | f g x
def f():\n    yield x\n    y = yield from z\n    return y | f | | x z
if 0: x = y\nx | x | x |
if True: x = 1\nx | x | |
while 1:\n    x = 1\n    break\nx | x | |
if a:\n    def f(): return x\nelse:\n    f = None\nf() | f | a x | x
sys.exit(x) if a else y | | sys x a y |
import duckdb as d\nx = d.sql("select * from df join other o on o.a = df.a, more") | d x | df other |
import polars as pl\npl.sql(f"from {a} join b").collect() | pl | a b |
sql("select * from df") | | sql |
match x:\n    case 1: a = 2 | a | x |
match x:\n    case y: y | y | x |
match x:\n    case _: y | | x y |
match x:\n    case A.B: pass | | x A |
match x:\n    case A(b, c=d): b, d | b d | x A |
match x:\n    case [a, *b]: b | a b | x |
match x:\n    case {"k": v, **r}: r | v r | x |
match x:\n    case {K.a: v}: v | v | x K |
match x:\n    case [a] \| (a, _): a | a | x |
match x:\n    case int() as n if n > m: n | n | x m |
match x:\n    case 1: y = 1\n    case _: y = 2\ny | y | x |
match x:\n    case 1: y = 1\ny | y | x y |
f"{x}" | | x |
f"{x!r:>{w}}" | | x w |
f"{x=}" | | x |
f"{[i for i in y]}" | | y |
x[a:b, c] | | x a b c |
f(*a, **b) | | f a b |
{**a, "k": b} | | a b |
x @ y | | x y |
a < b < c | | a b c |
df.query("a > @limit") | | df limit |
sys.exit(); x | | sys x |
raise E\nx | | E |
x = 1\nraise E\nx | x | E |
global x; x = 1 | x | |
x = list(y) | x | y |
from __future__ import annotations | annotations | |
x = y; | x | y |
"doc" | | |
... | | |
x = [y, z][0] | x | y z |
a.b.c(d.e) | | a d |
""".strip("\n")

NEW_SYNTAX = r"""
type X = int | X | |
type X = Y | X | | Y
type X[T] = list[T] | X | |
def f[T](a: T) -> T: return a | f | |
def f[T: B](a: T) -> T: return a | f | | B
def f[T](a: T): return T, U | f | | U
class C[T](B[T]): pass | C | B |
class C[T]:\n    def m(self) -> T: return T | C | |
class C[T]:\n    x: list[T] = y | C | y |
class C[__T]:\n    x = __T | C | |
type X[T: A] = T \| Y | X | | A Y
type X = X | X | | X
type X = Y\nX.__value__ | X | Y | Y
def f[T: (A, B), *Ts, **P](*a: *Ts, b: C = d) -> P: return T, x | f | C d | A B x
async def f[T](a: T): return [T for _ in x] | f | | x
@dec\ndef f[T](a: T): return T | f | dec |
class C[T](B, metaclass=M):\n    def m[U](self, a: U) -> T: return a, U, x | C | B M x | x
def f():\n    T = 1\n    def g[U](a: T): return U\n    return g | f | |
""".strip("\n")


def rows(table: str) -> list[tuple[str, ...]]:
    split = [line.replace(r"\|", "\0").split(" |") for line in table.splitlines()]
    return [
        (row[0].replace("\0", "|").replace("\\n", "\n"), *(cell.strip() for cell in row[1:]))
        for row in split
    ]


@pytest.mark.parametrize(("code", "defs", "refs", "late"), rows(TABLE))
def test_what_code_binds_and_reads(code: str, defs: str, refs: str, late: str) -> None:
    analysis = analyse_cell(code)
    assert analysis.parse_error is None
    assert analysis.defs == set(defs.split())
    assert analysis.refs == set(refs.split())
    reads = set[str]().union(*(effects.reads for effects in analysis.functions.values()))
    own = set(analysis.functions)
    assert reads - own == set(late.split()) - own


@pytest.mark.parametrize(("code", "defs", "refs", "late"), rows(NEW_SYNTAX))
def test_generics_and_type_aliases(code: str, defs: str, refs: str, late: str) -> None:
    if sys.version_info < (3, 12):  # such a kernel cannot run it either
        assert analyse_cell(code).parse_error
    else:
        test_what_code_binds_and_reads(code, defs, refs, late)


# code | surely changed | perhaps changed
MUTATIONS = r"""
x.append(1) | x |
x[0] = 1 | x |
x.a = 1 | x |
x.a.b[0] += 1 | x |
del x[0] | x |
x += y | x |
x += 1 | |
y = x; y.append(1) | x y |
y = x.a; y[0] = 1 | x y |
for y in x: y.append(1) | x y |
[y.append(1) for y in x] | x |
with x as y: y.close() | x y |
y = [x]; y[0].a = 1 | x y |
y = f(x); y.append(1) | y | x
f(x) | | x
len(x) | |
print(x) | |
x.head() | |
x.unknown() | | x
x.drop(1, inplace=True) | x |
x.drop(1, inplace=False) | |
setattr(x, "a", 1) | x |
next(x) | x |
np.compute(a, out=x) | x |
def f(): x.append(1) | |
def f(): x.append(1)\nf() | x |
def f():\n    y = x\n    y.append(1)\nf() | x |
(lambda: x.append(1))() | x |
y = lambda: x.append(1) | |
""".strip("\n")


LAZY = r"""
def f(a: x, *b: y) -> z: return w | f | | x y z w
x: y = z | x | z |
x: y | | |
x.a: y = z | | x z |
class C:\n    a: x = y\n    def m(self: z): return w | C | y | x z w
class C(B):\n    a: x = y | C | B y x | x
@dec\nclass C:\n    a: x = y | C | dec y x | x
@dec\ndef f(a: x): pass | f | dec x |
def f():\n    a: x = y | f | | y
""".strip("\n")


@pytest.mark.parametrize(("code", "defs", "refs", "late"), rows(LAZY))
def test_annotations_may_be_evaluated_later(
    code: str, defs: str, refs: str, late: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    future = "from __future__ import annotations\n" + code
    test_what_code_binds_and_reads(future, f"annotations {defs}", refs, late)
    monkeypatch.setattr(Visitor, "lazy_annotations", True)
    test_what_code_binds_and_reads(code, defs, refs, late)


@pytest.mark.parametrize(("code", "surely", "perhaps"), rows(MUTATIONS))
def test_what_code_changes_in_place(code: str, surely: str, perhaps: str) -> None:
    analysis = analyse_cell(code)
    assert analysis.mutates == set(surely.split())
    assert analysis.may_mutate - {"x"} <= {"np", "a", "b", "f", "y"} | analysis.defs
    assert ("x" in analysis.may_mutate) == ("x" in perhaps.split())


# code | part of the reason
AMBIGUOUS = r"""
from a import * | import *
exec("x = 1") | exec
eval("x") | eval
globals()["x"] = 1 | globals
locals()["x"] = 1 | locals
vars()["x"] = 1 | vars
get_ipython().run_cell("x") | run_cell
get_ipython().user_ns["x"] = 1 | user_ns
def f(): exec("x")\nf() | exec
_ + 1 | history
Out[3] | history
%run a.py | %run
%reset -f | %reset
%unknown_magic | %unknown_magic
%%unknown_magic\nx = 1 | %%unknown_magic
x = = | parsed
""".strip("\n")


@pytest.mark.parametrize(("code", "reason"), rows(AMBIGUOUS))
def test_code_that_hides_its_names_says_why(code: str, reason: str) -> None:
    assert reason in " ".join(analyse_cell(code).ambiguous)


@pytest.mark.parametrize(("code", "defs", "refs", "late"), rows(TABLE))
def test_json_keeps_everything(code: str, defs: str, refs: str, late: str) -> None:
    analysis = analyse_cell(code)
    assert from_json(to_json(analysis)) == analysis


@pytest.mark.parametrize(
    "code",
    [
        "(" * 5000,
        "[" * 5000 + "]" * 5000,
        "x" + ".a" * 5000,
        "f(" * 3000,
        "x = \0",
        "-" * 50000 + "1",
    ],
)
def test_monstrous_code_is_opaque_and_raises_nothing(code: str) -> None:
    assert analyse_cell(code).parse_error


def test_long_chains_are_no_nesting() -> None:
    assert analyse_cell("x = a" + " + b" * 900).refs == {"a", "b"}
    assert analyse_cell("if a: pass\n" + "elif b: c\n" * 80).refs == {"a", "b", "c"}
