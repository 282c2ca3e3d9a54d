"""What users can set: from `NBFLOW_*` variables, `nbflow.toml`, `pyproject.toml` or the home.

This module decides names, defaults and precedence of settings. It must not know who uses
them. It is written by hand because reading settings stands in the start-up of every flow
process, and a validation library would cost most of that start-up's time
(see docs/decisions/0001-settings-by-hand.md).
"""

from __future__ import annotations

import os
import tomllib
import types
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any, Final, get_args, get_type_hints

from nbflow.exceptions import ConfigurationError

PREFIX: Final = "NBFLOW_"


def _default_home() -> Path:
    return Path.home() / ".nbflow"


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """All settings; each field is `NBFLOW_<FIELD IN CAPITALS>` in the environment."""

    #: Folder of the run database, results and executed notebooks (mode 0700).
    home: Path = field(default_factory=_default_home)
    #: SQLAlchemy URL of the run database; default: SQLite in the home.
    database_url: str = ""
    #: Root of the result storage, a folder or an fsspec URL; default: `results` in the home.
    results: str = ""
    #: Folder for executed notebooks; default: `notebooks` in the home.
    notebooks: str = ""
    #: Least level that run logs record.
    logging_level: str = "INFO"
    #: Whether run logs also go to the terminal (stderr).
    logging_to_console: bool = True
    #: Names of further loggers, separated by commas, whose records go to the run log.
    logging_extra_loggers: str = ""
    #: Whether `print` in tasks and flows goes to the run log, unless they say otherwise.
    log_prints: bool = False
    #: Whether results are kept, unless the task or flow says otherwise.
    persist_results: bool = False
    #: How results are serialized, unless said otherwise: pickle, json, compressed/pickle, ….
    result_serializer: str = "pickle"
    #: Retries of a task that does not say.
    task_default_retries: int = 0
    #: Seconds between retries of a task that does not say.
    task_default_retry_delay_seconds: float = 0.0
    #: Retries of a flow that does not say.
    flow_default_retries: int = 0
    #: Most threads of a ThreadPoolTaskRunner that does not say.
    task_runner_max_workers: int = 128
    #: Seconds a single cell may take; 0: no limit.
    cell_timeout_seconds: float = 0.0
    #: Seconds a kernel may take to start.
    kernel_start_timeout_seconds: float = 60.0
    #: Bytes of printed text one cell may leave in the executed notebook; more goes to a file.
    cell_output_limit: int = 2_000_000
    #: Lines one cell may leave in the run log; more is counted, and kept in the file.
    cell_log_limit: int = 10_000

    def resolved_database_url(self) -> str:
        """The database's URL, defaults filled in."""
        return self.database_url or f"sqlite:///{self.home / 'nbflow.db'}"

    def results_root(self) -> str:
        """The result storage's root, defaults filled in."""
        return self.results or str(self.home / "results")

    def notebooks_folder(self) -> Path:
        """Where executed notebooks go, defaults filled in."""
        return Path(self.notebooks).expanduser() if self.notebooks else self.home / "notebooks"

    def ensure_home(self) -> Path:
        """Create the home with mode 0700 when it is missing, and return it."""
        try:
            self.home.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            reason = error.strerror or str(error)
            raise ConfigurationError(
                f"The nbflow home {self.home} cannot be created ({reason}). "
                "Set NBFLOW_HOME to a folder you can write to."
            ) from error
        return self.home


_current: Settings | None = None


def get_settings() -> Settings:
    """The settings of this process, read once."""
    global _current  # noqa: PLW0603 - one cached value, changed only here and in tests
    if _current is None:
        _current = load_settings(os.environ, Path.cwd())
    return _current


@contextmanager
def temporary_settings(**changes: Any) -> Iterator[Settings]:
    """Run a block under changed settings, mostly for tests."""
    global _current  # noqa: PLW0603 - restored on exit
    before = _current
    _current = replace(get_settings(), **changes)
    try:
        yield _current
    finally:
        _current = before


def load_settings(environ: Mapping[str, str], folder: Path) -> Settings:
    """Read settings; the environment wins over the project's file, which wins over the home's.

    Raises `ConfigurationError` naming the setting and its source.
    """
    home = Path(environ.get(f"{PREFIX}HOME") or _default_home()).expanduser().absolute()
    layers = [
        (str(home / "config.toml"), _read_toml(home / "config.toml")),
        *_project_layers(folder),
        ("the environment", _from_environment(environ)),
    ]
    values: dict[str, Any] = {"home": home}
    hints = get_type_hints(Settings)
    for source, layer in layers:
        for name, raw in layer.items():
            if name not in hints:
                raise ConfigurationError(
                    f"There is no setting {name!r} (in {source}). "
                    f"Settings are: {', '.join(sorted(hints))}."
                )
            if name != "home":
                values[name] = _convert(name, raw, hints[name], source)
    return Settings(**values)


def _from_environment(environ: Mapping[str, str]) -> dict[str, str]:
    # Unknown NBFLOW_* variables are left alone: workers and servers pass others on.
    known = {f"{PREFIX}{f.name.upper()}": f.name for f in fields(Settings)}
    return {known[key]: value for key, value in environ.items() if key in known and value}


def _project_layers(folder: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    for parent in reversed((folder, *folder.parents)):
        pyproject = parent / "pyproject.toml"
        if pyproject.is_file():
            table = _read_toml(pyproject, strict=False).get("tool", {}).get("nbflow", {})
            yield str(pyproject), table
        yield str(parent / "nbflow.toml"), _read_toml(parent / "nbflow.toml")


def _read_toml(path: Path, *, strict: bool = True) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError, PermissionError):
        return {}
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        if not strict:  # someone else's pyproject is not ours to judge
            return {}
        raise ConfigurationError(f"{path} is not valid TOML ({error}). Correct it.") from error


def _convert(name: str, raw: Any, hint: Any, source: str) -> Any:
    kind = next((a for a in get_args(hint) if a is not types.NoneType), hint)
    try:
        if kind is bool:
            return _to_bool(raw)
        if kind is Path:
            return Path(raw).expanduser()
        return kind(raw)
    except (TypeError, ValueError) as error:
        raise ConfigurationError(
            f"The setting {name} in {source} is {raw!r}, which is not of type {kind.__name__}. "
            "Correct it or remove it."
        ) from error


def _to_bool(raw: Any) -> bool:
    if isinstance(raw, bool):
        return raw
    words = {"1": True, "true": True, "yes": True, "on": True}
    words |= {"0": False, "false": False, "no": False, "off": False}
    try:
        return words[str(raw).lower()]
    except KeyError:
        raise ValueError(raw) from None
