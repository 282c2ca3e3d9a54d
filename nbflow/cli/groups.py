"""Commands that hold commands, as `nbflow runs` does.

This module decides what such a command does when it is called alone. It must not know which
commands there are.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

import click


def command_group(
    cls: type[click.Group] = click.Group,
) -> Callable[[Callable[[], None]], click.Group]:
    """Makes a group of a function that only has words; called alone, the group explains itself."""

    def decorate(words: Callable[[], None]) -> click.Group:
        @wraps(words)
        def explain(*_: Any) -> None:
            context = click.get_current_context()
            if context.invoked_subcommand is None:
                click.echo(context.get_help())

        return click.group(cls=cls, invoke_without_command=True)(explain)

    return decorate
