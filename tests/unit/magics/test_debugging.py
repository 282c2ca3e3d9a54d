"""The cell that does again what failed."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from nbflow import states
from nbflow.engine.failed_inputs import FailedInputs
from nbflow.magics.debugging import cell_for
from nbflow.models import FlowRun, TaskRun, new_id
from nbflow.runs import Run

NOW = datetime(2026, 5, 3, tzinfo=UTC)
FUNCTION = "@task(retries=2)\ndef fit(x, y=1):\n    return x / y"

CODES = [
    ("total = a + b", {"a": 1}, "total = a + b"),
    ("%%task fit --in a\ntotal = a\n", {"a": 1}, "total = a"),
    (FUNCTION, {"x": 1, "y": 0}, f"{FUNCTION}\n\nfit.fn(x=x, y=y)"),
    ("def fit(x):\n    pass", {"x": 1}, "def fit(x):\n    pass\n\nfit(x=x)"),
    ("async def fit():\n    pass", {}, "async def fit():\n    pass\n\nawait fit()"),
    ("%matplotlib inline\nx = 1", {}, "%matplotlib inline\nx = 1"),
    ("", {}, "# The code of fit model was not found."),
]


@pytest.mark.parametrize(("source", "inputs", "code"), CODES)
def test_the_cell_loads_the_inputs_and_does_what_failed(source, inputs, code):
    record = FlowRun(
        id=new_id(), name="tidy-fox", flow_name="train", state=states.Failed(), created=NOW
    )
    task = TaskRun(
        id=new_id(), name="fit model", task_name="fit", created=NOW,
        state=states.Failed(message="Traceback …\nValueError: no rows"),
    )  # fmt: skip
    text = cell_for(Run(record, None), task, FailedInputs(inputs, source))
    head, load, gap, *rest = text.split("\n")
    assert head == "# fit model failed in run tidy-fox: ValueError: no rows"
    assert load == f"%nbflow debug {str(record.id)[-8:]} --task 'fit model' --load"
    assert gap == ""
    assert "\n".join(rest) == code


def test_inputs_that_were_not_kept_are_asked_for_all_the_same():
    """The call names them, so that their absence is an error that says which."""
    record = FlowRun(id=new_id(), name="r", flow_name="f", state=states.Failed(), created=NOW)
    task = TaskRun(id=new_id(), name="fit", task_name="fit", created=NOW, state=states.Failed())
    failed = FailedInputs({"x": 1}, "def fit(x, model):\n    pass", {"model": "it is too large"})
    assert cell_for(Run(record, None), task, failed).endswith("fit(x=x, model=model)")
