"""nbflow.yaml is read strictly: each mistake is told with its line."""

from __future__ import annotations

from pathlib import Path

import pytest

from nbflow.deployments.plan_file import Entry, find_plan_file, read_plan_file
from nbflow.exceptions import UsageError


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "nbflow.yaml"


def read(path: Path, text: str) -> list[Entry]:
    path.write_text(text)
    return read_plan_file(path)


def test_an_entry_has_the_options_in_full(path: Path) -> None:
    (entry,) = read(
        path,
        """
deployments:
  - name: nightly
    target: train.ipynb
    cron: "0 6 * * *"
    tz: Europe/Paris
    parameters: {day: 2026-05-01, rows: 3}
    timeout: 10m
    cell_timeout: 90
    concurrency: 1
    keep_days: 7
    include: ["*.sql"]
""",
    )
    assert (entry.target, entry.name, entry.line) == ("train.ipynb", "nightly", 3)
    assert entry.options == {
        "cron": "0 6 * * *",
        "timezone": "Europe/Paris",
        "parameters": {"day": "2026-05-01", "rows": 3},
        "timeout_seconds": 600.0,
        "cell_timeout_seconds": 90,
        "concurrency_limit": 1,
        "keep_days": 7,
        "include": ["*.sql"],
    }


def test_defaults_anchors_and_merged_parameters(path: Path) -> None:
    first, second = read(
        path,
        """
defaults:
  queue: loads
  tags: [all]
  parameters: {region: eu}
x-slow: &slow
  timeout: 1h
  retries: 2
deployments:
  - {target: a.ipynb, parameters: {rows: 3}, tags: [own]}
  - <<: *slow
    target: b.ipynb
    retries: 5
""",
    )
    assert first.options["parameters"] == {"region": "eu", "rows": 3}
    assert (first.options["queue"], first.options["tags"]) == ("loads", ["own"])
    assert second.options["parameters"] == {"region": "eu"}
    assert (second.options["timeout_seconds"], second.options["retries"]) == (3600.0, 5)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (
            "deployments:\n  - target: a.ipynb\n    cronn: x",
            "line 3: Deployment 1 has no 'cronn'. Did you mean 'cron'",
        ),
        (
            "deployment:\n  - target: a.ipynb",
            "line 1: The file has no 'deployment'. Did you mean 'deployments'",
        ),
        ("defaults:\n  name: x\ndeployments: []", "line 2: The part 'defaults' has no 'name'"),
        ("deployments:\n  - name: x", "line 2: the deployment has no target"),
        ("deployments:\n  - a.ipynb", "deployment 1 is 'a.ipynb', which is no mapping"),
        (
            "deployments:\n  - target: a.ipynb\n    target: b.ipynb",
            "line 3 .*'target' stands there twice",
        ),
        (
            "deployments:\n  - target: a.ipynb\n    timeout: 1h\n    timeout_seconds: 3",
            "line 4: timeout_seconds stands there twice",
        ),
        ("deployments:\n  - target: a.ipynb\n    timeout: soon", "line 3: .*90s"),
        ("deployments: [", "is not valid YAML"),
        ("deployments: {}", "declares no deployments"),
        ("defaults: 3\ndeployments: []", "line 1: defaults is a mapping"),
        ("", "holds no deployments"),
        ("- 1", "holds no deployments"),
        ("deployments: !!python/object/apply:os.system ['false']", "is not valid YAML"),
    ],
)
def test_mistakes_have_lines(path: Path, text: str, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        read(path, text)


def test_the_file_of_the_folder_is_meant(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError, match=r"There is no nbflow\.yaml here"):
        find_plan_file(None)
    (tmp_path / "nbflow.yml").touch()
    assert find_plan_file(None) == Path("nbflow.yml")
    assert find_plan_file("other.yaml") == Path("other.yaml")
    with pytest.raises(UsageError, match=r"other\.yaml cannot be read"):
        read_plan_file(Path("other.yaml"))
