"""nbflow.yaml against a real store: what would change is told, then done, once."""

from __future__ import annotations

from pathlib import Path

import pytest

from nbflow import deploy
from nbflow.deployments.plan import Action, Plan, plan_of
from nbflow.exceptions import UsageError
from nbflow.store import Store

PLAN = """
defaults:
  tz: Europe/Paris
deployments:
  - name: nightly
    target: train.ipynb
    parameters: {rows: 5}
    cron: "0 6 * * *"
  - name: hourly
    target: train.ipynb
    interval: 1h
    queue: loads
  - target: flows.py:etl
"""


def plan(folder: Path, store: Store, text: str = PLAN, *, prune: bool = False) -> Plan:
    (folder / "nbflow.yaml").write_text(text)
    return plan_of(folder / "nbflow.yaml", store, prune=prune)


def actions(made: Plan) -> dict[str, Action]:
    return {step.full_name: step.action for step in made.steps}


def test_a_plan_is_carried_out_once(folder: Path, store: Store) -> None:
    first = plan(folder, store)
    assert set(actions(first).values()) == {Action.CREATE}
    assert store.deployments.count() == 0  # a plan changes nothing by itself
    made = first.carry_out(store)
    assert [each.full_name for each in made] == ["train/nightly", "train/hourly", "etl/etl"]
    second = plan(folder, store)
    assert not second.changes_something
    assert second.carry_out(store) == made
    assert not (folder / "executed").exists()


def test_it_does_not_matter_where_it_is_read(
    folder: Path, store: Store, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (made,) = [d for d in plan(folder, store).carry_out(store) if d.flow_name == "etl"]
    assert made.spec.cwd == str(folder)
    monkeypatch.chdir(tmp_path)
    assert not plan_of(Path("work/nbflow.yaml"), store).changes_something


def test_differences_are_told_one_by_one(folder: Path, store: Store) -> None:
    plan(folder, store).carry_out(store)
    (folder / "steps.py").write_text("x = 2\n")
    changed = PLAN.replace("rows: 5", "rows: 6, day: 2026-01-01").replace("0 6", "0 7")
    changed = changed.replace("queue: loads", "queue: loads\n    paused: true")
    told = {
        step.full_name: [str(each) for each in step.changes]
        for step in plan(folder, store, changed).steps
    }
    assert told["train/nightly"][:2] == ["parameters.rows: 5 → 6", "parameters.day: 2026-01-01"]
    assert [line.split(": ", 1)[1] for line in told["train/nightly"][2:]] == [
        "no more every day at 06:00, Europe/Paris",
        "every day at 07:00, Europe/Paris",
    ]
    assert told["train/hourly"] == ["paused: False → True"]
    assert told["etl/etl"] == ["source: steps.py changed"]
    plan(folder, store, changed).carry_out(store)
    assert not plan(folder, store, changed).changes_something


def test_schedules_that_are_not_declared_go(folder: Path, store: Store) -> None:
    plan(folder, store).carry_out(store)
    without = PLAN.replace('    cron: "0 6 * * *"\n', "")
    plan(folder, store, without).carry_out(store)
    assert store.deployments.find("nightly").schedules == ()


def test_pruning_removes_what_was_made_here(
    folder: Path, store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan(folder, store).carry_out(store)
    deploy("train.ipynb", "by-hand")
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "flows.py").write_text("from nbflow import flow\n@flow\ndef far(): ...\n")
    monkeypatch.chdir(elsewhere)
    deploy("flows.py:far", "kept")
    fewer = PLAN[: PLAN.index("  - target: flows.py")]
    pruned = plan(folder, store, fewer, prune=True)
    assert actions(pruned) == {
        "train/nightly": Action.KEEP,
        "train/hourly": Action.KEEP,
        "etl/etl": Action.REMOVE,
        "train/by-hand": Action.REMOVE,
    }
    pruned.carry_out(store)
    assert [d.full_name for d in store.deployments.search()] == [
        "far/kept",
        "train/hourly",
        "train/nightly",
    ]
    assert set(actions(plan(folder, store, fewer)).values()) == {Action.KEEP}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("deployments:\n  - target: trian.ipynb", r"nbflow\.yaml, line 2: .*Did you mean train"),
        ("deployments:\n\n  - target: train.ipynb\n    cron: x", r"line 3: "),
        ("deployments:\n  - target: train.ipynb\n    parameters: {row: 1}", "Did you mean 'rows'"),
        ("deployments:\n  - target: flows.py", "Name one"),
        ("deployments:\n  - target: train.ipynb\n  - target: train.ipynb", "line 3: .* twice"),
    ],
)
def test_a_mistake_keeps_everything_from_being_done(
    folder: Path, store: Store, text: str, words: str
) -> None:
    with pytest.raises(UsageError, match=words):
        plan(folder, store, text)
    assert store.deployments.count() == 0
