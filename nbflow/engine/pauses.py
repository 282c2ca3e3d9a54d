"""How a run waits for a person: what is recorded, what is said, and when it gives up.

This module decides the order of things: the run is paused, asks, waits without work, goes on.
It must not know how questions become values, nor how an answer reaches the store.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from nbflow import states
from nbflow.engine.questions import Question
from nbflow.engine.session import FlowSession
from nbflow.engine.timeouts import standing_still
from nbflow.exceptions import ParameterError, RunTimeout
from nbflow.logging import run_logger
from nbflow.models.deployments import RunInput
from nbflow.states import now
from nbflow.wording import duration

#: Seconds between two looks at most; a thread of an event loop that ends is waited for.
_LOOK: Final = 5.0
_ASYNC_LOOK: Final = 1.0
#: The least, where much else happens in the store.
_BREATH: Final = 0.02


@dataclass(slots=True)
class Pause:
    """One place of a flow that waits for a person."""

    session: FlowSession
    question: Question
    key: str
    #: Seconds until it gives up; None: never.
    timeout: float | None
    #: How often an answer did not do.
    refused: int = 0
    #: What was wrong with the last one.
    complaint: str | None = None

    def wait(self) -> Any:
        """Pause the run until somebody has answered, and return the answer."""
        while True:
            found = self.known()
            if found is None:
                with self._paused():
                    found = self._answered(self._await())
            with suppress(ParameterError):
                return self.read(found)

    async def wait_async(self) -> Any:
        """The same, without blocking the event loop."""
        while True:
            found = self.known()
            if found is None:
                with self._paused():
                    found = self._answered(await self._await_async())
            with suppress(ParameterError):
                return self.read(found)

    def recall(self) -> tuple[Any, bool]:
        """The answer that an earlier process asked for, and whether there is one that fits."""
        while (found := self.known()) is not None:
            with suppress(ParameterError):
                return self.read(found), True
        return None, False

    def suspend(self) -> None:
        """Record that the run rests until somebody has answered."""
        self.session.move(states.Suspended(message=self.message))
        self.ask()

    def known(self) -> RunInput | None:
        """The answer, where an earlier attempt, or process, has asked already."""
        found = self._look()
        return found if found is not None and found.answered is not None else None

    def read(self, found: RunInput) -> Any:
        """The value of an answer; one that does not fit is told of, and asked for anew."""
        try:
            return self.question.read(found.answer)
        except ParameterError as error:
            self.refused += 1
            self.complaint = str(error)
            run_logger(self.session).warning("The answer does not fit: %s. Asking again.", error)
            raise

    def ask(self) -> None:
        """Let the store know what the run waits for."""
        at = now()
        deadline = None if self.timeout is None else at + timedelta(seconds=self.timeout)
        self.session.store.dispatch.ask(
            RunInput(
                flow_run_id=self.session.flow_run.id,
                key=self._present_key,
                schema=self.question.schema,
                message=self._question_text(),
                created=at,
                deadline=deadline,
            )
        )

    @property
    def message(self) -> str:
        """What the state says."""
        short = str(self.session.flow_run.id)[-8:]
        waits = "an answer" if self.question.schema else "a person"
        return f"{self._question_text() or f'Waits for {waits}'} (nbflow resume {short})"

    @contextmanager
    def _paused(self) -> Iterator[None]:
        with standing_still():
            self.session.move(states.Paused(message=self.message))
            self.ask()
            run_logger(self.session).info("Paused: %s", self.message)
            try:
                yield
            except Exception:
                self.session.move(states.Running())
                raise
            self.session.move(states.Running())
            run_logger(self.session).info("Goes on.")

    def _await(self) -> RunInput | None:
        events, end = self.session.store.events, self._end()
        seen = events.latest()
        while (found := self.known()) is None and (left := end - time.monotonic()) > 0:
            seen = events.wait(seen, min(_LOOK, left))
            time.sleep(_BREATH)
        return found

    async def _await_async(self) -> RunInput | None:
        import asyncio  # noqa: PLC0415 - slow to load, and only async flows need it

        events, end = self.session.store.events, self._end()
        seen = events.latest()
        while (found := self.known()) is None and (left := end - time.monotonic()) > 0:
            seen = await asyncio.to_thread(events.wait, seen, min(_ASYNC_LOOK, left))
            await asyncio.sleep(_BREATH)
        return found

    def _end(self) -> float:
        return math.inf if self.timeout is None else time.monotonic() + self.timeout

    def _look(self) -> RunInput | None:
        asked = self.session.store.dispatch.inputs(self.session.flow_run.id)
        return next((each for each in asked if each.key == self._present_key), None)

    @property
    def _present_key(self) -> str:
        """Each question anew has a key of its own."""
        return f"{self.key}~{self.refused + 1}" if self.refused else self.key

    def _question_text(self) -> str | None:
        if self.complaint is None:
            return self.question.text
        return f"The last answer did not fit ({self.complaint}). {self.question.text or ''}".strip()

    def _answered(self, found: RunInput | None) -> RunInput:
        if found is None:
            raise RunTimeout(
                f"Nobody answered within {duration(self.timeout)}. Run it again, or give people "
                "more time with timeout=SECONDS."
            )
        return found
