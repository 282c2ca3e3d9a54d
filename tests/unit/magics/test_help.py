"""What `?` shows for the magics."""

from __future__ import annotations

import click
import pytest

from nbflow.cells.lines import FLOW_LINE, TASK_LINE
from nbflow.cli.main import cli
from nbflow.magics.help import NOTEBOOK_COMMANDS, flow_help, nbflow_help, task_help


@pytest.mark.parametrize(("text", "line"), [(task_help, TASK_LINE), (flow_help, FLOW_LINE)])
def test_the_help_of_a_line_names_each_option_with_its_meaning(text, line):
    shown = " ".join(text().split())
    for option in line.options().values():
        assert option.opts[0] in shown
        assert " ".join(option.help.split()) in shown


def test_the_help_of_nbflow_names_each_command():
    shown = nbflow_help()
    for name in (*cli.list_commands(click.Context(cli)), *NOTEBOOK_COMMANDS):
        assert f"\n  {name} " in shown
