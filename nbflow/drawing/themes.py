"""The colours of the picture, light and dark, and the style sheet made of them.

This module decides colours beyond those of the states (they come from the table of looks)
and turns both into CSS whose every rule is scoped to one picture. Colours are written out
rather than kept in custom properties, because not every SVG viewer resolves those. It must
not know positions or words.
"""

from __future__ import annotations

from enum import Enum
from typing import Final, NamedTuple

from nbflow.states import LOOKS


class Theme(str, Enum):
    """In which colours a picture is drawn."""

    AUTO = "auto"  # light, or dark where the reader's system asks for it
    LIGHT = "light"
    DARK = "dark"

    def __str__(self) -> str:
        return self.value


class Palette(NamedTuple):
    """The neutral colours of one theme, and the tint behind the loud states."""

    surface: str
    frame: str
    card: str
    border: str
    ink: str
    muted: str
    edge: str
    #: Behind a card that failed, and one that crashed.
    alarm: str
    #: Text on a fill of a state's colour.
    on_state: str


LIGHT: Final = Palette(
    surface="#ffffff",
    frame="#f6f8fa",
    card="#ffffff",
    border="#cfd7e0",
    ink="#1b2430",
    muted="#556170",
    edge="#a3afbd",
    alarm="#fdeeee",
    on_state="#ffffff",
)
DARK: Final = Palette(
    surface="#12161c",
    frame="#181d25",
    card="#1e242d",
    border="#3a4553",
    ink="#e8edf3",
    muted="#a0acba",
    edge="#5b6878",
    alarm="#3a1a1e",
    on_state="#0d1117",
)

UI_FONT: Final = (
    "system-ui,-apple-system,'Segoe UI',Roboto,'Helvetica Neue',Arial,'Noto Sans',sans-serif"
)

#: What is the same in every theme.
_FIXED: Final = (
    ("", f"font-family:{UI_FONT};font-size:13px"),
    (".n", "font-size:13px"),
    (".b", "font-weight:600"),
    (".m", "font-size:11.5px;font-variant-numeric:tabular-nums"),
    (".x", "font-size:10.5px"),
    (".t", "font-size:15px;font-weight:600"),
    (".s", "fill:none;stroke-width:1.8;stroke-linecap:round;stroke-linejoin:round"),
    (".e", "fill:none;stroke-width:1.25"),
    (".u", "stroke-dasharray:4 3.5"),
    (".h", "stroke-dasharray:4 3"),
    (".hit", "fill:none;stroke:transparent;stroke-width:12"),
    (".loud", "stroke-width:1.5"),
    (".chip", "font-size:12px;font-weight:600"),
    (".side", "font-size:12.5px;font-variant-numeric:tabular-nums"),
    (".end", "text-anchor:end"),
    (".mid", "text-anchor:middle"),
    (".thin", "fill:none;stroke-width:1"),
    (
        ".bond",
        "fill:none;stroke-width:30;stroke-linecap:round;stroke-linejoin:round;stroke-opacity:.5",
    ),
    (".halo", "fill:none;stroke-width:4;stroke-opacity:.22"),
)


def style_sheet(scope: str, theme: Theme) -> str:
    """The rules of one picture; `scope` is its class, unique on a page."""
    rules = [_rule(scope, selector, body) for selector, body in _FIXED]
    first, first_look = (DARK, "dark") if theme is Theme.DARK else (LIGHT, "light")
    rules += _coloured(scope, first, first_look)
    rules.append(
        f"@media (prefers-reduced-motion:no-preference){{{_rule(scope, '.pulse', _PULSE)}"
        f"@keyframes {scope}-pulse{{50%{{opacity:.35}}}}}}"
    )
    if theme is Theme.AUTO:
        dark = "".join(_coloured(scope, DARK, "dark"))
        rules.append(f"@media (prefers-color-scheme:dark){{{dark}}}")
    return "".join(rules).replace("SCOPE", scope)


_PULSE: Final = "animation:SCOPE-pulse 2.4s ease-in-out infinite"


def _rule(scope: str, selector: str, body: str) -> str:
    return f".{scope} {selector}{{{body}}}" if selector else f".{scope}{{{body}}}"


def _coloured(scope: str, palette: Palette, look: str) -> list[str]:
    neutral = (
        ("text", f"fill:{palette.ink}"),
        (".muted", f"fill:{palette.muted}"),
        (".surface", f"fill:{palette.surface};stroke:{palette.border}"),
        (".frame", f"fill:{palette.frame};stroke:{palette.border}"),
        (".card", f"fill:{palette.card};stroke:{palette.border}"),
        (".hollow", f"fill:{palette.surface};stroke:{palette.muted}"),
        (".plain", f"fill:{palette.edge}"),
        (".alarm", f"fill:{palette.alarm}"),
        (".e", f"stroke:{palette.edge}"),
        (".a", f"fill:{palette.edge}"),
        (".ring", f"stroke:{palette.border};stroke-opacity:.55"),
        (".odd", f"fill:{palette.frame}"),
        (".even", f"fill:{palette.surface}"),
        (".bond", f"stroke:{palette.border}"),
        (".rest", f"fill:{palette.border}"),
        (".on", f"fill:{palette.on_state}"),
        (".on .s", f"stroke:{palette.on_state}"),
        (
            ".label",
            f"fill:{palette.muted};stroke:{palette.surface};stroke-width:3;paint-order:stroke",
        ),
    )
    rules = [_rule(scope, selector, body) for selector, body in neutral]
    for role, colour in role_colours(look).items():
        rules.append(_rule(scope, f".{role}-f,.{scope} .{role} .f", f"fill:{colour}"))
        rules.append(_rule(scope, f".{role}-s,.{scope} .{role} .s", f"stroke:{colour}"))
    # An icon on a fill of its own colour would vanish: this rule comes last.
    rules.append(_rule(scope, ".on .f", f"fill:{palette.on_state}"))
    return rules


def role_colours(look: str) -> dict[str, str]:
    """The colour of each role in the `light` or `dark` look."""
    return {entry.role: getattr(entry, look) for entry in LOOKS.values()}
