"""What goes over the wire is what every browser reads."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nbflow.widgets.channel import packed


def strict(text: bytes) -> Any:
    """As a browser reads it: JSON has no NaN."""

    def refuse(word: str) -> Any:
        raise ValueError(word)

    return json.loads(text.decode("ascii"), parse_constant=refuse)


@pytest.mark.parametrize(
    ("value", "stands"),
    [
        (math.nan, "nan"),
        ([1.5, math.inf], [1.5, "inf"]),
        ({"a": (1, {"b": -math.inf})}, {"a": [1, {"b": "-inf"}]}),
        ("</script>\u2028é😀", "</script>\u2028é😀"),
        ("\ud800", "\ud800"),
    ],
)
def test_odd_values(value: Any, stands: Any) -> None:
    assert strict(packed({"value": value})) == {"value": stands}


_JSON = st.recursive(
    st.none() | st.integers() | st.floats() | st.just("text"),
    lambda inner: st.lists(inner) | st.dictionaries(st.just("name"), inner),
    max_leaves=10,
)


@settings(max_examples=50)
@given(st.dictionaries(st.just("name"), _JSON))
def test_any_json_is_read(content: dict[str, Any]) -> None:
    strict(packed(content))
