"""What users can set: from `NBFLOW_*` variables, `nbflow.toml`, `pyproject.toml` or the home.

This module decides names, defaults and precedence of settings. It must not know who uses
them. It is written by hand because reading settings stands in the start-up of every flow
process, and a validation library would cost most of that start-up's time
(see docs/decisions/0001-settings-by-hand.md).
"""

from __future__ import annotations

import math
import os
import tomllib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any, Final, get_type_hints

from nbflow.exceptions import ConfigurationError
from nbflow.paths import expanded

PREFIX: Final = "NBFLOW_"

_LEVELS: Final = frozenset(
    ["NOTSET", "DEBUG", "INFO", "WARN", "WARNING", "ERROR", "FATAL", "CRITICAL"]
)


def _default_home() -> Path:
    try:
        return Path.home() / ".nbflow"
    except RuntimeError:  # a container's user may have no home
        raise ConfigurationError(
            "This user has no home folder. Set NBFLOW_HOME to a folder you can write to."
        ) from None


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
    #: Whether a flow that a notebook's cell calls shows itself under the cell.
    inline_views: bool = True
    #: Names of further loggers, separated by commas, whose records go to the run log.
    logging_extra_loggers: str = ""
    #: Whether `print` in tasks and flows goes to the run log, unless they say otherwise.
    log_prints: bool = False
    #: Whether results are kept, unless the task or flow says otherwise.
    persist_results: bool = False
    #: Whether what task cells of a flow run make is kept, so that the run can be resumed.
    keep_cell_results: bool = True
    #: Whether the inputs of failed tasks are kept, to look at them afterwards.
    keep_failed_inputs: bool = True
    #: Bytes that the inputs of failed tasks may take together; the oldest go first.
    failed_inputs_limit: int = 500_000_000
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
    #: Seconds that the kernel of a failed notebook run is kept; 0: it ends with the run.
    keep_kernel_seconds: float = 0.0
    #: Bytes of printed text one cell may leave in the executed notebook; more goes to a file.
    cell_output_limit: int = 2_000_000
    #: Lines one cell may leave in the run log; more is in the executed notebook alone.
    cell_log_limit: int = 10_000
    #: Address of a server whose runs these are, in place of a database of one's own.
    api_url: str = ""
    #: The token that the server at `api_url` asks for.
    api_token: str = ""
    #: Where `nbflow server start` listens.
    server_host: str = "127.0.0.1"
    server_port: int = 4200
    #: Seconds after which a worker that does not answer has lost its runs.
    lease_seconds: float = 30.0
    #: Seconds that a cancelled run gets to end by itself, before it is told to, then killed.
    cancel_grace_seconds: float = 10.0
    #: Whether a worker keeps a kernel ready, so that a run starts at once.
    warm_kernels: bool = True
    #: Ended runs of a deployment that are kept, at most; 0: all of them.
    keep_runs: int = 1_000
    #: Days for which ended runs of a deployment are kept; 0: for ever.
    keep_days: float = 90.0

    def resolved_database_url(self) -> str:
        """The database's URL, defaults filled in."""
        return self.database_url or self._own_database_url

    @property
    def _own_database_url(self) -> str:
        return f"sqlite:///{self.home / 'nbflow.db'}"

    @property
    def has_own_database(self) -> bool:
        """Whether the database lies in the home, which then has to be there."""
        return self.database_url in {"", self._own_database_url}

    def results_root(self) -> str:
        """The result storage's root, defaults filled in."""
        return self.results or str(self.home / "results")

    def notebooks_folder(self) -> Path:
        """Where executed notebooks go, defaults filled in."""
        return expanded(self.notebooks) if self.notebooks else self.home / "notebooks"

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
        _current = load_settings(os.environ, _working_folder())
    return _current


def _working_folder() -> Path:
    try:
        return Path.cwd()
    except FileNotFoundError:
        raise ConfigurationError(
            "The folder you work in was deleted. Change to another one, then try again."
        ) from None


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
    return read_settings(environ, folder)[0]


def read_settings(environ: Mapping[str, str], folder: Path) -> tuple[Settings, dict[str, str]]:
    """Settings as `load_settings` gives them, and where those that are set were set."""
    home = expanded(environ.get(f"{PREFIX}HOME") or _default_home()).absolute()
    variables = _from_environment(environ)
    layers = [
        (str(home / "config.toml"), _read_toml(home / "config.toml")),
        *_project_layers(folder),
        ("the environment", variables),
    ]
    values: dict[str, Any] = {"home": home}
    sources: dict[str, str] = {}
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
            elif layer is not variables:
                raise ConfigurationError(
                    f"The setting home cannot be set in {source}, because the home is where "
                    "settings are looked for. Set NBFLOW_HOME instead."
                )
            sources[name] = source
    return Settings(**values), sources


def as_environment(settings: Settings) -> dict[str, str]:
    """The settings as `NBFLOW_*` variables, for a process that is to have the same ones."""
    values = {each.name: getattr(settings, each.name) for each in fields(Settings)}
    values |= {
        "database_url": settings.resolved_database_url(),
        "results": settings.results_root(),
        "notebooks": settings.notebooks_folder(),
    }
    return {f"{PREFIX}{name.upper()}": str(value) for name, value in values.items()}


def _from_environment(environ: Mapping[str, str]) -> dict[str, str]:
    # Unknown NBFLOW_* variables are left alone: workers and servers pass others on.
    known = {f"{PREFIX}{f.name.upper()}": f.name for f in fields(Settings)}
    return {known[key]: value for key, value in environ.items() if key in known and value}


def _project_layers(folder: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    for parent in reversed((folder, *folder.parents)):
        pyproject = parent / "pyproject.toml"
        yield str(pyproject), _own_table(pyproject)
        yield str(parent / "nbflow.toml"), _read_toml(parent / "nbflow.toml")


def _own_table(pyproject: Path) -> dict[str, Any]:
    """What `[tool.nbflow]` holds; the rest of a pyproject is not ours to judge."""
    tools = _read_toml(pyproject, strict=False).get("tool")
    table = tools.get("nbflow", {}) if isinstance(tools, dict) else {}
    if not isinstance(table, dict):
        raise ConfigurationError(
            f"tool.nbflow in {pyproject} is {table!r}, which is no table. "
            "Write `[tool.nbflow]`, and the settings below it."
        )
    return table


def _read_toml(path: Path, *, strict: bool = True) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError, PermissionError):
        return {}
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        if not strict:
            return {}
        raise ConfigurationError(f"{path} is not valid TOML ({error}). Correct it.") from error


def _convert(name: str, raw: Any, kind: type, source: str) -> Any:
    try:
        value = _CONVERTERS[kind](raw)
        _check(name, value)
    except (TypeError, ValueError, OverflowError) as error:
        what = str(error) if isinstance(error, _Unfit) else f"not of type {kind.__name__}"
        raise ConfigurationError(
            f"The setting {name} in {source} is {raw!r}, which is {what}. Correct it or remove it."
        ) from error
    return value


class _Unfit(ValueError):
    """The value has the right type, but cannot be used; says why."""


def _check(name: str, value: object) -> None:
    if name == "logging_level" and str(value).upper() not in _LEVELS:
        raise _Unfit("no level of logging: DEBUG, INFO, WARNING, ERROR or CRITICAL")
    if isinstance(value, (int, float)):
        least = 1 if name == "task_runner_max_workers" else 0
        if not least <= value < math.inf:  # NaN is not either
            raise _Unfit(f"not {least} or more")


def _to_bool(raw: Any) -> bool:
    if isinstance(raw, bool):
        return raw
    words = {"1": True, "true": True, "yes": True, "on": True}
    words |= {"0": False, "false": False, "no": False, "off": False}
    try:
        return words[str(raw).lower()]
    except KeyError:
        raise ValueError(raw) from None


def _to_int(raw: Any) -> int:
    if isinstance(raw, (bool, float)):
        raise TypeError(raw)
    return int(raw)


def _to_float(raw: Any) -> float:
    if isinstance(raw, bool):
        raise TypeError(raw)
    return float(raw)


def _to_text(raw: Any) -> str:
    if not isinstance(raw, str):
        raise TypeError(raw)
    return raw


_CONVERTERS: Final[Mapping[type, Callable[[Any], Any]]] = {
    bool: _to_bool,
    int: _to_int,
    float: _to_float,
    str: _to_text,
}
