"""Notebooks whose meaning is easily lost when their cells become the body of a function.

Each is a list of cells: its code, or its code and its tags.
"""

from __future__ import annotations

from typing import Final

Cell = str | tuple[str, list[str]]

NOTEBOOKS: Final[dict[str, list[Cell]]] = {
    "mutation_through_an_alias": [
        "rows = [1, 2]\nalias = rows",
        "%%task grow\nalias.append(3)\ntotal = sum(rows)",
        "rows.append(4)\nprint(alias, total)",
    ],
    "closures_bind_late": [
        "factor = 2",
        "def scaled(x):\n    return x * factor\n\nby_lambda = lambda x: x * factor",
        "before = scaled(10), by_lambda(10)",
        "factor = 5",
        "after = scaled(10), by_lambda(10)\nprint(before, after)",
    ],
    "closures_of_a_task_bind_late": [
        "%%task\nfactor = 2\nscale = lambda x: x * factor\nfirst = scale(1)",
        "factor = 7\nsecond = scale(1)\nprint(first, second)",
    ],
    "a_task_changes_what_a_function_reads": [
        "limit = 1\ndef below(x):\n    return x < limit",
        "%%task raise_limit\nlimit = limit + 10\ninside = below(5)",
        "outside = below(5)\nprint(limit, inside, outside)",
    ],
    "a_task_reads_a_function_that_reads_a_name": [
        "offset = 3\ndef shift(x):\n    return x + offset",
        "%%task\nmoved = [shift(x) for x in range(3)]",
        "offset = 30",
        "%%task\nmoved_again = [shift(x) for x in range(3)]",
        "print(moved, moved_again)",
    ],
    "generators_are_lazy": [
        "n = 2\nlazy = (x * n for x in range(4))",
        "n = 10",
        "got = list(lazy)\nprint(got, list(lazy))",
    ],
    "generators_of_a_task_are_lazy": [
        "n = 2",
        "%%task\nlazy = (x * n for x in [1, 2, 3])",
        "n = 10",
        "got = list(lazy)",
    ],
    "generator_functions": [
        "step = 1\ndef count():\n    while True:\n        yield step\n\nticks = count()\na = next(ticks)",
        "step = 5\nb = next(ticks)\nprint(a, b)",
    ],
    "global_statements": [
        "calls = 0\ndef tick():\n    global calls\n    calls += 1\n    return calls",
        "tick(); tick()",
        "%%task\nthird = tick()",
        "calls = calls * 10\nlast = tick()\nprint(third, last, calls)",
    ],
    "global_makes_a_new_name": [
        "def setup():\n    global config\n    config = {'a': 1}\n",
        "setup()",
        "config['b'] = 2\nkeys = sorted(config)\nprint(keys)",
    ],
    "class_bodies_read_names": [
        "size = 3",
        (
            "class Box:\n    size = size\n    doubled = size * 2\n    parts = [n for n in range(size)]\n"
            "    def volume(self):\n        return size ** 3"
        ),
        "size = 4\nbox = Box()\nfound = box.size, box.doubled, box.parts, box.volume()\nprint(found)",
    ],
    "classes_of_a_task": [
        (
            "%%task\nclass Point:\n    def __init__(self, x):\n        self.x = x\n"
            "    def __repr__(self):\n        return f'Point({self.x})'\n\norigin = Point(0)"
        ),
        "moved = Point(origin.x + 5)\nprint(origin, moved, isinstance(origin, Point))",
    ],
    "augmented_assignment": [
        "total = 0\nitems = [1]\nother = items",
        "%%task add\ntotal += 5\nitems += [2]",
        "total += 1\nitems += [3]\nprint(total, items, other, items is other)",
    ],
    "del_of_names": [
        "big = list(range(5))\nkept = 1\nfew = big[:2]",
        "%%task drop\nsmall = big[-1]\ndel big",
        "del kept\nprint(small, few)\nhave = 'big' in globals(), 'kept' in globals()\nprint(have)",
    ],
    "del_without_globals": [
        "big = list(range(5))\nkept = 1",
        "%%task drop\nsmall = big[-1]\ndel big",
        "del kept\nbig = small + 1\nprint(big)",
    ],
    "star_import": [
        "from math import *",
        "area = pi * sqrt(4)\npi = 3",
        "rough = pi * 2\nprint(round(area, 3), rough)",
    ],
    "star_import_binds_anew": [
        "pi = 'pie'\nsqrt = len",
        "from math import *",
        "x = round(pi, 2), sqrt(9)\nprint(x)",
    ],
    "walrus": [
        "if (n := 10) > 5:\n    print(n)",
        "squares = [last := i * i for i in range(4)]\nprint(last, squares)",
        "%%task\nwhile (n := n - 3) > 0:\n    print(n)",
        "final = n, last",
    ],
    "match": [
        "event = {'kind': 'click', 'at': [3, 4], 'extra': 1}",
        (
            "match event:\n    case {'kind': 'click', 'at': [x, y], **rest}:\n        place = x + y\n"
            "    case _:\n        place = None\nprint(place, rest)"
        ),
        "%%task\nmatch [1, 2, 3]:\n    case [head, *tail]:\n        got = head, tail",
        "print(got, x, y)",
    ],
    "decorators": [
        (
            "seen = []\ndef noted(fn):\n    seen.append(fn.__name__)\n    print('noting', fn.__name__)\n"
            "    def wrapper(*args):\n        seen.append(args)\n        return fn(*args)\n    return wrapper"
        ),
        "print('before')\n\n@noted\ndef double(x):\n    return 2 * x",
        "%%task\nfour = double(2)",
        "print(four, seen)",
    ],
    "library_decorators": [
        "import functools\n\n@functools.lru_cache\ndef fib(n):\n    return n if n < 2 else fib(n - 1) + fib(n - 2)",
        (
            "from dataclasses import dataclass, field\n\n@dataclass\nclass Row:\n    name: str\n"
            "    values: list = field(default_factory=list)"
        ),
        "%%task\nrow = Row('a', [fib(20)])",
        "row.values.append(1)\nprint(row)",
    ],
    "annotations": [
        "from __future__ import annotations\nimport datetime as dt",
        "day: dt.date = dt.date(2024, 2, 29)\nempty: int",
        "def later(d: dt.date, by: Days = 1) -> dt.date:\n    return d + dt.timedelta(by)",
        "%%task\nnext_day: dt.date = later(day)",
        "print(next_day)",
    ],
    "an_alias_of_a_type": [
        "Vector = list[float]",
        "def norm(v: Vector) -> float:\n    return sum(x * x for x in v) ** 0.5",
        "%%task\nlength = norm([3.0, 4.0])",
        "print(length)",
    ],
    "redefinition": [
        "def step(x):\n    return x + 1",
        "a = step(1)",
        "def step(x):\n    return x * 100",
        "b = step(1)\nprint(a, b)",
    ],
    "two_tasks_with_a_function_of_one_name": [
        "%%task\ndef helper(x):\n    return x + 1\n\na = helper(1)",
        "%%task\ndef helper(x):\n    return x * 100\n\nb = helper(1)",
        "print(a, b, helper(2))",
    ],
    "an_alias_of_a_function": [
        "def step(x):\n    return x + k\nk = 1\nalias = step",
        "def step(x):\n    return -x",
        "%%task\nk = 50\ngot = alias(1), step(1)",
        "print(got)",
    ],
    "pandas_in_place": [
        "import pandas as pd\ndf = pd.DataFrame({'a': [3, 1, 2]})\nview = df",
        "%%task clean\ndf['b'] = df['a'] * 2\ndf.sort_values('a', inplace=True)",
        "limit = 1",
        "%%task\nbig = df.query('a > @limit')",
        "df.drop(columns='a', inplace=True)\nprint(list(view.columns), len(big))\nbig",
    ],
    "submitted_tasks": [
        "import time\nbase = [1]",
        "%%task slow --submit\ntime.sleep(0.2)\nleft = base + [2]",
        "%%task other --submit\ntime.sleep(0.1)\nright = base + [3]",
        "quick = 1",
        "both = left + right\nprint(both)",
    ],
    "submitted_tasks_depend_on_each_other": [
        "import time",
        "%%task first --submit\ntime.sleep(0.1)\none = 1",
        "%%task second --submit\ntwo = one + 1",
        "%%task third --submit\nthree, four = two + 1, two + 2",
        "%%task fourth --submit\nfive = three + two",
        "print(one, two, three, four, five)",
    ],
    "a_cell_changes_what_a_submitted_task_reads": [
        "import time\nrows = [1, 2, 3]",
        "%%task --submit\ntime.sleep(0.2)\ntotal = sum(rows)",
        "rows.append(100)",
        "print(total, rows)",
    ],
    "submitted_tasks_make_one_name": [
        "import time",
        "%%task slow --submit\ntime.sleep(0.2)\nx = 1\ny = x + 1",
        "%%task fast --submit\nx = 10\nz = x + 1",
        "print(z)",
        "print(x, y)",
    ],
    "a_submitted_task_changes_its_input": [
        "import time\nrows = [3, 1, 2]",
        "%%task --submit\ntime.sleep(0.1)\nrows.sort()",
        "%%task --submit\nfirst = rows[0]",
        "x = 5",
        "print(first, rows)",
    ],
    "parameters": [
        (
            (
                "import datetime as dt\nname = 'world'  # whom to greet\ntimes: int = 2\nratio = 0.5\n"
                "day = dt.date(2024, 1, 31)\nsizes = [1, 2]\nflag = False\nnothing = None"
            ),
            ["parameters"],
        ),
        "sizes.append(times)\ntext = f'hello {name} ' * times",
        "%%task\nshare = ratio * times",
        "print(text, share, day, sizes, flag, nothing)",
    ],
    "parameters_that_functions_read": [
        ("rate = 0.5\nlimit = 3", ["parameters"]),
        "def scaled(x):\n    return min(x * rate, limit)",
        "a = scaled(4)\nrate = rate * 2",
        "%%task\nb = scaled(4)",
        "print(a, b)",
    ],
    "parameters_made_when_the_flow_runs": [
        ("import os\nplace = os.environ.get('NOWHERE', 'here')\nlong = [place]", ["parameters"]),
        "def where():\n    return place, long",
        "long.append(1)\nprint(where(), long)",
    ],
    "annotated_names_of_the_module": [
        "count: int = 0\ntotal: float",
        "def tick():\n    global count\n    count += 1\n    return total",
        "%%task\ntotal: float = 2.5\nif total:\n    count: int = 10\ngot = tick()",
        "print(count, total, got)",
    ],
    "annotations_alone_bind_nothing": [
        "total: float",
        "total = 2.5\ndef tick():\n    return total",
        "print(total, tick())",
    ],
    "a_task_binds_a_parameter_that_functions_read": [
        ("rate = 0.5", ["parameters"]),
        "def scaled(x):\n    return x * rate",
        "%%task\nrate = rate * 2\na = scaled(4)",
        "print(a, rate)",
    ],
    "parameters_that_functions_read_only": [
        ("rate = 0.5", ["parameters"]),
        "def scaled(x):\n    return x * rate",
        "%%task\nb = scaled(4)",
        "print(b)",
    ],
    "raises_exception": [
        "x = 1",
        ("x = 2\nprint('trying')\n1 / 0\nx = 3", ["raises-exception"]),
        ("%%task broken\ny = 1\nraise ValueError('no')", ["raises-exception"]),
        "print(x)",
    ],
    "top_level_await": [
        "import asyncio\nasync def fetch(n):\n    await asyncio.sleep(0)\n    return n * 2",
        "a = await fetch(2)",
        "%%task load\nb = await fetch(a)",
        "c = [await fetch(i) for i in range(3)]\nasync def pairs():\n    yield 1\n    yield 2",
        "d = [x async for x in pairs()]\nprint(a, b, c, d)",
    ],
    "f_strings": [
        "name, width = 'x', 8\nlong = f'''\n  {name!r:>{width}}\n    end'''",
        "%%task\ntext = f\"{name + '!'} {len(long)}\"\nblock = '''\n  kept\n\tas it is\n'''",
        "print(text, long, block)",
    ],
    "a_name_that_shadows_a_builtin": [
        "numbers = list((3, 1, 2))\nprint(max(numbers))",
        "list = sorted(numbers)\nmax = max(list)",
        "%%task\nsum = sum(list)\nid = 7",
        "print(list, max, sum, id)",
    ],
    "words_of_our_own": [
        "task = 'clean'\nflow = [1]\nsys = 'system'",
        "%%task work\ndone = task + sys",
        "def show():\n    return task, flow\nprint(done, show())\ntask",
    ],
    "a_task_that_defines_a_function": [
        "%%task tools\nimport math\nSCALE = 3\ndef area(r):\n    return SCALE * r * r\n",
        "%%task\nsmall = area(1)",
        "SCALE = 4\nbig = area(2)\nprint(small, big, math.floor(2.5))",
    ],
    "conditional_definitions": [
        "fast = True\nif fast:\n    def compute(x):\n        return x * k\nelse:\n    def compute(x):\n        return x",
        "k = 4",
        "%%task\nif fast:\n    result = compute(2)\n    extra = 1",
        "k = 5\nprint(result, compute(2), extra)",
    ],
    "a_name_bound_on_some_paths": [
        "value = 1",
        "%%task\nif value > 5:\n    value = 0\n    other = 1",
        "other = 2\nprint(value, other)",
    ],
    "imports_after_paths": [
        "import sys, os\nfolder = os.path.join(os.getcwd(), 'helpers_of_export')\nos.makedirs(folder, exist_ok=True)",
        "with open(os.path.join(folder, 'helper_of_export.py'), 'w') as file:\n    n = file.write('value = 41')",
        "sys.path.insert(0, folder)",
        "import helper_of_export\ndef answer():\n    return helper_of_export.value + 1",
        "%%task\nvalue = answer()\nsame = helper_of_export.value",
        "sys.path.remove(folder)\nprint(value, same)",
    ],
    "magic_lines": [
        "%matplotlib inline\n%load_ext nbflow\nimport os\nword = 'it'",
        "%time x = sum(range(10))\nout = !echo {word} $word '$HOME_OF_NOBODY'\nprint(x, list(out))",
        "%env EXPORT_TEST=yes\nos.environ['EXPORT_TEST']",
        "%%time\ny = x + 1",
        "if y:\n    %config InlineBackend.rc = {}\n    z = 1",
        '%%writefile made_by_export.txt\nfirst "line"\n  second\\n',
        "text = open('made_by_export.txt').read()\nos.remove('made_by_export.txt')\nhere = %pwd\nassert here\nprint(text)",
        "print(y, z)",
        "%%capture\nprint('unseen')",
    ],
    "exec_and_globals": [
        "exec('made = 5')\nx = made + 1",
        "globals()['y'] = x + 1\ncode = 'z = y + 1'\nexec(code)",
        "def look(name):\n    return globals()[name]\nw = look('z')\nvalue = eval('w * 2')\nprint(x, y, z, value)",
    ],
    "main_guard": [
        "def main():\n    print('main')\n    return 3",
        "if __name__ == '__main__':\n    result = main()\nelse:\n    result = None\nprint(result)",
    ],
    "last_expressions": [
        "values = {'a': 1}\nvalues",
        "'text'",
        "values['a'] + 1;",
        "None",
        "values.get('b')",
        "print('printed')",
        "%%task\nlen(values)",
        "%%task\ncount = len(values)\ncount + 1  # shown",
        "[\n    1,\n    2,\n]",
        "1, 2",
        "(3), (4)  # both",
    ],
    "tasks_are_called_later": [
        "names = ['a', 'b']",
        "%%task load --no-run\nprint('loading', names)\nupper = [n.upper() for n in names]",
        "once = load(['x'])",
        "again = load()",
        "print(once, again)",
    ],
    "flow_cells": [
        "base = 10",
        "%%flow sums --param k:int=3\nparts = [base * i for i in range(k)]\ntotal = sum(parts)",
        "print(total, parts)",
    ],
    "comprehensions_have_scopes": [
        "x = 'outer'\nsquares = [x * x for x in range(3)]\nnested = [[i * j for j in range(2)] for i in range(2)]",
        "%%task\nthings = {x: len(squares) for x in 'ab'}\nsame = x",
        "print(x, squares, nested, things, same)",
    ],
    "loops_and_handlers": [
        "for i in range(3):\n    last = i\nelse:\n    done = True",
        "try:\n    int('no')\nexcept ValueError as error:\n    message = str(error)[:7]\nfinally:\n    ended = 1",
        "%%task\nwith open('/dev/null') as handle:\n    content = handle.read()",
        "print(i, last, done, message, ended, content, handle.closed)",
    ],
    "default_arguments": [
        "start = 5\ndef count(n, begin=start):\n    return list(range(begin, begin + n))",
        "start = 100",
        "def collect(x, into=[]):\n    into.append(x)\n    return list(into)",
        "%%task\none = count(2)\ntwo = collect(1), collect(2)",
        "print(one, two)",
    ],
    "semicolons_and_comments": [
        "# what this is\na = 1; b = 2  # two at once\n\n\n# and then\nc = a + b\n# the end",
        "x = (\n    a  # inside\n    + b\n)\nprint(x, c)",
    ],
    "tags_instead_of_magics": [
        ("base = [1, 2]", ["step:load", "retries:2"]),
        ("total = sum(base)", ["task:add up", "timeout:60", "cache:1h"]),
        ("never = 1 / 0", ["skip-execution"]),
        "print(total)",
    ],
    "nested_functions": [
        (
            "level = 1\ndef outer():\n    inner_level = level\n    def inner():\n        nonlocal inner_level\n"
            "        inner_level += level\n        return inner_level\n    return inner"
        ),
        "inner = outer()\nlevel = 10\nfirst = inner()",
        "%%task\nlevel = 100\nsecond = inner()",
        "print(first, second)",
    ],
    "instances_read_late": [
        "rate = 1\nclass Model:\n    def predict(self, x):\n        return x * rate\nmodel = Model()",
        "%%task\nrate = 2\ninside = model.predict(10)",
        "rate = 3\noutside = model.predict(10)\nprint(inside, outside)",
    ],
    "decorated_tasks_of_the_notebook": [
        "from nbflow import flow, task\n\n@task(retries=1)\ndef double(x):\n    return x * k\nk = 2",
        "@flow\ndef many(n: int = 3):\n    return [double(i) for i in range(n)]",
        "%%task\ngot = many(2)",
        "print(got, double(5))",
    ],
    "nothing_but_definitions": [
        "def f():\n    return 1",
        "%%task only\ndef g():\n    return f() + 1",
    ],
}
