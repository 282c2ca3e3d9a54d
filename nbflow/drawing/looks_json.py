"""The table of looks, the icons and the colours as JSON, for views written in TypeScript.

This module decides the form of that table only: what it says comes from `nbflow.states`, from
the icons and from the themes. It must not know who reads it. To write it anew, say
`python -m nbflow.drawing.looks_json > extension/src/components/state/looks.json`.
"""

from __future__ import annotations

import json
import re
import sys
from typing import Any, Final

from nbflow.drawing.icons import ICONS
from nbflow.drawing.themes import DARK, LIGHT, Palette, role_colours
from nbflow.states import LOOKS, StateLook, StateType, look_of

_SHAPE: Final = re.compile(r"<(\w+) ([^>]*)/>")
_ATTRIBUTE: Final = re.compile(r'(\w+)="([^"]*)"')


def looks_json() -> str:
    """The table, as the file holds it."""
    table = {
        "looks": {name: _look(look) for name, look in LOOKS.items()},
        # A name of the user's own looks like the plain state of its type.
        "types": {type_.value: _plain_name(type_) for type_ in StateType},
        "icons": {name: _shapes(markup) for name, markup in ICONS.items()},
        "light": _colours("light", LIGHT),
        "dark": _colours("dark", DARK),
    }
    return json.dumps(table, indent=2) + "\n"


def _look(look: StateLook) -> dict[str, Any]:
    # The role of hollow states is the neutral border's: as a colour of a mark it is slate.
    role = "slate" if look.role == "border" else look.role
    return {"role": role, "icon": look.icon, "hollow": look.hollow}


def _plain_name(type_: StateType) -> str:
    plain = look_of("", type_)
    return next(name for name, look in LOOKS.items() if look is plain)


def _shapes(markup: str) -> dict[str, dict[str, str]]:
    """The shapes of an icon: by their place, an element's name and its attributes."""
    return {
        str(place): {"element": element} | dict(_ATTRIBUTE.findall(attributes))
        for place, (element, attributes) in enumerate(_SHAPE.findall(markup))
    }


def _colours(look: str, palette: Palette) -> dict[str, str]:
    roles = {role: colour for role, colour in role_colours(look).items() if role != "border"}
    return roles | palette._asdict()


if __name__ == "__main__":
    sys.stdout.write(looks_json())
