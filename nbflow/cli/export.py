"""`nbflow export`: writes a notebook out as a Python module.

This module decides where the module goes, and that nothing is lost there. It must not know how
a notebook becomes one.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from nbflow.cli.options import ExportOptions, export_options
from nbflow.exceptions import OutputPathError, UsageError
from nbflow.export import export_python
from nbflow.paths import expanded, short_path


@click.command()
@export_options
def command(**given: Any) -> int:
    """Write a notebook out as a Python module.

    Every task cell becomes a @task, the notebook a @flow, its parameters the flow's. Running
    the module does what running the notebook does. Nothing is executed to write it.

    \b
    nbflow export train.ipynb
    nbflow export train.ipynb -o flows/train.py --force
    nbflow export train.ipynb -o - | less
    """  # noqa: D301 - click's mark for lines that stay as they are
    return export(ExportOptions(**given))


def export(options: ExportOptions) -> int:
    """Write what the options name."""
    text = export_python(options.notebook)
    if options.output == "-":
        sys.stdout.write(text)
        return 0
    path = _target(options)
    _write(path, text, force=options.force)
    click.echo(short_path(path))
    return 0


def _target(options: ExportOptions) -> Path:
    """Beside the notebook under its name, in a folder, or where the options say."""
    source = expanded(options.notebook)
    if options.output is None:
        return source.with_suffix(".py")
    target = expanded(options.output)
    return target / source.with_suffix(".py").name if target.is_dir() else target


def _write(path: Path, text: str, *, force: bool) -> None:
    if path.suffix == ".ipynb":
        raise UsageError(f"{path} is a notebook's name; name a Python file with -o.")
    try:
        with path.open("w" if force else "x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        raise OutputPathError(
            f"{path} is there already. Replace it with --force, or choose another place with -o."
        ) from None
    except OSError as error:
        raise OutputPathError(
            f"{path} cannot be written: {error.strerror or error}. Choose another place with -o."
        ) from error
