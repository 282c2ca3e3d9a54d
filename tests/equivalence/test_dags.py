"""Background cells, whatever depends on whatever, end as they would one after another."""

from __future__ import annotations

import random

import pytest

from tests.equivalence.dags import Wrong, random_dag, run_dags

DAGS = [random_dag(random.Random(seed)) for seed in range(20)]


@pytest.fixture(scope="module")
def wrong(tmp_path_factory: pytest.TempPathFactory) -> list[Wrong]:
    """What is wrong with each of the runs."""
    return run_dags(DAGS, tmp_path_factory.mktemp("dags"))


@pytest.mark.timeout(300)
def test_any_dag_in_the_background_ends_as_if_it_were_sequential(wrong: list[Wrong]) -> None:
    """The values of all cells that can succeed, and none of a failed or blocked one."""
    assert [(seed, each.values) for seed, each in enumerate(wrong) if each.values] == []


def test_every_failure_is_told_and_its_readers_name_it(wrong: list[Wrong]) -> None:
    assert [(seed, each.told) for seed, each in enumerate(wrong) if each.told] == []


def test_the_dags_fail_and_block_often_enough_to_mean_something() -> None:
    assert sum(len(dag.failing) for dag in DAGS) > 10
    assert sum(len(dag.blocked) for dag in DAGS) > 10
    assert sum(len(dag.values) for dag in DAGS) > 80
