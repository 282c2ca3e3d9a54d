"""Settings: which place wins, what they are turned into, and what is refused in words."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path

import pytest

from nbflow.exceptions import ConfigurationError
from nbflow.settings import PREFIX, Settings, load_settings

DOCUMENTED = Path(__file__).parents[2] / "docs" / "settings.md"


def load(folder: Path, /, **variables: str) -> Settings:
    environ = {f"{PREFIX}{name.upper()}": value for name, value in variables.items()}
    return load_settings({f"{PREFIX}HOME": str(folder / "home")} | environ, folder)


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def test_the_nearest_place_wins(tmp_path) -> None:
    """Environment, then the project from the inside out, then the home, then the default."""
    inner = tmp_path / "project" / "inner"
    places = [
        (tmp_path / "home" / "config.toml", "task_default_retries = 1"),
        (tmp_path / "project" / "pyproject.toml", "[tool.nbflow]\ntask_default_retries = 2"),
        (tmp_path / "project" / "nbflow.toml", "task_default_retries = 3"),
        (inner / "nbflow.toml", "task_default_retries = 4"),
    ]
    environ = {"NBFLOW_HOME": str(tmp_path / "home")}
    found = [load_settings(environ, inner).task_default_retries]
    for path, text in places:
        write(path, text)
        found.append(load_settings(environ, inner).task_default_retries)
    environ["NBFLOW_TASK_DEFAULT_RETRIES"] = "5"
    found.append(load_settings(environ, inner).task_default_retries)
    assert found == [0, 1, 2, 3, 4, 5]


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("log_prints", "Yes", True),
        ("log_prints", "off", False),
        ("task_default_retries", "3", 3),
        ("cell_timeout_seconds", "1e1", 10.0),
        ("logging_level", "debug", "debug"),
        ("results", "s3://bucket/x", "s3://bucket/x"),
        ("results", "", ""),
    ],
)
def test_variables_become_values_of_the_settings_type(tmp_path, name, text, value) -> None:
    assert getattr(load(tmp_path, **{name: text}), name) == value


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("log_prints", "maybe", "not of type bool"),
        ("task_default_retries", "two", "not of type int"),
        ("task_default_retries", "-1", "not 0 or more"),
        ("task_default_retry_delay_seconds", "-0.5", "not 0 or more"),
        ("task_runner_max_workers", "0", "not 1 or more"),
        ("cell_timeout_seconds", "nan", "not 0 or more"),
        ("kernel_start_timeout_seconds", "inf", "not 0 or more"),
        ("cell_output_limit", "-1", "not 0 or more"),
        ("logging_level", "LOUD", "no level of logging"),
    ],
)
def test_a_variable_that_cannot_be_used_is_named(tmp_path, name, text, words) -> None:
    with pytest.raises(ConfigurationError, match=words) as caught:
        load(tmp_path, **{name: text})
    assert f"The setting {name} in the environment is {text!r}" in str(caught.value)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("log_prints = 3", "not of type bool"),
        ("task_default_retries = true", "not of type int"),
        ("task_default_retries = 1.5", "not of type int"),
        ("cell_timeout_seconds = false", "not of type float"),
        ("results = 3", "not of type str"),
        ('database_url = ["x"]', "not of type str"),
        ('home = "/elsewhere"', "Set NBFLOW_HOME"),
        ("log_print = true", "There is no setting 'log_print'"),
        ("log_prints = [", "not valid TOML"),
    ],
)
def test_a_line_of_a_file_that_cannot_be_used_is_named_with_its_file(tmp_path, text, words) -> None:
    write(tmp_path / "nbflow.toml", text)
    with pytest.raises(ConfigurationError, match=re.escape(words)) as caught:
        load(tmp_path)
    assert str(tmp_path / "nbflow.toml") in str(caught.value)


@pytest.mark.parametrize("text", ["tool = 3", "[tool]\nx = 1", "[broken", "[project]\nname = 'x'"])
def test_the_rest_of_a_pyproject_is_not_ours_to_judge(tmp_path, text) -> None:
    write(tmp_path / "pyproject.toml", text)
    assert load(tmp_path).task_default_retries == 0


def test_our_own_table_of_a_pyproject_must_be_one(tmp_path) -> None:
    write(tmp_path / "pyproject.toml", "[tool]\nnbflow = 3")
    with pytest.raises(ConfigurationError, match=r"tool\.nbflow .* is 3, which is no table"):
        load(tmp_path)


def test_a_folder_in_a_files_place_is_no_file(tmp_path) -> None:
    (tmp_path / "nbflow.toml").mkdir()
    (tmp_path / "home" / "config.toml").mkdir(parents=True)
    assert load(tmp_path).log_prints is False


def test_variables_of_others_are_left_alone(tmp_path) -> None:
    assert load(tmp_path, worker_token="x") == load(tmp_path)


def test_a_user_without_a_home_folder_is_told_what_to_set(tmp_path, monkeypatch) -> None:
    def no_home() -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr(Path, "home", no_home)
    with pytest.raises(ConfigurationError, match="Set NBFLOW_HOME"):
        load_settings({}, tmp_path)


def test_the_documentation_lists_every_setting_with_its_default() -> None:
    rows = re.findall(
        r"^\| `(\w+)` \| `(\w+)` \| (.*?) \|", DOCUMENTED.read_text("utf-8"), re.MULTILINE
    )
    assert [row[:2] for row in rows] == [
        (field.name, f"{PREFIX}{field.name.upper()}") for field in fields(Settings)
    ]
    spelled = {name: default.strip("`") for name, _, default in rows}
    defaults = {
        field.name: str(field.default).lower() if isinstance(field.default, bool) else field.default
        for field in fields(Settings)
        if isinstance(field.default, (bool, int, float))
    }
    assert {name: spelled[name] for name in defaults} == {
        name: str(default) for name, default in defaults.items()
    }
