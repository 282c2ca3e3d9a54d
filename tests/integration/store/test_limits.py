"""Slots of named limits: never more than there are, and none lost with its holder."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nbflow.exceptions import InvalidNameError, ObjectNotFound, UsageError
from nbflow.models.deployments import ConcurrencyLimit
from nbflow.store import SQLStore, Store

Opener = Callable[[], Store]
T0 = datetime(2026, 3, 29, 0, 59, 59, tzinfo=UTC)


def limit(name: str, slots: int, decay: float | None = None, **more: bool) -> ConcurrencyLimit:
    return ConcurrencyLimit(name=name, slots=slots, slot_decay_per_second=decay, **more)


def after(seconds: float) -> datetime:
    return T0 + timedelta(seconds=seconds)


# ── limits ───────────────────────────────────────────────────────────────────────────────


def test_limits_are_kept_changed_and_forgotten(store: Store, open_another: Opener) -> None:
    limits = store.limits
    assert limits.save(limit("gpu", 2)) == limit("gpu", 2)
    assert limits.save(limit("api", 10, 0.5)) == limit("api", 10, 0.5)
    assert limits.save(limit("tag:db é", 1, active=False)).active is False
    assert limits.save(limit("gpu", 3)) == limit("gpu", 3)
    assert open_another().limits.limits() == [
        limit("api", 10, 0.5),
        limit("gpu", 3),
        limit("tag:db é", 1, active=False),
    ]
    limits.delete("gpu")
    with pytest.raises(ObjectNotFound, match="no limit 'gpu'"):
        limits.delete("gpu")
    with pytest.raises(ObjectNotFound, match="Did you mean 'api'"):
        limits.limit("apii")
    told = [(event.kind, event.subject) for event in store.events.since(0)[0]]
    assert told[0] == ("limit.created", "gpu")
    assert told[-2:] == [("limit.updated", "gpu"), ("limit.deleted", "gpu")]


@pytest.mark.parametrize(
    ("wrong", "error"),
    [
        (limit("", 1), InvalidNameError),
        (limit(" gpu", 1), InvalidNameError),
        (limit("a\nb", 1), InvalidNameError),
        (limit("x" * 201, 1), InvalidNameError),
        (limit("gpu", -1), UsageError),
        (limit("gpu", 1, 0.0), UsageError),
        (limit("gpu", 1, -2.0), UsageError),
        (limit("gpu", 1, float("nan")), UsageError),
        (limit("gpu", 1, float("inf")), UsageError),
    ],
)
def test_what_cannot_be_a_limit_is_refused(
    store: Store, wrong: ConcurrencyLimit, error: type[Exception]
) -> None:
    with pytest.raises(error):
        store.limits.save(wrong)
    assert store.limits.limits() == []


# ── slots ────────────────────────────────────────────────────────────────────────────────


def test_slots_are_given_until_there_are_no_more(store: Store) -> None:
    limits = store.limits
    limits.save(limit("gpu", 3))
    first = limits.acquire(["gpu"], 2, "me")
    assert first is not None
    assert limits.acquire(["gpu"], 2, "you") is None
    second = limits.acquire(["gpu"], 1, "you")
    assert second is not None and second != first
    assert limits.limit("gpu").taken == 3
    assert limits.acquire(["gpu"], 1, "they") is None
    limits.release(first)
    limits.release(first)
    assert limits.limit("gpu").taken == 1
    assert limits.acquire(["gpu"], 2, "they") is not None


def test_slots_of_several_limits_are_given_together_or_not_at_all(store: Store) -> None:
    limits = store.limits
    limits.save(limit("a", 1))
    limits.save(limit("b", 2))
    both = limits.acquire(["a", "b", "a"], 1, "me")
    assert both is not None
    assert [each.taken for each in limits.limits()] == [1, 1]
    assert limits.acquire(["b", "a"], 1, "you") is None
    assert [each.taken for each in limits.limits()] == [1, 1]
    assert limits.renew(both)
    limits.release(both)
    assert [each.taken for each in limits.limits()] == [0, 0]
    assert not limits.renew(both)


def test_names_without_a_limit_let_everybody_through(store: Store) -> None:
    limits = store.limits
    for names in ([], ["nothing"], ["nothing", "else"]):
        slot = limits.acquire(names, 5, "me")
        assert slot is not None and limits.renew(slot)
        limits.release(slot)
    limits.save(limit("gpu", 1))
    assert limits.acquire(["nothing", "gpu"], 1, "me") is not None
    assert limits.acquire(["gpu", "nothing"], 1, "me") is None


def test_an_inactive_limit_lets_everybody_through_but_counts(store: Store) -> None:
    limits = store.limits
    limits.save(limit("gpu", 1, active=False))
    assert all(limits.acquire(["gpu"], 4, "me") for _ in range(2))
    assert limits.limit("gpu").taken == 8
    limits.save(limit("gpu", 10))
    assert limits.acquire(["gpu"], 2, "me") is not None
    assert limits.acquire(["gpu"], 1, "me") is None


def test_a_limit_of_nothing_is_closed(store: Store) -> None:
    store.limits.save(limit("gpu", 0))
    assert store.limits.acquire(["gpu"], 1, "me") is None


@pytest.mark.parametrize("decay", [None, 2.0])
def test_what_can_never_be_given_is_an_error(store: Store, decay: float | None) -> None:
    limits = store.limits
    limits.save(limit("gpu", 2, decay))
    limits.save(limit("full", 1))
    assert limits.acquire(["full"], 1, "me")
    for names in (["gpu"], ["full", "gpu"]):
        with pytest.raises(UsageError, match="the limit is"):
            limits.acquire(names, 3, "me")
    with pytest.raises(UsageError, match="one or more"):
        limits.acquire(["gpu"], 0, "me")
    with pytest.raises(UsageError, match="Name fewer"):
        limits.acquire([f"n{number}" for number in range(201)], 1, "me")
    assert limits.limit("gpu").taken == 0


def test_a_lease_that_ran_out_is_free_for_others(store: Store) -> None:
    limits = store.limits
    limits.save(limit("gpu", 1))
    mine = limits.acquire(["gpu"], 1, "me", lease_seconds=30, now=T0)
    assert mine is not None
    assert limits.acquire(["gpu"], 1, "you", now=after(29.999)) is None
    yours = limits.acquire(["gpu"], 1, "you", lease_seconds=30, now=after(30))
    assert yours is not None
    assert not limits.renew(mine)
    limits.release(mine)  # does not touch yours
    assert limits.acquire(["gpu"], 1, "they", now=after(31)) is None


def test_a_lease_that_is_renewed_lasts(store: Store) -> None:
    limits = store.limits
    limits.save(limit("gpu", 1))
    slot = limits.acquire(["gpu"], 1, "me", lease_seconds=5)
    assert slot is not None
    assert limits.renew(slot, lease_seconds=1_000)
    later = datetime.now(UTC) + timedelta(seconds=500)
    assert limits.acquire(["gpu"], 1, "you", now=later) is None


def test_a_lease_that_ran_out_cannot_be_renewed(store: Store) -> None:
    limits = store.limits
    limits.save(limit("gpu", 1))
    slot = limits.acquire(["gpu"], 1, "me", lease_seconds=5, now=T0)
    assert slot is not None and not limits.renew(slot)
    assert limits.limit("gpu").taken == 0


def test_a_slot_given_back_wakes_those_who_wait(store: Store, open_another: Opener) -> None:
    limits = store.limits
    limits.save(limit("gpu", 1))
    slot = limits.acquire(["gpu"], 1, "me")
    assert slot is not None
    latest = store.events.latest()
    assert limits.acquire(["gpu"], 1, "you") is None  # which changes nothing
    assert store.events.latest() == latest
    limits.release(slot)
    assert open_another().events.wait(latest, 0) > latest


# ── rates ────────────────────────────────────────────────────────────────────────────────


def test_a_rate_gives_a_burst_and_then_so_many_a_second(store: Store) -> None:
    limits = store.limits
    limits.save(limit("api", 3, 2.0))

    def granted(seconds: float, occupy: int = 1) -> bool:
        slot = limits.acquire(["api"], occupy, "me", now=after(seconds))
        if slot is not None:
            limits.release(slot)  # which frees nothing here
            assert limits.renew(slot)
        return slot is not None

    assert [granted(0) for _ in range(4)] == [True, True, True, False]
    assert [granted(0.49), granted(0.5), granted(0.51)] == [False, True, False]
    assert [granted(1.5, 2), granted(1.5)] == [True, False]
    assert [granted(100) for _ in range(4)] == [True, True, True, False]


def test_what_a_rate_has_given_is_shown(store: Store) -> None:
    limits = store.limits
    limits.save(limit("api", 3, 0.001))
    assert limits.acquire(["api"], 2, "me") is not None
    assert limits.limit("api").taken == 2


def test_a_rate_and_a_limit_are_taken_together(store: Store) -> None:
    limits = store.limits
    limits.save(limit("api", 2, 0.001))
    limits.save(limit("gpu", 1))
    slot = limits.acquire(["api", "gpu"], 1, "me")
    assert slot is not None
    assert limits.acquire(["api", "gpu"], 1, "you") is None
    assert limits.renew(slot)
    limits.release(slot)
    assert [each.taken for each in limits.limits()] == [1, 0]
    assert limits.acquire(["api", "gpu"], 1, "you") is not None
    assert limits.acquire(["api", "gpu"], 1, "they") is None


@settings(max_examples=25)
@given(
    slots=st.integers(1, 5),
    decay=st.sampled_from([0.5, 1.0, 3.0]),
    steps=st.lists(st.tuples(st.integers(0, 2_000), st.integers(1, 3)), max_size=25),
)
def test_a_rate_never_gives_more_than_its_burst_and_its_pace(
    tmp_path_factory: pytest.TempPathFactory,
    slots: int,
    decay: float,
    steps: list[tuple[int, int]],
) -> None:
    store = SQLStore(f"sqlite:///{tmp_path_factory.mktemp('rate') / 'runs.db'}")
    store.limits.save(limit("api", slots, decay))
    at, granted, full_at = 0.0, [], float(slots)
    for wait, wanted in steps:
        occupy = min(wanted, slots)
        at += wait / 1_000
        full_at = min(slots, full_at + wait / 1_000 * decay)  # a bucket of tokens
        got = store.limits.acquire(["api"], occupy, "me", now=after(at)) is not None
        if abs(full_at - occupy) > 1e-4:
            assert got == (full_at > occupy)
        if got:
            full_at -= occupy
            granted.append((at, occupy))
    store.close()
    for index, (start, _) in enumerate(granted):
        for end, _ in granted[index:]:
            within = sum(occupy for moment, occupy in granted if start <= moment <= end)
            assert within <= slots + decay * (end - start) + 1e-4


# ── many at once ─────────────────────────────────────────────────────────────────────────

#: Takes and gives back a slot, over and over, from two threads; prints when each was held.
CONTENDER = """
import json, sys, threading, time
from nbflow.store import SQLStore
store = SQLStore(sys.argv[1])
held = []
def contend(me):
    for _ in range(6):
        while (slot := store.limits.acquire(["gpu"], 1, me)) is None:
            time.sleep(0.002)
        start = time.monotonic()
        time.sleep(0.003)
        held.append((start, time.monotonic()))
        store.limits.release(slot)
threads = [threading.Thread(target=contend, args=(f"{sys.argv[2]}-{n}",)) for n in range(2)]
[thread.start() for thread in threads]
[thread.join() for thread in threads]
store.close()
print(json.dumps(held))
"""


def test_no_more_than_the_limit_are_held_at_once_by_threads_and_processes(
    store: Store, url: str
) -> None:
    store.limits.save(limit("gpu", 2))
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", CONTENDER, url, str(number)], stdout=subprocess.PIPE, text=True
        )
        for number in range(3)
    ]
    held = [tuple(each) for p in processes for each in json.loads(p.communicate(timeout=100)[0])]
    assert len(held) == 3 * 2 * 6
    # Both ends are inside the time it was held: what overlaps here did so in truth.
    moments = sorted([(start, 1) for start, _ in held] + [(end, -1) for _, end in held])
    load = most = 0
    for _, step in moments:
        load += step
        most = max(most, load)
    assert most <= 2
    assert store.limits.limit("gpu").taken == 0


def test_threads_of_one_process_share_a_limit_as_well(store: Store) -> None:
    store.limits.save(limit("gpu", 3))
    inside, most = 0, 0
    guard, meeting = threading.Lock(), threading.Event()

    def contend() -> None:
        nonlocal inside, most
        for _ in range(5):
            while (slot := store.limits.acquire(["gpu"], 1, "me")) is None:
                time.sleep(0.001)
            with guard:
                inside += 1
                most = max(most, inside)
                if inside > 1:
                    meeting.set()
            meeting.wait(60)  # for a second one: there is room
            time.sleep(0.002)
            with guard:
                inside -= 1
            store.limits.release(slot)

    threads = [threading.Thread(target=contend) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(100)
    assert 1 < most <= 3


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="no such signal here")
def test_the_slot_of_a_killed_process_is_free_after_its_lease(store: Store, url: str) -> None:
    limits = store.limits
    limits.save(limit("gpu", 1))
    code = (
        "import sys; from nbflow.store import SQLStore\n"
        "slot = SQLStore(sys.argv[1]).limits.acquire(['gpu'], 1, 'it', lease_seconds=600)\n"
        "print(slot, flush=True); sys.stdin.read()"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code, url],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with process:
        assert process.stdout is not None
        UUID(process.stdout.readline().strip())
        process.kill()
    assert limits.acquire(["gpu"], 1, "me") is None
    assert limits.limit("gpu").taken == 1
    later = datetime.now(UTC) + timedelta(seconds=600)
    assert limits.acquire(["gpu"], 1, "me", now=later) is not None
    assert limits.acquire(["gpu"], 1, "you", now=later) is None
