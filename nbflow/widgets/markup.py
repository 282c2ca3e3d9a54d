"""HTML that notebooks show and save: the shared style, chips, bars, coloured text.

This module decides how nbflow's words look under a cell, in light and dark alike: there is no
background of its own, neutral colours are the front end's, and a state's colour is that of the
table of looks for the theme at hand. Nothing here is a script, and every word is escaped. It
must not know runs or commands.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cache
from hashlib import sha256
from html import escape
from typing import Final

from nbflow.drawing import Fitted, fitted, fitted_svg
from nbflow.drawing.icons import ICONS
from nbflow.drawing.themes import DARK, LIGHT, Theme, role_colours, style_sheet
from nbflow.models import RunGraph
from nbflow.states import LOOKS, State, look_of
from nbflow.wording import BAD_NAMES, DONE_NAMES, one_line, state_word

_FONT: Final = "var(--jp-ui-font-family,system-ui,-apple-system,'Segoe UI',Roboto,sans-serif)"
_CODE_FONT: Final = (
    "var(--jp-code-font-family,var(--vscode-editor-font-family,ui-monospace,Menlo,Consolas,"
    "'DejaVu Sans Mono',monospace))"
)
_INK: Final = "var(--jp-content-font-color1,var(--vscode-editor-foreground,inherit))"
_RULES: Final = (
    ("", f"font:13px/1.45 {_FONT};color:{_INK};margin:2px 0"),
    (".nbf-row", "display:flex;align-items:center;gap:10px"),
    (".nbf-name", "font-weight:600;font-size:15px"),
    (".nbf-side", "margin-left:auto;font-variant-numeric:tabular-nums;opacity:.8"),
    (
        ".nbf-chip",
        (
            "display:inline-flex;align-items:center;gap:5px;padding:2px 10px 2px 8px;"
            "border-radius:12px;font-weight:600;font-size:12px;color:var(--nbf-on);white-space:nowrap"
        ),
    ),
    ("svg.nbf-icon", "width:14px;height:14px;flex:none;overflow:visible"),
    (
        "svg.nbf-icon .s",
        "fill:none;stroke:currentColor;stroke-width:1.8;stroke-linecap:round;stroke-linejoin:round",
    ),
    ("svg.nbf-icon .f", "fill:currentColor"),
    (
        ".nbf-bar",
        (
            "display:flex;gap:1px;height:4px;border-radius:2px;overflow:hidden;margin:7px 0 6px;"
            "background:rgba(128,128,128,.28)"
        ),
    ),
    (".nbf-mute", "opacity:.72"),
    (".nbf-time", "font-variant-numeric:tabular-nums;opacity:.72"),
    (
        "pre",
        (
            f"font:12px/1.5 {_CODE_FONT};margin:4px 0;padding:0;background:none;border:0;"
            "color:inherit;white-space:pre-wrap;overflow-wrap:anywhere"
        ),
    ),
    (
        ".nbf-alarm",
        "border-left:4px solid var(--nbf-red);padding:4px 0 4px 12px;margin:8px 0",
    ),
    (".nbf-alarm b", "color:var(--nbf-red);font-size:14px"),
    (".nbf-graph", "overflow:auto;margin-top:8px"),
)
#: Where a dark theme is in force: JupyterLab and its exports, VS Code, Colab, Sphinx.
_DARK_PAGES: Final = (
    '[data-jp-theme-light="false"]',
    ".vscode-dark",
    ".vscode-high-contrast:not(.vscode-high-contrast-light)",
    "html[theme=dark]",
    'html[data-theme="dark"]',
)
#: Pages that say themselves which theme they have; for others the reader's system decides.
_TELLING_PAGE: Final = (
    ':not([data-jp-theme-light]):not([class*="vscode-"]):not(html[theme] *):not(html[data-theme] *)'
)


@cache
def style() -> str:
    """The style sheet of everything in `page`."""
    rules = [_rule(selector, body) for selector, body in _RULES]
    rules.append(_rule("", _colours("light", LIGHT.on_state)))
    dark = _colours("dark", DARK.on_state)
    return f"<style>{''.join(rules)}{_in_the_dark('.nbf', f'.nbf{{{dark}}}')}</style>"


def _in_the_dark(top: str, css: str) -> str:
    """The rules where a dark theme is in force; their selectors begin with `top`."""
    told = css.replace(top, f":is({','.join(_DARK_PAGES)}) {top}")
    untold = css.replace(top, f"body{_TELLING_PAGE} {top}")
    return f"{told}@media (prefers-color-scheme:dark){{{untold}}}"


def picture(graph: RunGraph) -> str:
    """The graph as SVG that follows the page's theme; raises `VisualizationError`."""
    return fitted_picture(fitted(graph))


def fitted_picture(shown: Fitted, ask: str = "") -> str:
    """The same for what was decided to be shown; `ask` says how to see all of it."""
    scope = f"nbf-{sha256(repr(shown).encode('utf-8', 'backslashreplace')).hexdigest()[:10]}"
    svg = fitted_svg(shown, theme=Theme.LIGHT, scope=scope, ask=ask)
    dark = _in_the_dark(f".{scope}", style_sheet(scope, Theme.DARK))
    return element("div", "nbf-graph", svg, f"<style>{dark}</style>")


def _rule(selector: str, body: str) -> str:
    return f".nbf {selector}{{{body}}}" if selector else f".nbf{{{body}}}"


def _colours(look: str, on: str) -> str:
    roles = role_colours(look) | {"on": on}
    return ";".join(f"--nbf-{role}:{colour}" for role, colour in roles.items())


def page(*parts: str) -> str:
    """One display, with its style."""
    return f'<div class="nbf">{style()}{"".join(parts)}</div>'


def element(name: str, css_class: str, *inner: str) -> str:
    """An element around what is HTML already."""
    mark = f' class="{css_class}"' if css_class else ""
    return f"<{name}{mark}>{''.join(inner)}</{name}>"


def words(text: str, css_class: str = "") -> str:
    """Text on one line."""
    return element("span", css_class, escape(one_line(text)))


# ── states ───────────────────────────────────────────────────────────────────────────────


def chip(state: State[object]) -> str:
    """A state as a filled pill: icon and word."""
    look = look_of(state.name, state.type)
    role = "slate" if look.hollow else look.role
    return (
        f'<span class="nbf-chip" style="background:var(--nbf-{role})">'
        f"{_svg(look.icon)}{escape(state_word(state.name))}</span>"
    )


def icon(state: State[object]) -> str:
    """A state's icon, in its colour."""
    look = look_of(state.name, state.type)
    return f'<span style="display:flex;color:var(--nbf-{look.role})">{_svg(look.icon)}</span>'


def _svg(name: str) -> str:
    return f'<svg class="nbf-icon" viewBox="0 0 14 14" aria-hidden="true">{ICONS[name]}</svg>'


def bar(counts: Mapping[str, int]) -> str:
    """A thin bar with a segment for each state that runs have come to; the rest is empty."""
    shown = [(name, n) for name, n in sorted(counts.items(), key=_segment_order) if _moved(name)]
    rest = sum(counts.values()) - sum(number for _, number in shown)
    parts = [
        f'<i style="flex:{number} 0 4px;background:var(--nbf-{LOOKS[name].role})"></i>'
        for name, number in shown
    ]
    empty = f'<i style="flex:{rest} 0 0"></i>' if rest else ""
    return f'<div class="nbf-bar" aria-hidden="true">{"".join(parts)}{empty}</div>'


def _moved(name: str) -> bool:
    look = LOOKS.get(name)
    return look is not None and not look.hollow and look.icon not in {"clock", "hourglass"}


def _segment_order(item: tuple[str, int]) -> tuple[int, str]:
    name = item[0]
    return (0 if name in DONE_NAMES else 1 if name in BAD_NAMES else 2, name)


# ── terminal text ────────────────────────────────────────────────────────────────────────

_ESCAPE: Final = re.compile(r"\x1b\[([0-9;]*)m|\x1b\[[0-?]*[ -/]*[@-~]")
#: The terminal's eight colours as roles; black and white are the reader's own ink.
_TERMINAL: Final = ("", "red", "green", "amber", "blue", "violet", "teal", "")
_MARKS: Final = {
    1: "font-weight:600",
    2: "opacity:.72",
    3: "font-style:italic",
    4: "text-decoration:underline",
}
#: What ends which marks: 22 ends bold and faint.
_ENDS: Final = {22: (1, 2), 23: (3,), 24: (4,)}
#: A colour of 256, a colour of its own: so many numbers follow.
_LONG: Final = {38: {5: 1, 2: 3}, 48: {5: 1, 2: 3}}


def preformatted(text: str) -> str:
    """Text written for a terminal, its colours as those of the theme."""
    return f"<pre>{''.join(_spans(text))}</pre>"


def _spans(text: str) -> Iterator[str]:
    marks: dict[str, str] = {}
    end = 0
    for match in _ESCAPE.finditer(text):
        yield _span(text[end : match.start()], marks)
        end = match.end()
        if match[1] is not None:
            marks = _after(marks, [int(code or 0) for code in match[1].split(";")])
    yield _span(text[end:], marks)


def _span(text: str, marks: Mapping[str, str]) -> str:
    if not text or not marks:
        return escape(text)
    return f'<span style="{";".join(marks.values())}">{escape(text)}</span>'


def _after(marks: Mapping[str, str], codes: list[int]) -> dict[str, str]:
    """The marks in force after a sequence of codes."""
    after, codes = dict(marks), list(reversed(codes))
    while codes:
        code = codes.pop()
        if code == 0:
            after.clear()
        elif code in _MARKS:
            after[str(code)] = _MARKS[code]
        elif code in _ENDS:
            for mark in _ENDS[code]:
                after.pop(str(mark), None)
        elif code in _LONG:
            del codes[-1 - _LONG[code].get(codes[-1] if codes else 0, 0) :]
        elif 30 <= code <= 39 or 90 <= code <= 97:  # noqa: PLR2004 - the codes of colours
            after.pop("colour", None)
            role = "slate" if code == 90 else _TERMINAL[code % 10] if code % 10 < 8 else ""  # noqa: PLR2004
            if role:
                after["colour"] = f"color:var(--nbf-{role})"
    return after
