"""nbflow deploy, deployment, schedule and backfill, as they are typed."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from nbflow.cli.main import main
from nbflow.deployments.running import new_run
from nbflow.models import FlowRunFilter
from nbflow.store import Store, open_store

TYPICAL = (
    "deploy",
    "train.ipynb",
    "--name",
    "nightly",
    "--cron",
    "0 6 * * 1-5",
    "--tz",
    "Asia/Tokyo",
)


@dataclass
class Said:
    """What a command came to."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


Say = Callable[..., Said]


@pytest.fixture
def nbflow(folder: Path, store: Store, capsys: pytest.CaptureFixture[str]) -> Say:
    def run(*arguments: str) -> Said:
        capsys.readouterr()
        code = main(arguments)
        out, err = capsys.readouterr()
        return Said(code, out, err)

    return run


def test_deploying_tells_what_will_happen(nbflow: Say, folder: Path) -> None:
    said = nbflow(*TYPICAL, "-p", "rows", "5", "-t", "x", "--retries", "2")
    assert said.code == 0, said.err
    assert "✓ train/nightly deployed (version 1)" in said.out
    assert "every weekday at 06:00, Asia/Tokyo: next " in said.out
    assert "rows=5" in said.out
    assert "No worker serves the queue default. Start one: nbflow worker start" in said.out
    assert "nbflow deployment run train/nightly --watch" in said.out
    assert not (folder / "executed").exists()
    again = nbflow(*TYPICAL, "-p", "rows", "5", "-t", "x", "--retries", "2")
    assert "train/nightly is as it was (version 1)" in again.out
    changed = nbflow(*TYPICAL, "-p", "rows", "6", "-t", "x", "--retries", "2")
    assert "brought up to date (version 2)" in changed.out
    assert "parameters.rows: 5 → 6" in changed.out


def test_every_option_reaches_the_deployment(nbflow: Say, folder: Path) -> None:
    said = nbflow(
        *TYPICAL[:4], "--interval", "15m", "--interval", "1d", "--rrule", "FREQ=DAILY",
        "-y", "{rows: 5, day: 2026-05-01}", "--queue", "gpu", "--description", "Words.",
        "--priority", "-2", "--retries", "1", "--retry-delay", "30s", "--crash-retries", "2",
        "--timeout", "1h", "--cell-timeout", "5m", "--concurrency", "1", "--collision", "skip",
        "--catchup", "all", "--cwd", ".", "-k", "python3", "--env", "A", "b", "-o", "out/",
        "--keep-kernel", "10m", "--keep-runs", "3", "--keep-days", "1.5", "--paused", "--json",
        "--include", "steps.py",
    )  # fmt: skip
    assert said.code == 0, said.err
    made = said.json
    assert (made["full_name"], made["paused"], len(made["schedules"])) == ("train/nightly", True, 3)
    spec = made["spec"]
    wanted = {
        "description": "Words.", "queue": "gpu", "priority": -2, "retries": 1,
        "retry_delay_seconds": 30.0, "crash_retries": 2, "timeout_seconds": 3600.0,
        "cell_timeout_seconds": 300.0, "concurrency_limit": 1, "collision": "skip",
        "catchup": "all", "cwd": str(folder), "kernel_name": "python3", "env": {"A": "b"},
        "output": f"{folder / 'out'}/", "keep_kernel_seconds": 600.0, "keep_runs": 3,
        "keep_days": 1.5, "parameters": {"rows": 5, "day": "2026-05-01"},
    }  # fmt: skip
    assert {name: spec[name] for name in wanted} == wanted


MISTAKES = [
    (("deploy",), "Name what is to be deployed"),
    (("deploy", "trian.ipynb"), "Did you mean train.ipynb"),
    (("deploy", "train.ipynb", "-p", "row", "3"), "Did you mean 'rows'"),
    (("deploy", "train.ipynb", "-p", "rows", "many"), 'must be a whole number; got "many"'),
    (("deploy", "train.ipynb", "--cron", "61 * * * *"), "61"),
    (("deploy", "train.ipynb", "--tz", "UTC"), "no schedule that it is for"),
    (("deploy", "train.ipynb", "--prune"), "--prune goes with --all"),
    (("deploy", "train.ipynb", "--no-schedules", "--cron", "@daily"), "Leave one of them out"),
    (("deploy", "--all"), "There is no nbflow.yaml here"),
    (("deploy", "train.ipynb", "--all"), "goes without it"),
    (("deployment", "run", "nothing"), "nothing"),
    (("deployment", "run", "nightly", "-p", "rows", "many"), "a whole number"),
    (("deployment", "run", "nightly", "--at", "soon"), "is no time"),
    (("deployment", "diff", "nightly"), "one version only"),
    (("deployment", "rollback", "nightly"), "first version"),
    (("deployment", "rollback", "nightly", "7"), "7"),
    (("schedule", "add", "nightly"), "Say when"),
    (("schedule", "pause", "nightly", "x"), "has no schedule 'x'. It has cron-"),
    (("schedule", "preview"), "Name a deployment, or a schedule"),
    (("backfill", "nightly", "--from", "x", "--to", "2026-05-01"), "--from x is no date"),
    (("backfill", "cancel", "zzz"), "no backfill with the id 'zzz'"),
]


def test_mistakes_are_one_sentence(nbflow: Say) -> None:
    nbflow(*TYPICAL)
    for arguments, words in MISTAKES:
        said = nbflow(*arguments)
        assert (said.code, said.out) == (2, ""), arguments
        assert words in said.err, arguments
        assert said.err.startswith("nbflow: ")


def test_a_plan_is_shown_then_carried_out(nbflow: Say, folder: Path, store: Store) -> None:
    (folder / "nbflow.yaml").write_text(
        "deployments:\n  - {target: train.ipynb, name: a, interval: 1h}\n"
        "  - {target: 'flows.py:etl', name: b}\n"
    )
    dry = nbflow("deploy", "--all", "--dry-run")
    assert "+ train/a\n+ etl/b\n2 deployments: 2 to create\nNothing was changed" in dry.out
    assert store.deployments.count() == 0
    done = nbflow("deploy", "--all")
    assert done.code == 0
    assert "every hour: next in " in done.out
    assert "= train/a\n= etl/b\n2 deployments: 2 as declared" in nbflow("deploy", "--all").out
    steps = nbflow("deploy", "--all", "--dry-run", "--json").json
    assert [step["action"] for step in steps] == ["keep", "keep"]
    nbflow("deploy", "train.ipynb", "--name", "by-hand")
    assert "- train/by-hand" in nbflow("deploy", "--all", "--prune").out
    assert [d.name for d in store.deployments.search()] == ["b", "a"]


@pytest.mark.parametrize(
    ("file", "expected"),
    [
        ("train.ipynb", ["train/train"]),
        ("flows.py:etl", ["etl/etl"]),
        ("all.yaml", ["train/a"]),
    ],
)
def test_creating_from_a_file(
    nbflow: Say, folder: Path, store: Store, file: str, expected: list[str]
) -> None:
    (folder / "all.yaml").write_text("deployments:\n  - {target: train.ipynb, name: a}\n")
    said = nbflow("deployment", "create", file)
    assert said.code == 0, said.err
    assert [d.full_name for d in store.deployments.search()] == expected


def test_deployments_are_listed_and_told(nbflow: Say) -> None:
    assert "There are no deployments" in nbflow("deployment", "ls").out
    nbflow(*TYPICAL, "-t", "x")
    nbflow("deploy", "flows.py:etl")
    listed = nbflow("deployment", "ls").out
    assert re.search(r"train/nightly +default +1 +(\S+ \d\d:00|in \d+ \w+)\n", listed)
    assert re.search(r"etl/etl +default +1 +by hand", listed)
    assert len(nbflow("deployment", "ls", "--tag", "x", "--json").json) == 1
    assert "No deployment fits" in nbflow("deployment", "ls", "--flow", "zzz").out
    told = nbflow("deployment", "inspect", "etl").out
    assert "Doubles rows." in told
    assert "no schedule: it runs when it is told to" in told
    assert nbflow("deployment", "inspect", "etl", "--json").json["full_name"] == "etl/etl"


def test_a_run_is_started(nbflow: Say, store: Store) -> None:
    nbflow(*TYPICAL)
    said = nbflow(
        "deployment", "run", "nightly", "-p", "rows", "7", "--at", "2h", "--name", "n-{rows}"
    )
    assert re.search(r"✓ n-7 of train/nightly runs in (2 hours|1 hour)", said.out)
    assert "No worker serves the queue default" in said.err
    said = nbflow("deployment", "run", "nightly", "-p", "rows", "7", "--name", "soon")
    assert "✓ soon of train/nightly waits for a worker" in said.out
    run = store.find_flow_run("n-7")
    assert run.parameters == {"rows": 7}
    assert run.state.name == "Scheduled"
    once, again = (
        nbflow("deployment", "run", "nightly", "--idempotency-key", "k", "--json").json["id"]
        for _ in range(2)
    )
    assert once == again


def test_pausing_and_going_on(nbflow: Say, store: Store) -> None:
    nbflow(*TYPICAL)
    assert "train/nightly rests" in nbflow("deployment", "pause", "nightly").out
    assert "paused" in nbflow("deployment", "ls").out
    assert "goes on" in nbflow("deployment", "resume", "nightly").out
    assert not store.deployments.find("nightly").paused


def test_versions_are_listed_compared_and_changed(nbflow: Say, folder: Path, store: Store) -> None:
    nbflow(*TYPICAL)
    path = folder / "train.ipynb"
    path.write_text(path.read_text().replace("print(rows, day)", "print(day)"))
    nbflow(*TYPICAL, "--retries", "3")
    assert re.search(r"2 \(in use\) .*\n1 ", nbflow("deployment", "versions", "nightly").out)
    told = nbflow("deployment", "diff", "nightly").out
    assert "train/nightly: version 1 → 2" in told
    assert "retries: 3" in told
    assert "print(day)" in told
    assert (
        "train/nightly is at version 1 (it was 2)"
        in nbflow("deployment", "rollback", "nightly").out
    )
    assert store.deployments.find("nightly").spec.retries is None
    nbflow("deployment", "rollback", "nightly", "2")
    assert store.deployments.find("nightly").version == 2
    assert "They are the same." in nbflow("deployment", "diff", "nightly", "2", "2").out


def test_forgetting_asks_first(nbflow: Say, store: Store) -> None:
    nbflow(*TYPICAL)
    assert nbflow("deployment", "delete", "nightly").code != 0
    assert store.deployments.count() == 1
    assert nbflow("deployment", "delete", "nightly", "--yes").code == 0
    assert store.deployments.count() == 0


def test_schedules_are_added_paused_and_removed(nbflow: Say, store: Store) -> None:
    assert "There are no schedules" in nbflow("schedule", "ls").out
    nbflow(*TYPICAL)
    added = nbflow(
        "schedule", "add", "nightly", "--interval", "1h", "--slug", "often", "-p", "rows", "9"
    )
    assert re.search(r"often +every hour with rows=9", added.out)
    nbflow("schedule", "pause", "nightly", "often")
    assert re.search(r"often .* paused", nbflow("schedule", "ls", "nightly").out)
    nbflow("schedule", "resume", "nightly", "often")
    assert len(nbflow("schedule", "ls", "--json").json) == 2
    assert "Name one of the schedules" in nbflow("schedule", "remove", "nightly").err
    nbflow("schedule", "remove", "nightly", "often")
    assert [each.slug[:5] for each in store.deployments.find("nightly").schedules] == ["cron-"]
    assert "runs when it is told to" in nbflow("schedule", "remove", "nightly").out


def test_a_schedule_can_be_tried(nbflow: Say) -> None:
    said = nbflow("schedule", "preview", "--cron", "0 6 * * 1", "--tz", "Asia/Tokyo", "-n", "2")
    assert re.fullmatch(
        r"every Monday at 06:00, Asia/Tokyo \(cron-\w+\)\n(  Mon [\d-]+ 06:00:00 JST\n){2}",
        said.out,
    )
    nbflow(*TYPICAL)
    assert [
        len(each) for each in nbflow("schedule", "preview", "nightly", "--json").json.values()
    ] == [10]


def test_a_backfill_is_started_listed_and_cancelled(nbflow: Say, store: Store) -> None:
    nbflow(*TYPICAL)
    span = ("backfill", "nightly", "--from", "2026-05-01", "--to", "2026-05-31", "--param", "day")
    dry = nbflow(*span, "--dry-run")
    assert (
        "21 runs: every weekday at 06:00, Asia/Tokyo\n  Fri 2026-05-01 06:00  day='2026-05-01'"
        in dry.out
    )
    assert "… 11 more" in dry.out
    assert nbflow("backfill", "ls").out.startswith("There are no backfills")
    said = nbflow(*span)
    assert "✓ 21 runs wait" in said.out
    assert "nothing is started" in nbflow(*span).out
    where = FlowRunFilter(tags=frozenset({"backfill"}))
    assert store.count_flow_runs(where) == 21
    short = re.search(r"nbflow backfill cancel (\w+)", said.out)
    assert short is not None
    assert "21 scheduled" in nbflow("backfill", "ls").out
    assert "21 cancelled" in nbflow("backfill", "cancel", short[1]).out


def test_watching_ends_with_the_run(nbflow: Say, store: Store) -> None:
    """A run that is cancelled before anybody takes it: the watch ends, with its exit code."""
    nbflow(*TYPICAL)
    deployment = store.deployments.find("nightly")
    run, queued = new_run(deployment, idempotency_key="k")
    store.dispatch.submit(run, queued)
    open_store().dispatch.cancel(run.id)
    said = nbflow("deployment", "run", "nightly", "--watch", "--idempotency-key", "k")
    assert said.code == 130
    assert "cancelled" in said.out
