from __future__ import annotations

import importlib
import subprocess
import sys
from pathlib import Path

import pytest

from nbflow import late_grammar

PACKAGE = """
from slow_grammar.parts import TERMS

def is_valid_syntax(term, text):
    return term in TERMS and text.startswith(term)
"""


@pytest.fixture
def grammar(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A package that can be imported, and has not been."""
    folder = tmp_path / "slow_grammar"
    folder.mkdir()
    (folder / "__init__.py").write_text(PACKAGE)
    (folder / "parts.py").write_text("TERMS = ['iri', 'urn']")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(late_grammar, "NAME", "slow_grammar")
    for name in ("slow_grammar", "slow_grammar.parts"):
        monkeypatch.setitem(sys.modules, name, None)  # put back as it was: absent
        del sys.modules[name]
    return "slow_grammar"


def is_loaded(name: str) -> bool:
    return type(sys.modules[name]).__name__ == "module"


def test_it_is_loaded_by_the_first_check_and_answers_as_ever(grammar: str) -> None:
    late_grammar.put_off()
    from slow_grammar import is_valid_syntax

    assert not is_loaded(grammar)
    assert [is_valid_syntax("iri", text) for text in ("iri:x", "x")] == [True, False]
    assert is_loaded(grammar)
    assert is_valid_syntax("urn", "urn:x")


def test_whoever_wants_more_of_it_gets_the_package_itself(grammar: str) -> None:
    late_grammar.put_off()
    from slow_grammar import TERMS

    assert TERMS == ["iri", "urn"]
    assert is_loaded(grammar)
    with pytest.raises(ImportError, match="nothing"):
        from slow_grammar import nothing  # noqa: F401


def test_its_modules_can_be_imported_before_it(grammar: str) -> None:
    late_grammar.put_off()
    assert importlib.import_module("slow_grammar.parts").TERMS == ["iri", "urn"]


def test_what_is_loaded_stays_as_it_is(grammar: str) -> None:
    loaded = importlib.import_module(grammar)
    late_grammar.put_off()
    assert sys.modules[grammar] is loaded


def test_what_is_not_installed_stays_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(late_grammar, "NAME", "no_such_grammar")
    late_grammar.put_off()
    with pytest.raises(ImportError):
        importlib.import_module("no_such_grammar")


def test_notebooks_are_read_without_it_and_addresses_are_checked_with_it() -> None:
    pytest.importorskip("rfc3987_syntax", reason="JupyterLab is not installed")
    script = """
    import sys, nbflow, nbformat, jsonschema
    assert type(sys.modules["rfc3987_syntax"]).__name__ == "_Late"
    iri = jsonschema.Draft202012Validator({"format": "iri"}, format_checker=jsonschema.FormatChecker())
    assert iri.is_valid("http://ä.example/x") and not iri.is_valid("no address")
    assert type(sys.modules["rfc3987_syntax"]).__name__ == "module"
    """
    lines = "\n".join(line.strip() for line in script.splitlines())
    subprocess.run([sys.executable, "-c", lines], check=True, timeout=100)
