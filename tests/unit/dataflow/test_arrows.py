"""What people see: the arrows between the cells of notebooks as data scientists write them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from nbflow.dataflow import analyse_cells

IMPORTS = "import numpy as np\nimport pandas as pd\nimport matplotlib.pyplot as plt"
LOAD = "df = pd.read_csv('sales.csv')"
SPLIT = "train, test = train_test_split(df, random_state=0)"

#: what it is about -> cells, then arrows as source>target:names, ~ for dashed ones.
NOTEBOOKS: dict[str, tuple[list[str], str]] = {
    "imports are settings": ([IMPORTS, LOAD, "df.head()"], "0>1:pd 1>2:df"),
    "a plot changes no data": (
        [IMPORTS, LOAD, "plt.plot(df['a'])\nplt.show()", "df.plot()", "df.mean()"],
        "0>1:pd 1>2:df 1>3:df 1>4:df",
    ),
    "axes are drawn upon, data are not": (
        [IMPORTS, LOAD, "fig, ax = plt.subplots()\nax.plot(df['a'])", "print(df)", "ax.legend()"],
        "0>1:pd 1>2:df 1>3:df 2>4:ax",
    ),
    "columns are added in place": (
        [IMPORTS, LOAD, "df['c'] = df['a'] / df['b']", "df.groupby('c').sum()"],
        "0>1:pd 1>2:df 2>3:df",
    ),
    "models in parallel": (
        [
            "from sklearn.svm import SVC\nfrom sklearn.linear_model import Ridge",
            "X, y = load()",
            "a = SVC().fit(X, y)",
            "b = Ridge()\nb.fit(X, y)",
            "best = max([a, b], key=lambda model: model.score(X, y))",
        ],
        "0>2:SVC 0>3:Ridge 1>2:X,y 1>3:X,y 1>4:X,y 2>4:a 3>4:b",
    ),
    "a fit in a cell of its own": (
        [
            "from sklearn.svm import SVC",
            "X, y = load()",
            "model = SVC()",
            "model.fit(X, y)",
            "model.score(X, y)",
        ],
        "0>2:SVC 1>3:X,y 1>4:X,y 2>3:model 3>4:model",
    ),
    "own pure functions": (
        [
            "def train(t, k): return np.mean(t) * k",
            "df = load()",
            "a = train(df, 1)",
            "b = train(df, 2)",
        ],
        "0>2:train 0>3:train 1>2:df 1>3:df",
    ),
    "own functions that change": (
        ["def clean(t): t['a'] = 0", "df = load()", "clean(df)", "print(df)"],
        "0>2:clean 1>2:df 1>3:df 2>3:~",
    ),
    "unknown code may change": (
        ["df = load()", "prepare(df)", "print(df)"],
        "0>1:df 0>2:df 1>2:~",
    ),
    "a helper of a helper": (
        [
            "def mean(t): return t['a'].mean()",
            "def centred(t): return t['a'] - mean(t)",
            "df = load()",
            "a = centred(df)",
            "b = centred(df)",
        ],
        "0>3:mean 0>4:mean 1>3:centred 1>4:centred 2>3:df 2>4:df",
    ),
    "a split goes round the model": (
        [
            "from sklearn.model_selection import train_test_split",
            "df = load()",
            SPLIT,
            "model = fit(train)",
            "score = model.score(test)",
        ],
        "0>2:train_test_split 1>2:df 2>3:train 2>4:test 3>4:model",
    ),
    "settings need no arrows of their own": (
        ["rate = 0.1", "a = load(rate)", "b = a * rate", "c = b * rate"],
        "0>1:rate 1>2:a 2>3:b",
    ),
    "seaborn draws": (
        ["import seaborn as sns", "df = load()", "sns.histplot(df, x='a')", "sns.boxplot(data=df)"],
        "0>2:sns 0>3:sns 1>2:df 1>3:df",
    ),
    "statistics": (
        [
            "import statsmodels.api as sm",
            "df = load()",
            "fitted = sm.OLS(df['y'], sm.add_constant(df[['a']])).fit()",
            "print(fitted.summary())",
            "df.corr()",
        ],
        "0>2:sm 1>2:df 1>4:df 2>3:fitted",
    ),
}


def arrows(cells: list[str]) -> str:
    found = [
        f"{edge.source}>{edge.target}:{'' if edge.certain else '~'}{','.join(edge.names)}"
        for edge in analyse_cells(cells).display_edges()
    ]
    return " ".join(found)


@pytest.mark.parametrize("about", NOTEBOOKS)
def test_arrows(about: str) -> None:
    cells, expected = NOTEBOOKS[about]
    assert arrows(cells) == expected


def test_the_digits_example_branches_where_its_models_are_tuned() -> None:
    path = Path(__file__).parents[3] / "examples/digits/digits.ipynb"
    cells = [
        "".join(cell["source"])
        for cell in json.loads(path.read_text())["cells"]
        if cell["cell_type"] == "code"
    ]
    graph = analyse_cells(cells)
    edges = graph.display_edges()
    tuning = [i for i, cell in enumerate(cells) if "GridSearchCV(" in cell]
    into = {index: {edge.source for edge in edges if edge.target == index} for index in tuning}
    assert len(tuning) == 3
    assert len({frozenset(sources) for sources in into.values()}) == 1
    assert all(edge.certain for edge in edges)
    assert not any("np" in edge.names for edge in edges)
