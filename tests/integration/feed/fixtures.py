"""Writes real updates of real runs to `extension/fixtures`, for the tests of what shows them.

    python -m tests.integration.feed.fixtures

Each file is the first update of a run: everything that is known of it at that moment.
"""

from __future__ import annotations

import json
import math
import random
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from nbflow import flow, get_run_logger, task
from nbflow.artifacts import (
    create_image_artifact,
    create_link_artifact,
    create_markdown_artifact,
    create_progress_artifact,
    create_table_artifact,
    log_metric,
    log_metrics,
    log_params,
)
from nbflow.feed import Look, RunFeed
from nbflow.models import FlowRun
from nbflow.runs import list_runs
from nbflow.settings import temporary_settings
from nbflow.store import close_stores, open_store

FOLDER = Path(__file__).parents[3] / "extension" / "fixtures"
#: Where the flows of the fixtures lie, as far as readers are told.
_PRETENDED = "/home/ada/churn/flows.py"
_LARGEST = 300_000

Json = dict[str, Any]


# ── flows ────────────────────────────────────────────────────────────────────────────────


@task(log_prints=True)
def extract(table: str) -> list[int]:
    """Read a table."""
    time.sleep(0.02 + len(table) / 400)
    print(f"read {len(table) * 1_311:,} rows of {table}")
    return list(range(len(table)))


@task(retries=2, retry_delay_seconds=0.15)
def fetch_rates(attempts: list[int]) -> float:
    """Ask a service that answers at the third time."""
    attempts.append(1)
    time.sleep(0.05)
    if len(attempts) < 3:
        raise ConnectionError("rates.example.org did not answer within 5 s")
    return 1.08


@task
def clean(customers: list[int], orders: list[int]) -> list[int]:
    """Leave out what is empty."""
    logger = get_run_logger()
    logger.debug("columns: id, name, country, since")
    logger.warning("%s orders have no customer", 17)
    time.sleep(0.06)
    return customers + orders


@task(retries=1, retry_delay_seconds=0.1)
def score(rows: list[int], rate: float, threshold: float) -> float:
    """Score the rows, or find out that nothing is left."""
    time.sleep(0.04)
    kept = [row for row in rows if row > 1_000]
    get_run_logger().info("%s of %s rows above %s", len(kept), len(rows), threshold)
    return sum(kept) / len(kept) * rate


@task
def publish(result: float) -> None:
    """Tell everybody."""


@flow(name="churn scores", log_prints=True)
def retries(threshold: float = 0.8, tables: tuple[str, ...] = ("customers", "orders")) -> Any:
    """One task that needs three attempts, one that fails twice, one that never starts."""
    print("\x1b[1mscoring\x1b[0m with <b>threshold</b>", threshold)
    customers, orders = (extract.submit(table) for table in tables)
    rate = fetch_rates.submit([])
    rows = clean.submit(customers, orders)
    return publish.submit(score.submit(rows, rate, threshold))


@task
def list_files() -> list[int]:
    """Name the files of a day."""
    time.sleep(0.03)
    return list(range(200))


@task(task_run_name="measure-{number}")
def measure(number: int) -> float:
    """Measure one file; three of them are broken."""
    time.sleep(random.Random(number).uniform(0.002, 0.05))
    if number in {17, 101, 163}:
        raise ValueError(f"file {number:03}.csv has no column 'amount'")
    if number % 40 == 0:
        get_run_logger().info("file %03d.csv measured", number)
    return math.sqrt(number)


@task
def summarise(values: list[float]) -> float:
    """Add up."""
    return sum(values)


@flow(name="measure files")
def mapped() -> Any:
    """A map of two hundred, three of which fail."""
    return summarise.submit(measure.map(list_files.submit()))


@task
def fit(model: str, fold: int) -> float:
    """Fit one fold."""
    time.sleep(0.02)
    return len(model) / (fold + 1)


@task
def average(scores: list[float]) -> float:
    """Average the folds."""
    return sum(scores) / len(scores)


@flow(name="cross-validate")
def cross_validate(rows: list[int], model: str) -> float:
    """Three folds of one model."""
    return average([fit.submit(model, fold) for fold in range(3)])


@flow(name="report")
def report(scores: dict[str, float]) -> str:
    """A subflow without tasks."""
    return max(scores, key=scores.__getitem__)


@task
def deploy(model: str) -> None:
    """Put the best model in place."""
    time.sleep(0.02)


@flow(name="choose model")
def subflows() -> None:
    """Subflows, one of them inside another."""
    rows = extract("customers")
    scores = {model: cross_validate(rows, model) for model in ("ridge", "forest", "boosting")}
    deploy(report(scores))


@task(persist_result=True)
def load_digits() -> list[int]:
    """Load the pictures."""
    time.sleep(0.05)
    create_link_artifact(
        "https://archive.ics.uci.edu/dataset/80", "Handwritten digits", key="source"
    )
    return list(range(1_797))


@task(persist_result=True, log_prints=True)
def train(rows: list[int], rounds: int) -> list[float]:
    """Train, and keep the curve of the loss."""
    done = create_progress_artifact(100.0, description="Rounds trained")
    losses = [
        0.04 + 1.9 * math.exp(-step / 9) + 0.03 * math.sin(step * 2) for step in range(rounds)
    ]
    for step, loss in enumerate(losses):
        log_metric("loss", loss, step)
        log_metric("validation loss", loss * 1.15 + 0.02, step)
    print(f"trained {rounds} rounds ({done})")
    log_params({"learning rate": 0.05, "depth": 6, "solver": "lbfgs"})
    return losses


@task(persist_result=True)
def evaluate(losses: list[float]) -> dict[str, float]:
    """Test the model."""
    time.sleep(0.03)
    scores = {"accuracy": 0.9722, "f1": 0.9718, "worst class": float("nan")}
    log_metrics(scores)
    table = [
        {"digit": digit, "precision": 0.99 - digit / 200, "recall": 0.95 + digit / 250, "n": 180}
        for digit in range(10)
    ]
    create_table_artifact(table, key="by-digit", description="How well each digit is read")
    create_image_artifact(_confusion(), key="confusion", description="Which digits are mistaken")
    return scores


@task
def write_report(scores: dict[str, float]) -> None:
    """Say how good it is."""
    create_markdown_artifact(
        f"# Digits\n\nThe model reads **{scores['accuracy']:.1%}** of the test set.\n\n"
        "| model | accuracy |\n|---|---|\n| ridge | 0.93 |\n| **this one** | 0.97 |\n\n"
        "- mistakes are mostly `8` for `1`\n- see <script>alert('the table')</script> above\n",
        key="report",
        description="What came out",
    )


@flow(name="train digits")
def completed(rounds: int = 40, note: str = "<img src=x onerror=alert(1)>") -> None:
    """A run with all kinds of artifacts and results."""
    write_report(evaluate(train(load_digits(), rounds)))


def _confusion() -> bytes:
    """A small picture, as SVG."""
    cells = "".join(
        f'<rect x="{x * 12}" y="{y * 12}" width="11" height="11" fill="#2563eb" '
        f'fill-opacity="{1 if x == y else 0.04 + (x * y % 3) / 20:.2f}"/>'
        for x in range(10)
        for y in range(10)
    )
    return f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 120 120">{cells}</svg>'.encode()


@task
def wait_for(gate: str) -> None:
    """Run until the fixture is taken."""
    _gates[gate].wait(30)


@task(task_run_name="crunch-{number}")
def crunch(number: int) -> None:
    """One of many, of which some are done."""
    time.sleep(0.01)
    if number >= 37:
        _gates["crunching"].wait(30)


@flow(name="nightly")
def running() -> None:
    """Everything that can be seen of a run that goes on."""
    tables = [extract.submit(table) for table in ("customers", "orders", "events")]
    rows = clean.submit(tables[0], tables[1])
    many = crunch.map(range(120))
    training = wait_for.with_options(name="train").submit("training", wait_for=[rows])
    rate = fetch_slowly.submit()
    publish.submit(0.9, wait_for=[training, rate, many]).wait()


@task(retries=3, retry_delay_seconds=5)
def fetch_slowly() -> None:
    """Fail once, and wait for the next attempt."""
    if not _gates["crunching"].is_set():
        raise TimeoutError("rates.example.org did not answer within 5 s")


_gates = {"training": threading.Event(), "crunching": threading.Event()}


# ── files ────────────────────────────────────────────────────────────────────────────────


def main() -> None:
    """Write all fixtures."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    for made in (retries, mapped, subflows, completed):
        with _own_store():
            made(return_state=True)
            _write({"mapped": "map"}.get(made.fn.__name__, made.fn.__name__), _update())
    with _own_store():
        _write("running", _running())


@contextmanager
def _own_store() -> Iterator[None]:
    with tempfile.TemporaryDirectory() as folder, temporary_settings(home=Path(folder)):
        try:
            yield
        finally:
            close_stores()


def _running() -> Json:
    thread = threading.Thread(target=lambda: running(return_state=True))
    thread.start()
    try:
        update = _when(
            lambda it: (
                it["progress"]["counts"].get("Completed", 0) >= 41
                and "AwaitingRetry" in it["progress"]["counts"]
                and any(row["name"] == "train" and row["started"] for row in it["tasks"])
            )
        )
    finally:
        for gate in _gates.values():
            gate.set()
        thread.join()
    return update


def _when(is_wanted: Callable[[Json], bool]) -> Json:
    end = time.monotonic() + 30
    while time.monotonic() < end:
        if list_runs() and is_wanted(update := _update()):
            return update
        time.sleep(0.05)
    raise TimeoutError("the run never came to that point")


def _update() -> Json:
    run = list_runs()[0]
    update = RunFeed(open_store(), run.id, _actions).update(Look())
    assert update is not None
    return update


def _actions(run: FlowRun) -> list[Json]:
    if run.state.is_settled():
        return [] if run.state.is_completed() else [_RETRY]
    return [_CANCEL]


_RETRY = {"name": "retry", "label": "Retry", "title": "Run it again from where it failed"}
_CANCEL = {"name": "cancel", "label": "Cancel", "title": "Stop this run"}


def _write(name: str, update: Json) -> None:
    words = json.dumps(update, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    words = words.replace(str(Path(__file__)), _PRETENDED)
    words = words.replace("tests/integration/feed/fixtures.py", "flows.py")
    assert len(words) <= _LARGEST, f"{name} has {len(words)} characters"
    (FOLDER / f"{name}.json").write_text(words + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
