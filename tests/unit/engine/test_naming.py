"""Names of runs."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from nbflow.engine.naming import NameCounter, templated_name
from nbflow.exceptions import ConfigurationError


def test_later_runs_are_numbered() -> None:
    names = NameCounter()
    assert [names.next(n) for n in ("a", "a", "b", "a")] == ["a", "a-2", "b", "a-3"]


@pytest.mark.parametrize(
    ("template", "name"),
    [
        ("x-{day}", "x-5"),
        ("{day:03d}", "005"),
        ("{deep[k]}", "v"),
        (lambda: "made", "made"),
        (lambda parameters: f"of {parameters['day']}", "of 5"),
    ],
)
def test_templates(template: str | Callable[..., str], name: str) -> None:
    assert templated_name(template, {"day": 5, "deep": {"k": "v"}}, what="it") == name


@pytest.mark.parametrize("template", ["{missing}", "{", "{day.nothing}", "{0}", lambda: 5])
def test_what_does_not_fit_is_named(template: str | Callable[..., str]) -> None:
    with pytest.raises(ConfigurationError, match="the name of it"):
        templated_name(template, {"day": 5}, what="the name of it")
