"""Commands of commands: all explain themselves in the same way."""

from __future__ import annotations

import click
import pytest

from nbflow.cli.main import cli, main

GROUPS = [
    name
    for name in cli.list_commands(click.Context(cli))
    if isinstance(cli.get_command(click.Context(cli), name), click.Group)
]


@pytest.mark.parametrize("name", GROUPS)
def test_a_group_explains_itself_alone_and_when_asked(name: str, capsys) -> None:
    """Called alone it does nothing but say what it holds."""
    assert main([name, "-h"]) == 0
    asked = capsys.readouterr().out
    assert asked.startswith(f"Usage: nbflow {name} ")

    assert main([name]) == 0
    assert capsys.readouterr().out == asked


def test_each_command_has_both_spellings_of_help(capsys) -> None:
    """What the command itself says of `-h` holds for all below it."""
    for name in ("runs", "secret"):
        assert main([name, "ls", "-h"]) == main([name, "ls", "--help"]) == 0
        short, long = capsys.readouterr().out.split("Usage:")[1:]
        assert short == long
