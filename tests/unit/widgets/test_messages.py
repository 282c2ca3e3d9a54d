"""What pages say, read or refused."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nbflow.widgets.messages import (
    Asking,
    Beat,
    Hello,
    Leaving,
    Looking,
    Seeing,
    Target,
    Watching,
    read,
)

RUN = UUID(int=7)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"type": "hello", "page": "p", "have": None}, Hello(page="p")),
        ({"type": "hello", "page": "p", "have": "abc"}, Hello(page="p", have="abc")),
        ({"type": "beat", "page": "p", "more": 1}, Beat(page="p")),
        (
            {"type": "watch", "page": "p", "watch": 1, "target": {"run": str(RUN)}, "look": {}},
            Watching(page="p", watch=1, target=Target(run=RUN), look={}),
        ),
        (
            {"type": "watch", "page": "p", "watch": 2, "target": {"view": "v"}},
            Watching(page="p", watch=2, target=Target(view="v")),
        ),
        ({"type": "look", "page": "p", "watch": 1, "look": 3}, Looking(page="p", watch=1, look=3)),
        (
            {"type": "seen", "page": "p", "watch": 1, "visible": False},
            Seeing(page="p", watch=1, visible=False),
        ),
        ({"type": "unwatch", "page": "p", "watch": 1}, Leaving(page="p", watch=1)),
        (
            {"type": "ask", "page": "p", "ask": 4, "method": "m", "params": {"a": [1]}},
            Asking(page="p", ask=4, method="m", params={"a": [1]}),
        ),
    ],
    ids=lambda each: each["type"] if isinstance(each, dict) else "",
)
def test_messages_are_read(content: dict[str, Any], message: object) -> None:
    assert read(content) == message


@pytest.mark.parametrize(
    "content",
    [
        None,
        "hello",
        {},
        {"type": "hello"},
        {"type": "hello", "page": ""},
        {"type": "hello", "page": "p" * 101},
        {"type": "hello", "page": 1},
        {"type": ["hello"], "page": "p"},
        {"type": "goodbye", "page": "p"},
        {"type": "watch", "page": "p", "watch": 1},
        {"type": "watch", "page": "p", "watch": "1", "target": {"view": "v"}},
        {"type": "watch", "page": "p", "watch": 1, "target": {}},
        {"type": "watch", "page": "p", "watch": 1, "target": {"run": "x"}},
        {"type": "watch", "page": "p", "watch": 1, "target": {"run": str(RUN), "view": "v"}},
        {"type": "seen", "page": "p", "watch": 1, "visible": "yes"},
        {"type": "ask", "page": "p", "ask": 1, "method": "m", "params": []},
    ],
)
def test_what_is_no_message_is_nothing(content: object) -> None:
    assert read(content) is None


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)
_NAMES = st.sampled_from(["type", "page", "watch", "target", "look", "visible", "ask", "params"])
_TYPES = st.sampled_from(["hello", "beat", "watch", "look", "seen", "unwatch", "ask"])


@settings(max_examples=40)
@given(st.dictionaries(_NAMES, _JSON), _TYPES)
def test_nothing_that_a_page_says_fails(content: dict[str, Any], kind: str) -> None:
    read({**content, "type": kind, "page": "p"})
