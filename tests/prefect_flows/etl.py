"""Extract, transform, load: retries, map, a subflow, tags, hooks, logs."""

import prefect
from prefect import allow_failure, flow, get_run_logger, tags, task, unmapped
from prefect.futures import PrefectFuture, as_completed, wait
from prefect.states import Completed, Failed
from prefect.tasks import exponential_backoff

attempts = {"fetch": 0}
events = []


def announce(flow, flow_run, state):
    events.append((flow.name, state.name))


@task(
    name="Fetch page",
    retries=3,
    retry_delay_seconds=exponential_backoff(backoff_factor=0.01),
    retry_jitter_factor=0.5,
    tags=["network"],
)
def fetch(page: int) -> dict:
    attempts["fetch"] += 1
    if attempts["fetch"] == 2:
        raise ConnectionError("the server hung up")
    return {"page": page, "rows": list(range(page))}


@task(task_run_name="clean-page-{document[page]}", log_prints=True)
def clean(document: dict, unit: str) -> list:
    print("cleaning page", document["page"])
    return [f"{row} {unit}" for row in document["rows"]]


@task
def broken() -> None:
    raise ValueError("always")


@task
def survey(problem) -> str:
    return type(problem).__name__


@flow(name="Load rows", flow_run_name="load-{count}-rows", log_prints=True)
def load(rows: list, count: int) -> int:
    print("loading", count)
    return len(rows)


@flow(name="ETL", description="All of it", version="1", on_completion=[announce])
def etl(pages: int = 3, unit: str = "kg"):
    logger = get_run_logger()
    logger.info("starting")
    with tags("nightly"):
        documents = fetch.map(range(1, pages + 1))
    cleaned = clean.map(documents, unit=unmapped(unit))
    rows = [row for part in cleaned.result() for row in part]
    loaded = load(rows, count=len(rows))
    seen = survey.submit(allow_failure(broken.submit()), wait_for=[*cleaned])
    assert isinstance(seen, PrefectFuture)
    done, not_done = wait([seen])
    assert len(done) == 1 and not not_done
    assert {f.result() for f in as_completed([seen])} == {"ValueError"}
    state = broken(return_state=True)
    assert state.is_failed()
    assert isinstance(state.result(raise_on_failure=False), ValueError)
    if loaded != 6:
        return Failed(message="rows are missing")
    assert prefect.runtime.flow_run.flow_name == "ETL"
    return Completed(message="all loaded", data=loaded)


def main():
    state = etl(return_state=True)
    assert state.message == "all loaded", state
    assert state.result() == 6
    assert attempts["fetch"] == 4
    assert events == [("ETL", "Completed")]
    other = etl.with_options(name="ETL again", retries=1)
    assert other.name == "ETL again"
    return 1
