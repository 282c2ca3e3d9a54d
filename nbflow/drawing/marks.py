"""The small pieces of the picture: rectangles, texts, icons, bars.

This module decides how each is written as SVG. It must not know where they stand or why.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from nbflow.drawing.icons import ICONS
from nbflow.drawing.measure import text_width
from nbflow.drawing.places import Box, Point
from nbflow.models import GraphNode
from nbflow.states import LOOKS, StateLook, StateType, look_of
from nbflow.wording import BAD_NAMES, DONE_NAMES, one_line

RADIUS: Final = 7.0
_STRIPE: Final = 4.0
_BAR_HEIGHT: Final = 4.0
_BAR_GAP: Final = 1.5
_LEAST_SEGMENT: Final = 4.0
#: Text stands on its middle line: from there to the baseline, in parts of the font size.
_BASELINE: Final = 0.355


def num(value: float) -> str:
    """A coordinate, without needless digits."""
    return f"{value:.1f}".removesuffix(".0")


def points(items: Iterable[Point]) -> str:
    """Coordinates of a path."""
    return " ".join(f"{num(x)} {num(y)}" for x, y in items)


def escape(words: str) -> str:
    """Text as it may stand in XML, between tags or quotes."""
    # `html.escape` would bring in the names of all of HTML's characters.
    return (
        words.replace("&", "&amp;")
        .replace("<", "&lt;")
        .replace(">", "&gt;")
        .replace('"', "&quot;")
        .replace("'", "&#x27;")
    )


def tag(name: str, inner: str) -> str:
    """An element around others."""
    return f"<{name}>{inner}</{name}>"


def rect(box: Box, style: str, radius: float = RADIUS) -> str:
    """A rounded rectangle."""
    return (
        f'<rect class="{style}" x="{num(box.x)}" y="{num(box.y)}" width="{num(box.width)}" '
        f'height="{num(box.height)}" rx="{num(radius)}"/>'
    )


def stripe(box: Box, style: str) -> str:
    """The coloured left end of a card, inside its rounded corners."""
    x, y, bottom = box.x, box.y, box.y + box.height
    # Where the corner's circle is `_STRIPE` from the card's left end.
    rise = RADIUS - (RADIUS**2 - (RADIUS - _STRIPE) ** 2) ** 0.5
    corner = f"A{num(RADIUS)} {num(RADIUS)} 0 0 0 "
    return (
        f'<path class="{style}" d="M{num(x + _STRIPE)} {num(y + rise)}{corner}{num(x)} '
        f"{num(y + RADIUS)}V{num(bottom - RADIUS)}{corner}{num(x + _STRIPE)} "
        f'{num(bottom - rise)}Z"/>'
    )


def text(words: str, at: Point, size: float, style: str) -> str:
    """One line of text, its middle line at the point."""
    return spans([(words, "")], at, size, style)


def spans(parts: Iterable[tuple[str, str]], at: Point, size: float, style: str) -> str:
    """One line of text in parts, each with a style of its own or none."""
    x, y = at
    inner = "".join(
        f'<tspan class="{own}">{escape(words)}</tspan>' if own else escape(words)
        for words, own in parts
    )
    return f'<text class="{style}" x="{num(x)}" y="{num(y + size * _BASELINE)}">{inner}</text>'


def pill(words: str, at: Point, width: float, role: str) -> str:
    """A short text with a round outline; `at` is the middle of its left end."""
    x, y = at
    outline = Box("", x, y - 8, width, 16)
    return rect(outline, f"thin {role}-s", radius=8) + text(
        words, (x + width / 2, y), 10.5, "x muted mid"
    )


def role_of(node: GraphNode) -> StateLook:
    """The look of a node's state."""
    return look_of(node.state_name or "", node.state_type or StateType.PENDING)


def icon(node: GraphNode, at: Point) -> str:
    """The state's icon, its top left corner at the point."""
    look = role_of(node)
    return glyph(look, at, loud=node.state_type in (StateType.FAILED, StateType.CRASHED))


def glyph(look: StateLook, at: Point, *, loud: bool = False) -> str:
    """An icon; a loud one stands on a disc of its colour."""
    x, y = at
    shape = ICONS[look.icon]
    pulse = " pulse" if look.icon == "ring" else ""
    if not loud:
        return f'<g class="{look.role}{pulse}" transform="translate({num(x)} {num(y)})">{shape}</g>'
    disc = f'<circle class="{look.role}-f" cx="{num(x + 7)}" cy="{num(y + 7)}" r="8.5"/>'
    return (
        disc + f'<g class="on" transform="translate({num(x + 2.1)} {num(y + 2.1)}) scale(.7)">'
        f"{shape}</g>"
    )


def bar(counts: Mapping[str, int], at: Point, width: float) -> str:
    """A thin bar with one segment for each state; what is still to come is left empty."""
    x, y = at
    total = sum(counts.values()) or 1
    parts = [rect(Box("", x, y, width, _BAR_HEIGHT), "rest", radius=2)]
    shown = [(role, number) for role, number in _segments(counts) if number]
    room = width - _LEAST_SEGMENT * len(shown)
    for role, number in shown:
        length = _LEAST_SEGMENT + room * number / total
        segment = Box("", x, y, max(length - _BAR_GAP, 1), _BAR_HEIGHT)
        parts.append(rect(segment, f"{role}-f", radius=2))
        x += length
    return "".join(parts)


def _segments(counts: Mapping[str, int]) -> list[tuple[str, int]]:
    """Roles with their numbers: first the done, then the bad, then the busy."""
    roles: dict[str, int] = {}
    for name in sorted(counts, key=_segment_order):
        look = LOOKS.get(name)
        waiting = look is None or look.hollow or look.icon in {"clock", "hourglass"}
        if look is not None and (not waiting or name in BAD_NAMES or name in DONE_NAMES):
            roles[look.role] = roles.get(look.role, 0) + counts[name]
    return list(roles.items())


def _segment_order(name: str) -> tuple[int, str]:
    rank = 0 if name in DONE_NAMES else 1 if name in BAD_NAMES else 2
    return (rank, "" if name in {"Completed", "Failed"} else name)


def chip(look: StateLook, word: str, at: Point) -> tuple[str, float]:
    """A filled pill with a state's icon and word, and its width; `at` is its top left."""
    x, y = at
    word = one_line(word)
    width = 31 + text_width(word, 12, bold=True)
    icon_mark = (
        f'<g class="on" transform="translate({num(x + 8)} {num(y + 5.5)}) scale(.93)">'
        f"{ICONS[look.icon]}</g>"
    )
    box = Box("", x, y, width, 24)
    ground = rect(box, f"{look.role}-f", radius=12)
    return ground + icon_mark + text(word, (x + 25, y + 12), 12, "on chip"), width
