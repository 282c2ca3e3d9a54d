"""The cell that does again what failed."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from nbflow import states
from nbflow.engine.failed_inputs import FailedInputs
from nbflow.magics.debugging import _in_one_cell, cell_for
from nbflow.models import FlowRun, TaskRun, new_id
from nbflow.runs import Run

NOW = datetime(2026, 5, 3, tzinfo=UTC)
CODES = [
    ("total = a + b", "total = a + b"),
    ("%%task fit --in a\ntotal = a\n", "total = a"),
    ("@task(retries=2)\ndef fit(x, y=1):\n    z = x\n    return z / y", "z = x\nz / y"),
    ("%matplotlib inline\nx = 1", "%matplotlib inline\nx = 1"),
    ("", "# The code of fit model was not found."),
]


@pytest.mark.parametrize(("source", "code"), CODES)
def test_the_cell_loads_the_inputs_and_does_what_failed(source, code):
    record = FlowRun(
        id=new_id(), name="tidy-fox", flow_name="train", state=states.Failed(), created=NOW
    )
    task = TaskRun(
        id=new_id(), name="fit model", task_name="fit", created=NOW,
        state=states.Failed(message="Traceback …\nValueError: no rows"),
    )  # fmt: skip
    text = cell_for(Run(record, None), task, FailedInputs({}, source))
    head, load, gap, *rest = text.split("\n")
    assert head == "# fit model failed in run tidy-fox: ValueError: no rows"
    assert load == f"%nbflow debug {str(record.id)[-8:]} --task 'fit model' --load"
    assert gap == ""
    assert "\n".join(rest) == code


@pytest.mark.parametrize(
    ("sources", "cell"),
    [
        (["x = 1", "y = x / 0"], "x = 1\n\ny = x / 0"),
        (["%%task load --cache\nx = 1", "x / 0"], "x = 1\n\nx / 0"),
        (
            ["%%bash -s a\necho $1", "1 / 0"],
            "get_ipython().run_cell_magic('bash', '-s a', 'echo $1')\n\n1 / 0",
        ),
    ],
)
def test_several_cells_become_one(sources, cell):
    assert _in_one_cell(sources) == cell
