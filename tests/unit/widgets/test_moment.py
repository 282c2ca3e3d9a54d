"""What a static form says of the next step: how its run can be ended, or mended."""

from __future__ import annotations

import pytest

from nbflow import states
from nbflow.failure import Failure, NextStep
from nbflow.widgets.moment import Moment, moment_data

WORDS = "To end it: the notebook's stop button."
ADDRESS = "http://127.0.0.1:4200/cancel/a/b"


@pytest.mark.parametrize(
    ("words", "address", "linked"),
    [(WORDS, ADDRESS, True), (WORDS, "", False), ("", ADDRESS, False)],
    ids=["both", "words", "settled"],
)
def test_a_link_stands_beside_the_words(words: str, address: str, *, linked: bool) -> None:
    moment = Moment(title="etl", state=states.Running(), stop=words, stop_address=address)
    html = moment_data(moment)["text/html"]
    assert ("Cancel this run…</a>" in html) is linked
    assert (ADDRESS in html) is linked
    assert ("stop button" in html) is bool(words)
    assert ADDRESS not in moment_data(moment)["text/plain"]


def test_an_address_is_escaped() -> None:
    moment = Moment(
        title="etl", state=states.Running(), stop=WORDS, stop_address='http://[::1]/"><script>'
    )
    assert "<script" not in moment_data(moment)["text/html"]


def test_next_steps_are_those_for_a_cell() -> None:
    steps = {
        "nbflow runs show 1f": "see the traceback",
        "%load_ext nbflow": "begin the notebook with",
        "jupyter lab a.ipynb": "open the notebook",
    }
    failure = Failure(
        what="Cell train failed",
        error="UsageError: Cell magic `%%task` not found.",
        source=None,
        traceback=(),
        next_steps=tuple(NextStep(command, purpose) for command, purpose in steps.items()),
    )
    html = moment_data(Moment(title="etl", state=states.Failed(), failure=failure))["text/html"]
    assert "%nbflow runs show 1f  # see the traceback\n%load_ext nbflow  # begin" in html
    assert "jupyter lab" not in html
