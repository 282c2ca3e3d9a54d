"""What runner and kernel tell each other survives the way, and nonsense says nothing."""

from __future__ import annotations

import json
from typing import Any

import pytest

from nbflow import states
from nbflow.cells.joining import join
from nbflow.notebooks.protocol import (
    CellError,
    CellIdentity,
    CellNews,
    Event,
    news_content,
    read_news,
    request_metadata,
)

NEWS = {
    "submitted": CellNews(Event.SUBMITTED, None, 1),
    "a state": CellNews(Event.STATE, states.Retrying(message="once more"), 2),
    "an end": CellNews(Event.ENDED, states.Completed(), 1),
    "a bad end": CellNews(
        Event.ENDED, states.Failed(message="E: x"), 1, CellError("E", "x", ("one", "two"))
    ),
}


@pytest.mark.parametrize("news", NEWS.values(), ids=NEWS.keys())
def test_news_survive_the_way(news: CellNews) -> None:
    assert read_news(json.loads(json.dumps(news_content(news)))) == news


@pytest.mark.parametrize(
    "content",
    [
        {},
        {"event": "state"},
        {"event": "ended", "state": None},
        {"event": "ended", "state": {"type": "DONE", "name": "Done"}},
        {"event": "ended", "state": "Completed"},
        {"event": "state", "state": {"name": "Running"}},
        {"event": "submitted", "attempt": "first"},
        {"event": "submitted", "error": "boom"},
        {"event": ["submitted"]},
    ],
)
def test_what_cannot_be_understood_says_nothing(content: dict[str, Any]) -> None:
    assert read_news(content) is None


def test_a_state_without_a_good_time_is_now() -> None:
    content = {"event": "state", "state": {"type": "RUNNING", "name": "Running"}}
    for at in ("yesterday", None, "2026-01-01T00:00:00"):
        news = read_news({**content, "at": at})
        assert news is not None
        assert news.state is not None
        assert news.state.timestamp.tzinfo is not None


def test_a_request_says_whose_cell_it_is() -> None:
    flow, task = "0" * 31 + "1", "0" * 31 + "2"
    identity = CellIdentity(
        flow_run_id=flow,
        flow_name="train",
        flow_run_name="brisk-otter",
        task_run_id=task,
        attempt=3,
        resuming=True,
    )
    metadata = request_metadata("abc", "load", identity, header_lines=1)
    joined = join(json.loads(json.dumps({"metadata": metadata, "header": {}})))
    assert joined is not None
    assert joined.is_recorded
    assert (joined.name, joined.attempt, joined.resuming, joined.header_lines) == (
        "load",
        3,
        True,
        1,
    )
    assert (joined.flow_name, joined.flow_run_name) == ("train", "brisk-otter")
    assert metadata["cellId"] == "abc"


def test_a_request_without_a_recorded_run_says_only_the_name() -> None:
    assert request_metadata("abc", "load", None) == {
        "cellId": "abc",
        "nbflow": {"version": 1, "name": "load"},
    }
