"""The documentation tells the truth: its code runs, its links lead somewhere, it is complete.

On each page, Python blocks run as one script, in order; blocks with `title="name.py"` are
saved under that name for the commands. Lines of console blocks that begin with `$` run in a
shell, in order, in a folder that holds a copy of the examples. A block stays out only behind
a comment `<!-- not run: REASON -->` right above it.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import MISSING, dataclass, fields
from pathlib import Path

import click
import pytest

from nbflow.cli.main import cli
from nbflow.settings import PREFIX, Settings

ROOT = Path(__file__).resolve().parents[1]
PAGES = sorted(
    [*ROOT.glob("*.md"), *(ROOT / "docs").glob("**/*.md"), *(ROOT / "examples").glob("**/*.md")]
)
FENCE = re.compile(
    r"(?P<skip><!-- not run: [^\n]+ -->\n)?"
    r"^```(?P<language>\w+)?(?: title=\"(?P<title>[^\"]+)\")?\n(?P<text>.*?)^```$",
    re.MULTILINE | re.DOTALL,
)
LINK = re.compile(r"\]\((?!https?:|#)([^)#\s]+)")


@dataclass(frozen=True)
class Block:
    """A piece of code on a page."""

    language: str
    title: str
    text: str
    skipped: bool
    line: int

    @property
    def commands(self) -> list[str]:
        return [line[2:] for line in self.text.splitlines() if line.startswith("$ ")]


def blocks(page: Path) -> Iterator[Block]:
    text = page.read_text(encoding="utf-8")
    for match in FENCE.finditer(text):
        line = text.count("\n", 0, match.start("text"))
        language, title = match["language"] or "", match["title"] or ""
        yield Block(language, title, match["text"], bool(match["skip"]), line)


def pages_with(language: str) -> list[object]:
    return [
        pytest.param(page, id=str(page.relative_to(ROOT)))
        for page in PAGES
        if any(block.language == language and not block.skipped for block in blocks(page))
    ]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder to work in, as a reader's clone would be."""
    generated = shutil.ignore_patterns("out", ".ipynb_checkpoints", "__pycache__")
    shutil.copytree(ROOT / "examples", tmp_path / "examples", ignore=generated)
    return tmp_path


def run(command: list[str], cwd: Path) -> None:
    environ = {
        **os.environ,
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
    }
    done = subprocess.run(
        command, cwd=cwd, env=environ, capture_output=True, text=True, timeout=280, check=False
    )
    assert done.returncode == 0, f"{command}\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}"


@pytest.mark.parametrize("document", pages_with("python"))
def test_python_blocks_run(document: Path, folder: Path) -> None:
    """A page's Python blocks, one after another, are a working script."""
    script = ""
    for block in blocks(document):
        if block.language == "python" and not block.skipped and not block.title:
            gap = block.line - script.count("\n")  # tracebacks name the page's own lines
            script += "\n" * gap + block.text
    path = folder / f"{document.stem}.py"
    path.write_text(script)
    run([sys.executable, str(path)], folder)


@pytest.mark.parametrize("document", pages_with("console"))
def test_commands_run(document: Path, folder: Path) -> None:
    """A page's commands work, in order, with the files that the page says to save."""
    for block in blocks(document):
        if block.title:
            (folder / block.title).write_text(block.text)
    for block in blocks(document):
        for command in block.commands if not block.skipped else ():
            run(["bash", "-euo", "pipefail", "-c", command], folder)


@pytest.mark.parametrize("document", PAGES, ids=[str(page.relative_to(ROOT)) for page in PAGES])
def test_blocks_are_seen(document: Path) -> None:
    """No block escapes these tests by its form: each has a known language, commands have `$`."""
    assert document.read_text(encoding="utf-8").count("\n```") == 2 * len(list(blocks(document)))
    for block in blocks(document):
        assert block.language in {"python", "console", "toml", "text"}, f"line {block.line}"
        assert block.language != "console" or block.commands, f"line {block.line}"


@pytest.mark.parametrize("document", PAGES, ids=[str(page.relative_to(ROOT)) for page in PAGES])
def test_links_lead_somewhere(document: Path) -> None:
    """Every relative link names a file or folder of the project."""
    targets = LINK.findall(document.read_text(encoding="utf-8"))
    assert [link for link in targets if not (document.parent / link).exists()] == []


def test_every_setting_is_documented() -> None:
    """docs/settings.md has one row for each setting, with its variable and default."""
    text = (ROOT / "docs/settings.md").read_text(encoding="utf-8")
    rows = dict(re.findall(r"^\| `(\w+)` \| (.+) \|$", text, re.MULTILINE))
    assert sorted(rows) == sorted(field.name for field in fields(Settings))
    for field in fields(Settings):
        assert f"`{PREFIX}{field.name.upper()}`" in rows[field.name]
        if field.default is not MISSING and field.default != "":
            shown = str(field.default).lower() if isinstance(field.default, bool) else field.default
            assert f"| `{shown}` |" in rows[field.name]


def commands(command: click.Command, name: str) -> Iterator[tuple[str, click.Command]]:
    """Every command that does something, with its full name."""
    if isinstance(command, click.Group):
        context = click.Context(command)
        for child in command.list_commands(context):
            found = command.get_command(context, child)
            assert found is not None
            yield from commands(found, f"{name} {child}")
    elif not command.hidden:
        yield name, command


COMMANDS = list(commands(cli, "nbflow"))


def sections(document: Path) -> dict[str, str]:
    """The page's texts by the heading above them; "" is the text before the first command."""
    heads, found = r"^#{2,4} .*?`(nbflow [\w -]+)`.*$", {}
    parts = re.split(heads, document.read_text(encoding="utf-8"), flags=re.MULTILINE)
    for name, text in zip(["", *parts[1::2]], parts[::2], strict=True):
        found[name] = text
    return found


def test_every_command_is_documented() -> None:
    """docs/cli.md has a section for each command, and none for what is no command."""
    documented = set(sections(ROOT / "docs/cli.md")) - {""}
    assert documented - {"nbflow runs"} == {name for name, _ in COMMANDS}


@pytest.mark.parametrize(("name", "command"), COMMANDS, ids=[name for name, _ in COMMANDS])
def test_every_option_is_documented(name: str, command: click.Command) -> None:
    """A command's section, or what the page says of all commands, names each of its options."""
    page = sections(ROOT / "docs/cli.md")
    text = page[""] + page[name]
    options = {
        spelling
        for parameter in command.params
        if isinstance(parameter, click.Option) and not parameter.hidden
        for spelling in (*parameter.opts, *parameter.secondary_opts)
    }
    assert {option for option in options if not re.search(rf"{option}(?![\w-])", text)} == set()
