"""Places of failures as the notebook calls them, and errors in words."""

from __future__ import annotations

from typing import Any

import pytest

from nbflow.exceptions import ObjectNotFound
from nbflow.feed.look import Look
from nbflow.models import new_id
from nbflow.widgets import followers
from nbflow.widgets.cell_places import place_in_notebook
from nbflow.widgets.followers import RunFollower


class Compiler:
    def __init__(self, names: dict[Any, int]) -> None:
        self._filename_map = names


class Cell:
    """The file of a cell; while it is looked at, the kernel compiles another."""

    def __init__(self, names: dict[Any, int]) -> None:
        self.names = names

    def __fspath__(self) -> str:
        self.names[f"/tmp/next-{len(self.names)}.py"] = len(self.names)
        return "/tmp/2.py"


def test_a_line_is_found_while_the_kernel_compiles() -> None:
    names: dict[Any, int] = {"/tmp/1.py": 1}
    names |= {Cell(names): 2, "/tmp/3.py": 3}
    assert place_in_notebook(Compiler(names), "3.py, line 3") == "In[3], line 3"


@pytest.mark.parametrize(
    ("place", "told"),
    [("1.py, line 3", "In[7], line 3"), ("flow.py, line 3", "flow.py, line 3"), ("", "")],
)
def test_places(place: str, told: str) -> None:
    assert place_in_notebook(Compiler({"/tmp/1.py": 7}), place) == told
    assert place_in_notebook(None, place) == place


@pytest.mark.parametrize("source", [None, {"place": "1.py, line 3", "text": "1 / 0"}])
def test_what_a_feed_has_told_stays_as_it_was(
    monkeypatch: pytest.MonkeyPatch, source: dict[str, str] | None
) -> None:
    """A feed compares with it, to tell a failure once."""
    told = {"now": 1, "failure": {"what": "It failed", "source": source and dict(source)}}
    monkeypatch.setattr(followers, "_compiler", lambda: Compiler({"/tmp/1.py": 7}))
    store: Any = object()
    follower = RunFollower(new_id(), store)
    monkeypatch.setattr(follower, "_feed", Feed(told))
    update = follower.update(Look())
    assert update is not None
    assert update["failure"]["source"] == (source and source | {"place": "In[7], line 3"})
    assert told["failure"] == {"what": "It failed", "source": source}


class Feed:
    def __init__(self, told: dict[str, Any]) -> None:
        self.told = told

    def update(self, look: Look) -> dict[str, Any]:
        return self.told


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (ObjectNotFound("It is gone."), "It is gone."),
        (OSError("disk\nfull"), "nbflow met an error of its own (OSError: disk full). "),
        (OSError(), "nbflow met an error of its own (OSError). "),
        (OSError("\udcff"), "nbflow met an error of its own (OSError: ?). "),
    ],
)
def test_errors_in_words(error: Exception, sentence: str) -> None:
    assert followers.sentence(error).removesuffix("Please report it.") == sentence
