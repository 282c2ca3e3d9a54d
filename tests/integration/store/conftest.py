"""An empty database of each kind, and stores that share it as processes do."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from nbflow.store import SQLStore, Store

Opener = Callable[[], Store]


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, new_database: Callable[[str], str]) -> str:
    """The URL of an empty database."""
    return new_database(request.param)


@pytest.fixture
def open_another(url: str) -> Iterator[Opener]:
    """Opens further stores on the same database, as other processes would."""
    opened: list[Store] = []

    def opener() -> Store:
        opened.append(SQLStore(url))
        return opened[-1]

    yield opener
    for store in opened:
        store.close()


@pytest.fixture
def store(open_another: Opener) -> Store:
    """The store under test."""
    return open_another()
