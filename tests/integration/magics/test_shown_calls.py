"""Flows that a cell calls as functions: generators show themselves from their first step on."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.integration.widgets.kernels import Kernel, running_kernel

FLOWS = """
import asyncio, gc, threading
from nbflow.settings import get_settings

@flow
def steps(number=3):
    for each in range(number):
        yield each

@flow
async def later(number=3):
    for each in range(number):
        await asyncio.sleep(0)
        yield each

@flow
def fails():
    yield 1
    raise ValueError("no second step")

@flow
async def breaks():
    yield 1
    raise ValueError("no second step")

@flow
def plain():
    return 1

@flow
async def waits():
    await asyncio.sleep(0.01)

@flow
def around():
    return sum(steps())
"""


@pytest.fixture(scope="module")
def kernel(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kernel]:
    with running_kernel(tmp_path_factory.mktemp("kernel")) as running:
        running.run(FLOWS)
        yield running


def content_of(message: dict[str, Any]) -> Any:
    return message["content"]


def views_of(kernel: Kernel, request: str) -> list[str]:
    """What the views of a cell say now, in the order in which they came."""
    said: dict[str, str] = {}
    for message in list(kernel.heard):
        content = content_of(message)
        shown = content.get("transient", {}).get("display_id")
        begins = message["msg_type"] == "display_data" and message in kernel.of(request)
        if shown is not None and (begins or shown in said):
            said[shown] = content["data"]["text/plain"]
    return list(said.values())


def heads_of(kernel: Kernel, request: str) -> list[str]:
    """State and name of each view."""
    return [" ".join(view.split()[1:3]) for view in views_of(kernel, request)]


def printed(kernel: Kernel, request: str) -> str:
    messages = kernel.of(request)
    return "".join(content_of(m)["text"] for m in messages if m["msg_type"] == "stream")


@pytest.mark.parametrize(
    ("code", "views", "lines"),
    [
        ("for each in steps(): print('own', each)", ["completed steps"], "own 0\nown 1\nown 2\n"),
        ("for each in steps(): break", ["completed steps"], ""),
        ("it = steps(); next(it); it.close()", ["completed steps"], ""),
        ("it = steps(); next(it); del it", ["completed steps"], ""),
        (
            "it = [steps()]; it.append(it); next(it[0]); del it; gc.collect();",
            ["completed steps"],
            "",
        ),
        (
            (
                "it = [steps()]; it.append(it); next(it[0]); del it\n"
                "other = threading.Thread(target=gc.collect); other.start(); other.join()"
            ),
            ["completed steps"],
            "",
        ),
        ("it = steps(0); print(next(it, 'nothing'))", ["completed steps"], "nothing\n"),
        ("it = steps()", [], ""),
        (
            "try: print(list(fails()))\nexcept ValueError as error: print(error)",
            ["failed fails"],
            "no second step\n",
        ),
        (
            "try:\n async for each in breaks(): print(each)\nexcept ValueError as e: print(e)",
            ["failed breaks"],
            "1\nno second step\n",
        ),
        (
            "async for each in later(): print('own', each)",
            ["completed later"],
            "own 0\nown 1\nown 2\n",
        ),
        (
            "it = later(); await anext(it); await it.aclose()",
            ["completed later"],
            "",
        ),
        (
            "for each in steps(2): print(plain())",
            ["completed steps", "completed plain", "completed plain"],
            "1\n1\n",
        ),
        (
            "for one, two in zip(steps(2), steps(2)): print(one, two)",
            ["completed steps", "completed steps"],
            "0 0\n1 1\n",
        ),
        ("print(around())", ["completed around"], "3\n"),
        (
            "await asyncio.gather(waits(), waits());",
            ["completed waits", "completed waits"],
            "",
        ),
    ],
)
def test_a_view_lasts_as_long_as_its_run(
    kernel: Kernel, code: str, views: list[str], lines: str
) -> None:
    request = kernel.start(code)
    kernel.finish(request)
    kernel.wait_for(lambda: heads_of(kernel, request) == views, f"{views}")
    assert printed(kernel, request) == lines
    after = kernel.start("print(get_settings().logging_to_console)")
    kernel.finish(after)
    assert printed(kernel, after) == "True\n", "the console is as before"


def test_an_async_generator_that_is_left_ends_soon(kernel: Kernel) -> None:
    request = kernel.start("async for each in later(): break")
    kernel.finish(request)
    kernel.wait_for(lambda: heads_of(kernel, request) == ["completed later"], "its end")


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("it = steps(); print(next(it))", "print(list(it))"),
        ("it = later(); print(await anext(it))", "print([each async for each in it])"),
    ],
)
def test_a_generator_goes_on_under_the_cell_of_its_first_step(
    kernel: Kernel, first: str, second: str
) -> None:
    begins = kernel.start(first)
    kernel.finish(begins)
    kernel.wait_for(lambda: "running" in heads_of(kernel, begins)[0], "that it runs")
    kernel.run("print(plain())")
    ends = kernel.start(second)
    kernel.finish(ends)
    kernel.wait_for(lambda: heads_of(kernel, begins)[0].startswith("completed"), "its end")
    assert (printed(kernel, ends), views_of(kernel, ends)) == ("[1, 2]\n", [])


def test_a_generator_is_one_of_the_first_few_calls_when_it_begins(kernel: Kernel) -> None:
    request = kernel.start("waiting = [steps(1) for _ in range(9)]\nlist(waiting[8]); plain();")
    kernel.finish(request)
    kernel.wait_for(
        lambda: heads_of(kernel, request) == ["completed steps", "completed plain"], "two views"
    )


def test_a_name_steers_no_terminal_and_keeps_no_flow_from_running(kernel: Kernel) -> None:
    name = r"a\x1b[2J\x1b]0;hi\x07\u202e\ud800<b>\x00"
    request = kernel.start(f"@flow(name='{name}')\ndef odd(): print('it ran')\nodd();")
    kernel.finish(request)
    kernel.wait_for(lambda: heads_of(kernel, request)[0].startswith("completed a"), "its end")
    assert "it ran" in printed(kernel, request)
    for message in kernel.outputs(request):
        for form in message["content"].get("data", {}).values():
            assert not set(form) & {"\x1b", "\x07", "\x00", "\u202e", "\ud800"}, form
    kernel.run("from nbflow.runs import get_run")
    shown = kernel.start("print(get_run('latest'))")
    kernel.finish(shown)
    assert printed(kernel, shown).startswith("<Run ")
    assert not set(printed(kernel, shown)) & {"\x1b", "\x07", "\u202e"}
