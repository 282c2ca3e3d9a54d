"""The page that asks whether a run is to be cancelled, and tells what came of it.

This module decides what it says, and how it looks: a card like those of the run graph, with the
state's colour at its edge, in light and dark as the reader's system asks. There is no script in
it, and nothing from elsewhere. It must not know who may see it, nor how runs end.
"""

from __future__ import annotations

from base64 import b64encode
from datetime import datetime
from hashlib import sha256
from html import escape
from typing import Final

from nbflow.drawing.icons import ICONS
from nbflow.drawing.themes import DARK, LIGHT, UI_FONT, Palette, role_colours
from nbflow.models import FlowRun
from nbflow.states import StateType, look_of
from nbflow.wording import ago, duration, middle_ellipsis, one_line, state_word

_ENDS: Final = {
    StateType.COMPLETED: "completed",
    StateType.FAILED: "failed",
    StateType.CANCELLED: "was cancelled",
    StateType.CRASHED: "crashed",
}
_KEPT: Final = "What it has done so far is kept."
_WAS_KEPT: Final = "What it had done by then is kept."
_CLOSE: Final = "You can close this page."
_LONGEST_NAME: Final = 48
_NO_BREAK: Final = "&nbsp;"


# ── what is said ─────────────────────────────────────────────────────────────────────────


def question(run: FlowRun, now: datetime, process: int | None, *, firm: bool) -> str:
    """Whether the run, which goes on, is to be cancelled.

    `process` executes it, if no worker sees to that; `firm` when that has to end with it.
    """
    if process is None:
        note = "Its worker ends it, or never begins it."
    else:
        note = _loss(process) if firm else "It ends as by the notebook’s stop button."
    form = _form("Cancel this run", "go")
    heading = f"Cancel {_name(run)}?"
    return _card(run, heading, _since(run, now), form, _small(f"{note} {_KEPT}"))


def asked(run: FlowRun, now: datetime, process: int | None) -> str:
    """The run was told to end, and goes on so far; `process` may be ended under it."""
    told = _words("It was told to end. Some code ends only once its present step is done.")
    again = '<a class="go" href="?asked=true">Look again</a>'
    if process is None:
        after = again
    else:
        form = _form("End its process", "quiet", "?firmly=true")
        after = f'<div class="row">{again}{form}</div>{_small(_loss(process))}'
    return _card(run, f"{_name(run)} has not ended yet", _since(run, now), told, after)


def ended(run: FlowRun, now: datetime) -> str:
    """The run has settled: there is nothing to cancel, or there is no more."""
    heading = f"{_name(run)} {_end(run)}"
    took = duration(_seconds(run)).replace(" ", _NO_BREAK)
    after = f", after {took}" if took else ""
    words = f"A run of <b>{_text(run.flow_name)}</b>: it ended at {_time(run.state.timestamp, now)}"
    done = _WAS_KEPT if run.state.is_cancelled() else "There is nothing to cancel."
    return _card(run, heading, f"<p>{words}{after}.</p>", _small(f"{done} {_CLOSE}"))


def too_late(run: FlowRun, now: datetime) -> str:
    """The run had settled before anybody wanted it to."""
    ended_when = _time(run.state.timestamp, now)
    words = f"It {_end(run)} at {ended_when}, before it could be cancelled."
    return _card(run, f"{_name(run)} had ended already", f"<p>{words}</p>", _small(_CLOSE))


def impossible(run: FlowRun, now: datetime, reason: str) -> str:
    """The run goes on, and cannot be cancelled from here."""
    heading = f"{_name(run)} cannot be cancelled here"
    return _card(run, heading, _since(run, now), _words(reason))


def refusal(heading: str, sentence: str) -> str:
    """There is no run to speak of."""
    return _page(heading, f'<main class="slate"><h1>{_text(heading)}</h1>{_words(sentence)}</main>')


def _loss(process: int) -> str:
    return (
        f"That ends the process {process} with all that is in its memory: of a notebook, every "
        "variable."
    )


def _end(run: FlowRun) -> str:
    if run.state.name == "TimedOut":
        return "timed out"
    return _ENDS.get(run.state.type, "never ran")


def _since(run: FlowRun, now: datetime) -> str:
    state = run.state
    if state.is_running() and run.start_time is not None:
        how = f"running since {_time(run.start_time, now)}"
    else:
        how = f"{escape(state_word(state.name))} since {_time(state.timestamp, now)}"
    return f"<p>A run of <b>{_text(run.flow_name)}</b>, {how}.</p>"


def _seconds(run: FlowRun) -> float | None:
    if run.start_time is None:
        return None
    return ((run.end_time or run.state.timestamp) - run.start_time).total_seconds()


def _time(moment: datetime, now: datetime) -> str:
    """A local time and how long ago it was; the exact one, in UTC, when it is pointed at."""
    local, exact = moment.astimezone(), f"{moment:%Y-%m-%d %H:%M:%S} UTC"
    day = "" if local.date() == now.astimezone().date() else f"{local:%Y-%m-%d} "
    return (
        f'<time datetime="{moment.isoformat()}" title="{exact}">{day}{local:%H:%M:%S}</time> '
        f"({escape(ago(moment, now)).replace(' ', _NO_BREAK)})"
    )


# ── how it is put together ───────────────────────────────────────────────────────────────


def _card(run: FlowRun, heading: str, *parts: str) -> str:
    look = look_of(run.state.name, run.state.type)
    role = "slate" if look.hollow else look.role
    icon = f'<svg viewBox="0 0 14 14" aria-hidden="true">{ICONS[look.icon]}</svg>'
    chip = f'<span class="chip">{icon}{escape(state_word(run.state.name).capitalize())}</span>'
    body = f'<main class="{role}">{chip}<h1>{escape(heading)}</h1>{"".join(parts)}</main>'
    return _page(heading, body)


def _page(title: str, body: str) -> str:
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width">'
        '<meta name="robots" content="noindex"><link rel="icon" href="data:,">'
        f"<title>{_text(title)} · nbflow</title><style>{_STYLE}</style></head>"
        f"<body>{body}<footer>nbflow</footer></body></html>"
    )


def _form(label: str, look: str, address: str = "") -> str:
    action = f' action="{address}"' if address else ""
    return f'<form method="post"{action}><button class="{look}">{escape(label)}</button></form>'


def _name(run: FlowRun) -> str:
    return middle_ellipsis(one_line(run.name), _LONGEST_NAME)


def _text(text: str) -> str:
    return escape(one_line(text))


def _words(text: str) -> str:
    return f"<p>{_text(text)}</p>"


def _small(text: str) -> str:
    return f"<p><small>{_text(text)}</small></p>"


# ── how it looks ─────────────────────────────────────────────────────────────────────────

#: The states' colours that a card can have at its edge, each as a class.
_ROLES: Final = sorted(set(role_colours("light")))
_RULES: Final = (
    "*{box-sizing:border-box}"
    f"body{{font:15px/1.5 {UI_FONT};color:var(--ink);background:var(--frame);margin:0;"
    "min-height:100vh;display:grid;align-content:center;justify-items:center;padding:24px;"
    "color-scheme:light dark}"
    "main{background:var(--card);border:1px solid var(--border);border-left:5px solid var(--state);"
    "border-radius:10px;padding:26px 30px 22px;width:100%;max-width:35rem;"
    "box-shadow:0 1px 2px #0001,0 8px 28px #0000000f}"
    "h1{font-size:22px;line-height:1.3;margin:14px 0 6px;overflow-wrap:anywhere;text-wrap:balance}"
    "h1:first-child{margin-top:0}"
    "p{margin:8px 0;overflow-wrap:anywhere;text-wrap:pretty}b{font-weight:600}"
    "time{font-variant-numeric:tabular-nums}small,footer{font-size:13px;color:var(--muted)}footer{margin-top:16px}"
    ".chip{display:inline-flex;align-items:center;gap:6px;padding:3px 12px 3px 9px;"
    "border-radius:13px;background:var(--state);color:var(--on);font-size:13px;font-weight:600}"
    "svg{width:14px;height:14px;flex:none;overflow:visible}svg .s{fill:none;stroke:currentColor;"
    "stroke-width:1.8;stroke-linecap:round;stroke-linejoin:round}svg .f{fill:currentColor}"
    ".row{display:flex;flex-wrap:wrap;column-gap:12px}form{margin:0}"
    "button,.go{display:inline-block;font:inherit;font-weight:600;margin:14px 0 4px;"
    "padding:8px 20px;border-radius:8px;border:1px solid transparent;text-decoration:none;"
    "cursor:pointer}"
    "button.go{background:var(--red);color:var(--on)}a.go{background:var(--blue);color:var(--on)}"
    ".quiet{background:none;color:var(--red);border-color:var(--red)}"
    "button:hover,.go:hover{filter:brightness(1.12)}button:active,.go:active{filter:brightness(.92)}"
    "button:focus-visible,.go:focus-visible{outline:3px solid var(--blue);outline-offset:2px}"
)


def _colours(palette: Palette, look: str) -> str:
    roles = role_colours(look)
    told = {
        **{role: roles[role] for role in ("red", "blue")},
        **{name: getattr(palette, name) for name in ("ink", "muted", "frame", "card", "border")},
        "on": palette.on_state,
    }
    root = "".join(f"--{name}:{colour};" for name, colour in told.items())
    states = "".join(f".{role}{{--state:{roles[role]}}}" for role in _ROLES)
    return f":root{{{root}}}{states}"


_STYLE: Final = (
    f"{_RULES}{_colours(LIGHT, 'light')}"
    f"@media (prefers-color-scheme:dark){{{_colours(DARK, 'dark')}}}"
)
_DIGEST: Final = b64encode(sha256(_STYLE.encode()).digest()).decode()

#: What a browser lets the page do: wear this very style, and send its own form.
POLICY: Final = (
    f"default-src 'none'; style-src 'sha256-{_DIGEST}'; img-src data:; base-uri 'none'; "
    "form-action 'self'; frame-ancestors 'none'"
)
