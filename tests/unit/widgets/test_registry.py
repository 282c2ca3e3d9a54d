"""How long shown objects live."""

from __future__ import annotations

import gc

from nbflow.widgets.registry import Registry


class Thing:
    pass


def test_the_last_ones_live_and_older_ones_as_long_as_others_have_them() -> None:
    registry = Registry(kept=2)
    kept = Thing()
    first, second = registry.add(Thing()), registry.add(kept)
    third, fourth = registry.add(Thing()), registry.add(Thing())
    gc.collect()
    assert registry.get(first) is None
    assert registry.get(second) is kept
    assert registry.get(third) is not None
    assert registry.get(fourth) is not None
    assert registry.get("never") is None


def test_a_name_means_the_last_thing() -> None:
    registry = Registry()
    things = [Thing(), Thing()]
    for thing in things:
        registry.put("name", thing)
    assert registry.get("name") is things[1]
