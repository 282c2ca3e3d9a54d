"""Pages and what they watch, as time goes by."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest

from nbflow.drawing import Direction
from nbflow.feed.look import Look
from nbflow.widgets.messages import Leaving, Looking, Seeing, Target, Watching
from nbflow.widgets.open_pages import Pages, Watch

RUN, OTHER = UUID(int=1), UUID(int=2)


@pytest.fixture
def pages() -> Pages:
    """A page that was heard of at 0, and watches a run."""
    made = Pages()
    made.hear("p", 0)
    made.watch(watching())
    return made


def watching(page: str = "p", number: int = 1, run: UUID = RUN, look: Any = None) -> Watching:
    return Watching(page=page, watch=number, target=Target(run=run), look=look)


def only(pages: Pages, now: float = 0) -> Watch:
    [watch] = pages.watches(now)
    return watch


def served(pages: Pages, now: float = 0) -> Watch:
    watch = only(pages, now)
    pages.take(watch)
    return watch


def test_a_new_watch_waits_to_be_served(pages: Pages) -> None:
    watch = only(pages)
    assert (watch.page, watch.number, watch.visible) == ("p", 1, True)
    assert pages.take(watch) == (Look(), True)
    assert pages.take(watch) == (Look(), False)


@pytest.mark.parametrize(("now", "there"), [(0, True), (40, True), (40.1, False)])
def test_a_silent_page_is_given_up(pages: Pages, now: float, *, there: bool) -> None:
    assert bool(pages.watches(now)) is there
    assert pages.is_watched(RUN, now) is there
    assert not pages.is_watched(OTHER, now)


def test_a_page_that_speaks_again_is_told_everything_anew(pages: Pages) -> None:
    before = served(pages)
    pages.hear("p", 100)
    after = only(pages, 100)
    assert after is not before
    assert (after.target, after.asked) == (before.target, True)


def test_nobody_is_given_up_while_a_cell_holds_back_what_they_say(pages: Pages) -> None:
    pages.hear("p", 0, is_held_back=True)
    before = served(pages)
    pages.cell_runs(1, running=True)
    assert pages.watches(3000)
    pages.cell_runs(3000, running=False)
    assert pages.watches(3040)
    assert not pages.watches(3041)
    pages.hear("p", 3035, is_held_back=True)  # it was not given up
    assert only(pages, 3060) is before
    pages.cell_runs(3060, running=True)
    assert not pages.watches(3060 + 7 * 3600)
    pages.hear("p", 3070, is_held_back=False)  # by a thread of its own: cells hold back nothing
    assert not pages.watches(3111)


def test_a_page_that_beats_keeps_its_watches(pages: Pages) -> None:
    before = served(pages)
    for now in range(10, 200, 10):
        pages.hear("p", now)
    assert only(pages, 200) is before
    assert not before.asked


def test_a_number_is_used_again(pages: Pages) -> None:
    before = only(pages)
    pages.watch(watching(run=OTHER))
    assert only(pages) is not before
    assert only(pages).target.run == OTHER


def test_another_look_is_asked_for(pages: Pages) -> None:
    watch = served(pages)
    pages.look(Looking(page="p", watch=1, look={"closed": ["a"], "direction": "right"}))
    assert pages.take(watch) == (Look(frozenset("a"), Direction.RIGHT), True)


@pytest.mark.parametrize(
    ("seen", "asked"),
    [([False], False), ([False, True], True), ([True], False), ([False, False, True, True], True)],
)
def test_what_comes_into_sight_is_asked_for(pages: Pages, seen: list[bool], *, asked: bool) -> None:
    watch = served(pages)
    for visible in seen:
        pages.see(Seeing(page="p", watch=1, visible=visible))
    assert (watch.visible, watch.asked) == (seen[-1], asked)


def test_what_is_closed_is_watched_no_more(pages: Pages) -> None:
    pages.unwatch(Leaving(page="p", watch=1))
    assert not pages.watches(0)


def test_messages_of_others_change_nothing(pages: Pages) -> None:
    watch = served(pages)
    pages.watch(watching("stranger"))
    pages.look(Looking(page="stranger", watch=1))
    pages.see(Seeing(page="p", watch=2, visible=False))
    pages.unwatch(Leaving(page="stranger", watch=1))
    assert only(pages) is watch
    assert (watch.visible, watch.asked) == (True, False)


def test_all_views_of_a_run_are_asked_for(pages: Pages) -> None:
    pages.watch(watching(number=2, run=OTHER))
    for watch in pages.watches(0):
        pages.take(watch)
    pages.ask_for(RUN)
    assert [watch.asked for watch in pages.watches(0)] == [True, False]


def test_code_is_sent_once_in_a_while(pages: Pages) -> None:
    times = [0, 0.3, 2.9, 3.0, 3.1]
    assert [pages.needs_code("p", now) for now in times] == [True, False, False, True, False]
    assert not pages.needs_code("stranger", 0)


def test_a_nudge_counts_once(pages: Pages) -> None:
    watch = only(pages)
    pages.hear("p", 10)
    assert [pages.take_nudge(watch), pages.take_nudge(watch)] == [True, False]


def test_few_pages_are_remembered(pages: Pages) -> None:
    for number in range(40):
        pages.hear(f"page {number}", 1)
    pages.watch(watching())
    assert not pages.watches(1)  # `p` was heard of before all others


def test_few_watches_are_remembered(pages: Pages) -> None:
    for number in range(1000):
        pages.watch(watching(number=number))
    assert len(pages.watches(0)) == 500


def test_a_page_with_all_the_watches_there_may_be_can_renew_one(pages: Pages) -> None:
    for number in range(1, 600):
        pages.watch(watching(number=number))
    known = len(pages.watches(0))
    pages.watch(watching(number=7, run=OTHER))
    assert len(pages.watches(0)) == known < 599
    assert pages.is_watched(OTHER, 0)
