"""Questions of pages: checked, answered, refused."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import Any
from uuid import UUID

import pytest

from nbflow.exceptions import ObjectNotFound, UsageError
from nbflow.widgets import asks
from nbflow.widgets.asks import Desk, answer
from nbflow.widgets.messages import Asking
from nbflow.widgets.registry import shown

RUN = UUID(int=5)
DEADLINE = 60.0


class Form:
    target = "train.ipynb"


def test_a_button_is_passed_on(monkeypatch: pytest.MonkeyPatch) -> None:
    clicked = []

    def act(*given: Any, store: Any) -> str:
        clicked.append((*given, store))
        return "It goes on."

    monkeypatch.setattr(asks.actions, "act", act)
    monkeypatch.setattr(asks, "store_of", lambda run: f"store of {run.int}")
    params = {"run": str(RUN), "action": "answer", "answer": {"ok": True}}
    assert answer("run.act", params) == {"told": "It goes on."}
    assert clicked == [(RUN, "answer", {"ok": True}, "store of 5")]


def test_a_form_is_about_the_target_it_was_made_for(monkeypatch: pytest.MonkeyPatch) -> None:
    form = Form()
    view = shown.add(form)
    monkeypatch.setattr(asks.deploy, "describe", lambda target: {"target": target})
    monkeypatch.setattr(asks.deploy, "create", lambda target, given: {"made": target, **given})
    assert answer("deploy.describe", {"view": view}) == {"target": "train.ipynb"}
    made = answer("deploy.create", {"view": view, "name": "nightly"})
    assert made == {"made": "train.ipynb", "view": view, "name": "nightly"}


@pytest.mark.parametrize(
    ("method", "params", "error"),
    [
        ("nothing", {}, UsageError),
        ("run.act", {}, UsageError),
        ("run.act", {"run": 5, "action": "cancel"}, UsageError),
        ("runs.list", {"order": "by colour"}, UsageError),
        ("deploy.describe", {"view": "gone"}, ObjectNotFound),
    ],
)
def test_odd_questions_are_refused(method: str, params: dict[str, Any], error: type) -> None:
    with pytest.raises(error):
        answer(method, params)


# ── the desk ─────────────────────────────────────────────────────────────────────────────


class Sent:
    def __init__(self) -> None:
        self.messages: list[Mapping[str, Any]] = []
        self._news = threading.Condition()

    def __call__(self, message: Mapping[str, Any]) -> None:
        with self._news:
            self.messages.append(message)
            self._news.notify_all()

    def wait_for(self, number: int) -> None:
        with self._news:
            assert self._news.wait_for(lambda: len(self.messages) >= number, DEADLINE)


def asking(number: int = 1) -> Asking:
    return Asking(page="p", ask=number, method="m", params={})


def nothing() -> None:
    pass


@pytest.mark.parametrize(
    ("outcome", "told"),
    [
        ({"a": 1}, {"result": {"a": 1}}),
        (UsageError("Choose another."), {"error": "Choose another."}),
        (
            ValueError("odd\nvalue"),
            {"error": "nbflow met an error of its own (ValueError: odd value). Please report it."},
        ),
    ],
    ids=["answer", "refusal", "bug"],
)
def test_answers_and_refusals(monkeypatch: pytest.MonkeyPatch, outcome: Any, told: Any) -> None:
    def answer(method: str, params: Any) -> Any:
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    monkeypatch.setattr(asks, "answer", answer)
    sent, done = Sent(), threading.Event()
    Desk(sent).take(asking(), done.set)
    sent.wait_for(1)
    assert sent.messages == [{"type": "answer", "page": "p", "ask": 1, **told}]
    assert done.wait(DEADLINE)


def test_a_slow_question_holds_up_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    free = threading.Event()

    def answer(method: str, params: Any) -> Any:
        if not started.is_set():
            started.set()
            free.wait(DEADLINE)
        return {}

    started = threading.Event()
    monkeypatch.setattr(asks, "answer", answer)
    sent = Sent()
    desk = Desk(sent, most=2)
    desk.take(asking(1), nothing)
    assert started.wait(DEADLINE)
    desk.take(asking(2), nothing)
    sent.wait_for(1)
    assert sent.messages[0]["ask"] == 2
    free.set()
    sent.wait_for(2)


def test_too_many_questions_are_refused_and_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    free = threading.Event()
    monkeypatch.setattr(asks, "answer", lambda *_: free.wait(DEADLINE))
    sent = Sent()
    desk = Desk(sent, most=2)
    for number in range(3):
        desk.take(asking(number), nothing)
    [refused] = sent.messages
    assert refused["ask"] == 2
    assert "Try again" in refused["error"]
    free.set()
    sent.wait_for(3)


def test_a_table_is_known_to_its_own_kernel_only() -> None:
    with pytest.raises(ObjectNotFound, match="Run its cell again"):
        answer("runs.list", {"view": "another kernel's"})


@pytest.mark.parametrize("ill", ["x" * 1_000_000, "\x1b[2J\ud800"])
def test_a_question_that_is_refused_is_not_repeated(ill: str) -> None:
    with pytest.raises(UsageError) as refusal:
        answer(ill, {})
    assert len(str(refusal.value)) < 200
    assert str(refusal.value).isprintable()


class Mute(Exception):
    def __str__(self) -> str:
        raise RuntimeError("no words")


@pytest.mark.parametrize("error", [Mute(), ValueError("\ud800 " * 100_000)], ids=["mute", "long"])
def test_every_error_is_answered(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    def answer(method: str, params: Any) -> Any:
        raise error

    monkeypatch.setattr(asks, "answer", answer)
    sent = Sent()
    Desk(sent).take(asking(), nothing)
    sent.wait_for(1)
    sentence = sent.messages[0]["error"]
    assert sentence.endswith("Please report it.")
    assert len(sentence.encode()) < 5_000


def test_answers_can_be_sent_and_are_not_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    told = {"target": "x" * 100_000, "half \ud800": float("nan")}
    monkeypatch.setattr(asks.deploy, "describe", lambda _: told)
    view = shown.add(form := Form())
    answered = answer("deploy.describe", {"view": view})
    assert answered == {"target": "x" * 100_000, "half ?": "NaN"}
    del form


def test_a_question_without_a_thread_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    sent = Sent()
    desk = Desk(sent, most=1)
    with monkeypatch.context() as patched:
        patched.setattr(threading.Thread, "start", full)
        desk.take(asking(1), nothing)
    monkeypatch.setattr(asks, "answer", lambda *_: {})
    desk.take(asking(2), nothing)
    sent.wait_for(2)
    assert "Try again" in sent.messages[0]["error"]
    assert sent.messages[1]["result"] == {}
