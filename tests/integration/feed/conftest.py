"""A store of the test's own, a clock that tests turn, and what a page knows of a run."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from nbflow.feed import Look, RunFeed
from nbflow.store import close_stores, open_store
from nbflow.store.base import Store

Json = dict[str, Any]
#: Parts of an update whose items have a name: those that come replace those that were.
NAMED = {"subflows": "id", "tasks": "id", "artifacts": "id", "results": "owner"}


class Clock:
    """A clock that stands still until it is turned."""

    def __init__(self) -> None:
        self.time = 1_000.0

    def __call__(self) -> float:
        return self.time


class Page:
    """What a reader knows after all updates: as the page adds them up, from their JSON."""

    def __init__(self, feed: RunFeed, clock: Clock, look: Look | None = None) -> None:
        self.feed, self.clock, self.look = feed, clock, look or Look()
        self.known: Json = {}
        self.updates: list[Json] = []

    def pull(self) -> Json | None:
        """Ask once for what is new."""
        update = self.feed.update(self.look)
        if update is None:
            return None
        words = json.dumps(update, allow_nan=False, ensure_ascii=False).encode("utf-8")
        update = dict(json.loads(words))
        self.updates.append(update)
        self._add(update)
        return update

    def pull_all(self) -> Json:
        """Ask until there is no more, with time between; what is known then."""
        for _ in range(200):
            self.clock.time += 10_000
            if self.pull() is None and not self.feed.is_behind:
                return self.summary()
        raise AssertionError("it never came to an end")

    def _add(self, update: Json) -> None:
        if update.pop("reset", False):
            self.known = {}
        assert update.pop("now") > 1_600_000_000_000
        for name, value in update.items():
            if name in NAMED:
                self.known.setdefault(name, {}).update({item[NAMED[name]]: item for item in value})
            elif name == "logs":
                self.known[name] = sorted([*self.known.get(name, []), *value], key=_sequence)
            elif name == "nodes":
                self._add_nodes(value)
            else:
                self.known[name] = value

    def _add_nodes(self, nodes: list[Json]) -> None:
        graph = self.known["graph"]
        cards = {card["id"]: card for card in (*graph["nodes"], *graph["frames"])}
        for node in nodes:
            cards[node["id"]].update(node)  # a KeyError: it was never sent

    def summary(self) -> Json:
        """What is known, without what tells how it was learned."""
        known = json.loads(json.dumps(self.known))
        known.get("graph", {}).pop("version", None)
        known["logs"] = _settled(known.get("logs", []))
        for name, key in NAMED.items():
            known[name] = sorted(known.get(name, {}).values(), key=lambda item: item[key])
        return dict(known)


def _sequence(line: Json) -> int:
    return int(line["seq"])


def _settled(lines: list[Json]) -> list[Json]:
    """Without lines that a later one overwrote, as pages show them."""
    kept: list[Json] = []
    for line in lines:
        writer = (line["run"], line["task"])
        kept = [
            old
            for old in kept
            if not (old["text"].endswith("\r") and (old["run"], old["task"]) == writer)
        ]
        kept.append(line)
    return kept


@pytest.fixture
def store(nbflow_home: Path) -> Iterator[Store]:
    """The store of this test's runs."""
    del nbflow_home
    yield open_store()
    close_stores()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def page_of(store: Store, clock: Clock) -> Callable[..., Page]:
    """A page that follows a run from now on."""

    def make(run_id: UUID, **options: Any) -> Page:
        return Page(RunFeed(store, run_id, clock=clock, **options), clock)

    return make
