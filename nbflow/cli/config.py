"""`nbflow config`: the settings that hold here, and where each comes from.

This module decides how settings read on a terminal and in JSON, and what of them is hidden.
It must not know how settings are found.
"""

from __future__ import annotations

import difflib
import os
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Final

import click
from rich.table import Table
from rich.text import Text

from nbflow.cli.console import make_console, say
from nbflow.cli.options import ConfigOptions, config_options
from nbflow.cli.reports import write_json
from nbflow.exceptions import ConfigurationError
from nbflow.paths import short_path
from nbflow.settings import PREFIX, Settings, read_settings
from nbflow.store.dialects import without_password

_DEFAULT: Final = "default"


@dataclass(frozen=True, slots=True)
class Shown:
    """One setting as it is shown."""

    name: str
    value: Any
    #: `default`, the environment's variable, or a file.
    source: str


@click.command()
@config_options
def command(**given: Any) -> int:
    """Show the settings that hold here, and where each comes from.

    KEY shows one of them: its value alone, for scripts. Passwords in addresses are hidden.
    """
    return config(ConfigOptions(**given))


def config(options: ConfigOptions) -> int:
    """Show one setting, or all."""
    console = make_console(colour=options.colour)
    shown = effective(dict(os.environ), Path.cwd())
    if options.key is not None:
        found = one_of(shown, options.key)
        if options.json:
            write_json(console, _as_json(found))
        else:
            say(console, str(found.value), wrap=False)
    elif options.json:
        write_json(console, [_as_json(each) for each in shown])
    else:
        say(console, _table(shown))
    return 0


def effective(environ: dict[str, str], folder: Path) -> list[Shown]:
    """All settings with their sources, those that somebody set told by name."""
    settings, sources = read_settings(environ, folder)
    return [
        Shown(each.name, _shown(settings, each.name), _source(each.name, sources))
        for each in fields(Settings)
    ]


def one_of(shown: list[Shown], key: str) -> Shown:
    """The setting of that name, however it is spelled; raises `ConfigurationError`."""
    name = key.lower().replace("-", "_").removeprefix(PREFIX.lower())
    by_name = {each.name: each for each in shown}
    if name in by_name:
        return by_name[name]
    near = difflib.get_close_matches(name, by_name, n=1)
    hint = f"Did you mean {near[0]}?" if near else f"Settings are: {', '.join(sorted(by_name))}."
    raise ConfigurationError(f"There is no setting {key!r}. {hint}")


def _shown(settings: Settings, name: str) -> Any:
    """The value that counts, defaults filled in, without secrets."""
    resolved = {
        "database_url": settings.resolved_database_url,
        "results": settings.results_root,
        "notebooks": settings.notebooks_folder,
    }
    value = resolved[name]() if name in resolved else getattr(settings, name)
    return without_password(str(value)) if isinstance(value, str | Path) else value


def _source(name: str, sources: dict[str, str]) -> str:
    source = sources.get(name, _DEFAULT)
    return f"{PREFIX}{name.upper()}" if source == "the environment" else source


def _table(shown: list[Shown]) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    for column in ("setting", "value", "from"):
        table.add_column(column, no_wrap=column != "value", overflow="fold")
    for each in shown:
        style = "dim" if each.source == _DEFAULT else "bold"
        table.add_row(
            each.name, Text(str(each.value) or "none"), Text(short_path(each.source), style=style)
        )
    return table


def _as_json(shown: Shown) -> dict[str, Any]:
    value = shown.value if isinstance(shown.value, bool | int | float | str) else str(shown.value)
    return {"name": shown.name, "value": value, "source": shown.source}
