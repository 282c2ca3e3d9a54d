"""The looks that TypeScript reads are those of the table of states."""

from __future__ import annotations

import json
from pathlib import Path

from nbflow.drawing.icons import ICONS
from nbflow.drawing.looks_json import looks_json
from nbflow.states import LOOKS, StateType, look_of

FILE = Path(__file__).parents[2] / "extension/src/components/state/looks.json"


def test_the_file_is_what_python_says():
    assert FILE.read_text(encoding="utf-8") == looks_json(), (
        f"Write it anew: python -m nbflow.drawing.looks_json > {FILE.name}"
    )


def test_every_state_has_a_look_with_an_icon_and_a_colour_in_both_themes():
    table = json.loads(looks_json())
    assert set(table["looks"]) == set(LOOKS)
    for look in table["looks"].values():
        assert table["icons"][look["icon"]]
        assert {look["role"]} <= set(table["light"]) & set(table["dark"])


def test_no_shape_of_an_icon_is_lost():
    icons = json.loads(looks_json())["icons"]
    for name, markup in ICONS.items():
        assert len(icons[name]) == markup.count("<")
        for shape in icons[name].values():
            assert shape.pop("element") in {"circle", "path"}
            assert all(f'{key}="{value}"' in markup for key, value in shape.items())


def test_a_state_with_a_name_of_its_own_looks_like_its_type():
    table = json.loads(looks_json())
    for type_ in StateType:
        assert table["looks"][table["types"][type_.value]]["icon"] == look_of("Mine", type_).icon
