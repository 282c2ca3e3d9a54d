"""Pictures of run graphs: complete, well-formed, readable, the same for the same graph."""

from __future__ import annotations

import itertools
import json
import os
import re
import subprocess
import sys
import threading
import xml.etree.ElementTree as ET

import pytest

from nbflow import drawing
from nbflow.drawing import Direction, Theme, engines, graph_svg, graph_text, lay_out, mimebundle
from nbflow.drawing.icons import ICONS
from nbflow.drawing.themes import DARK, LIGHT, role_colours, style_sheet
from nbflow.exceptions import VisualizationError
from nbflow.models import GraphEdge, GraphNode, NodeKind, RunGraph
from nbflow.states import LOOKS, StateType

SVG = "{http://www.w3.org/2000/svg}"
HOSTILE = [
    "<b>bold</b>", '"quoted" \\N \\G \\L', "line\nbreak", "nul\0esc\x1b[31m", "x" * 10_000, "שלום עולם",
    "日本語のタスク名前", "🎉 👩‍👩‍👧", "]]> & </style></svg><script>alert(1)</script>", "\u202eevil", "", "\ud800", "\ufffe",
]  # fmt: skip


def node(id_, label=None, state="Completed", **fields):
    types = {"Failed": StateType.FAILED, "Running": StateType.RUNNING, "NotRun": StateType.PENDING}
    type_ = types.get(state, StateType.COMPLETED) if state else None
    return GraphNode(
        id=id_, label=id_ if label is None else label, state_type=type_, state_name=state, **fields
    )


def graph_with(nodes, pairs=(), **fields):
    return RunGraph(tuple(nodes), tuple(GraphEdge(*pair) for pair in pairs), **fields)


def failed_notebook():
    nodes = [
        node("a", "load", duration=1.23, kind=NodeKind.CELL),
        node("b", "clean", "Cached", duration=0.34, kind=NodeKind.CELL),
        node("c", "fit", "Failed", duration=53, attempt=3, message="ValueError: no rows", kind=NodeKind.CELL),
        node("d", "report", "NotRun", kind=NodeKind.CELL),
    ]  # fmt: skip
    edges = [("a", "b", "df"), ("b", "c", "X, y"), ("c", "d", "model"), ("a", "d", "df", False)]
    return graph_with(
        nodes, edges, title="churn", state_type=StateType.FAILED, state_name="Failed", duration=65.2
    )


def mapped():
    counts = {"Completed": 187, "Failed": 3, "Running": 10}
    nodes = [
        node("a"),
        node("m", "score", "Running", kind=NodeKind.MAP, counts=counts),
        node("z", state="NotRun"),
    ]
    return graph_with(nodes, [("a", "m"), ("m", "z")], title="scores")


def nested():
    nodes = [
        node("a"), node("f", "train", kind=NodeKind.FLOW), node("b", group="f"),
        node("g", "tune", kind=NodeKind.FLOW, group="f"), node("c", group="g"), node("d", group="g"), node("z"),
    ]  # fmt: skip
    return graph_with(
        nodes, [("a", "f"), ("b", "g"), ("b", "c"), ("c", "d"), ("g", "z"), ("f", "z")]
    )


def grown(count):
    return graph_with(
        [node(str(i), None) for i in range(count)], [(str(i // 3), str(i)) for i in range(1, count)]
    )


SMALL = {
    "empty": RunGraph(title="nothing"),
    "single": graph_with([node("a")]),
    "notebook": failed_notebook(),
    "map": mapped(),
    "nested": nested(),
    "cycle": graph_with([node("a"), node("b"), node("c")], [("a", "b"), ("b", "c"), ("c", "a")]),
    "self": graph_with([node("a")], [("a", "a")]),
    "dangling": graph_with([node("a"), node("b")], [("a", "gone"), ("gone", "b"), ("a", "b")]),
    "disconnected": graph_with([node(str(i)) for i in range(23)]),
    "twice": graph_with([node("a"), node("a", "again")], [("a", "a")]),
    "own group": graph_with([node("a", group="a"), node("b", group="c"), node("c", group="b")]),
    "group edge": graph_with([node("f"), node("a", group="f")], [("f", "a"), ("a", "f")]),
    "fan": graph_with([node(str(i)) for i in range(30)], [("0", str(i)) for i in range(1, 30)]),
}  # fmt: skip

every_graph = pytest.mark.parametrize("graph", SMALL.values(), ids=SMALL.keys())
every_direction = pytest.mark.parametrize("direction", list(Direction))


def texts(svg):
    return [element.text for element in ET.fromstring(svg).iter(f"{SVG}text")]


@every_graph
@every_direction
def test_every_node_is_placed_once_inside_the_picture(graph, direction):
    layout = lay_out(graph, direction)
    placed = [box.id for box in (*layout.nodes, *layout.groups)]
    assert sorted(placed) == sorted({n.id for n in graph.nodes})
    for box in (*layout.nodes, *layout.groups):
        assert box.x >= -0.2 and box.x + box.width <= layout.width + 0.2
        assert box.y >= -0.2 and box.y + box.height <= layout.height + 0.2


@every_graph
@every_direction
def test_cards_do_not_overlap(graph, direction):
    for one, other in itertools.combinations(lay_out(graph, direction).nodes, 2):
        apart = (
            one.x + one.width <= other.x or other.x + other.width <= one.x
            or one.y + one.height <= other.y or other.y + other.height <= one.y
        )  # fmt: skip
        assert apart, (one, other)


@every_graph
@pytest.mark.parametrize("direction", [Direction.DOWN, Direction.RIGHT])
def test_every_sound_edge_has_a_curve_of_whole_pieces(graph, direction):
    known = {n.id for n in graph.nodes}
    framed = {n.group for n in graph.nodes if n.group in known and n.group != n.id}
    sound = [(e.source, e.target) for e in graph.edges if {e.source, e.target} <= known]
    if "f" in framed and len(known) == 2:
        sound = []  # only edges between a group and its own member
    paths = lay_out(graph, direction).edges
    assert [(path.source, path.target) for path in paths] == sound
    assert all(len(path.points) % 3 == 1 and len(path.points) >= 4 for path in paths)


def test_members_lie_inside_their_frames():
    layout = lay_out(nested())
    box = {b.id: b for b in (*layout.nodes, *layout.groups)}
    for inner, outer in [("b", "f"), ("g", "f"), ("c", "g"), ("d", "g")]:
        assert box[outer].x <= box[inner].x and box[outer].y <= box[inner].y
        assert box[outer].x + box[outer].width >= box[inner].x + box[inner].width
        assert box[outer].y + box[outer].height >= box[inner].y + box[inner].height
    assert [frame.id for frame in layout.groups] == ["f", "g"]


@every_graph
@every_direction
@pytest.mark.parametrize("theme", list(Theme))
def test_the_svg_is_well_formed_and_needs_nothing_from_outside(graph, direction, theme):
    svg = graph_svg(graph, theme=theme, direction=direction)
    root = ET.fromstring(svg)
    assert root.get("role") == "img"
    assert root.find(f"{SVG}title").text and root.find(f"{SVG}desc").text
    tags = {element.tag.removeprefix(SVG) for element in root.iter()}
    assert tags <= {"svg", "title", "desc", "style", "g", "rect", "path", "circle", "text"}
    assert svg.count("http") == 1 and "url(" not in svg and "@import" not in svg


@pytest.mark.parametrize("label", HOSTILE, ids=range(len(HOSTILE)))
@every_direction
def test_no_label_breaks_the_picture(label, direction, capfd):
    graph = graph_with(
        [node(label, label, message=label), node("b", state=label)],
        [(label, "b", label), ("b", label)],
        title=label, state_name=label, state_type=StateType.FAILED,
    )  # fmt: skip
    svg = graph_svg(graph, direction=direction)
    svg.encode()
    root = ET.fromstring(svg)
    assert not list(root.iter(f"{SVG}script"))
    assert len(lay_out(graph, direction).nodes) == 2
    text = graph_text(graph)
    text.encode()
    assert "\x1b" not in text and "\0" not in text and "\u202e" not in text
    assert capfd.readouterr() == ("", "")


def test_the_words_of_the_picture():
    words = texts(graph_svg(failed_notebook()))
    assert {
        "churn",
        "Failed",
        "2 of 4 · 1 m 05 s",
        "fit: ValueError: no rows",
        "try 3",
        "53 s",
        "X, y",
    } <= set(words)
    assert {"load", "clean", "fit", "report"} <= set(words)
    assert "187/200 · 3 failed" in texts(graph_svg(mapped()))


def test_uncertain_edges_are_dashed_and_say_so():
    root = ET.fromstring(graph_svg(failed_notebook()))
    dashed = [g for g in root.iter(f"{SVG}g") if g.find(f"{SVG}path[@class='e u']") is not None]
    assert [g.find(f"{SVG}title").text for g in dashed] == ["df: load → report (perhaps)"]


def test_each_card_tells_its_story_on_hover():
    titles = {
        title.text for title in ET.fromstring(graph_svg(failed_notebook())).iter(f"{SVG}title")
    }
    assert "fit: Failed after 53 s, attempt 3. ValueError: no rows" in titles


def test_long_names_keep_both_ends():
    (name,) = [
        t
        for t in texts(graph_svg(graph_with([node("a", "fetch_" + "customers_" * 20 + "2024")])))
        if "…" in t
    ]
    assert name.startswith("fetch_") and name.endswith("2024")


@every_graph
def test_the_same_graph_gives_the_same_picture(graph):
    assert graph_svg(graph) == graph_svg(graph)
    assert lay_out(graph) == lay_out(graph)


def test_two_pictures_on_a_page_have_styles_of_their_own():
    scopes = {ET.fromstring(graph_svg(graph)).get("class") for graph in SMALL.values()}
    assert len(scopes) == len(SMALL)


def test_every_rule_is_scoped():
    sheet = style_sheet("mine", Theme.AUTO)
    selectors = [part for block in re.findall(r"([^{}]+)\{", sheet) for part in block.split(",")]
    assert len(selectors) > 50
    assert all(
        s.startswith((".mine", "@media (prefers-", "@keyframes mine-", "50%")) for s in selectors
    )


def test_a_layout_is_json():
    layout = lay_out(nested())
    again = json.loads(json.dumps(layout.to_json()))
    assert again["direction"] == "down"
    assert {box["id"] for box in again["nodes"]} == {"a", "b", "c", "d", "z"}
    assert set(again["edges"][0]) == {"source", "target", "points", "tip", "label_at"}


def test_given_positions_are_drawn_as_they_are():
    layout = lay_out(failed_notebook(), "right")
    assert graph_svg(failed_notebook(), layout=layout) == graph_svg(
        failed_notebook(), direction="right"
    )


def test_notebooks_go_down_and_fans_go_right():
    assert lay_out(failed_notebook()).direction is Direction.DOWN
    assert lay_out(SMALL["fan"]).direction is Direction.RIGHT


def test_an_unknown_direction_is_refused():
    with pytest.raises(ValueError, match="sideways"):
        lay_out(failed_notebook(), "sideways")


# ── contrast ─────────────────────────────────────────────────────────────────────────────


def luminance(colour):
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [p / 12.92 if p <= 0.03928 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return sum(weight * part for weight, part in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def contrast(one, other):
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize(
    ("palette", "look"), [(LIGHT, "light"), (DARK, "dark")], ids=["light", "dark"]
)
def test_text_and_marks_can_be_read(palette, look):
    grounds = (palette.surface, palette.frame, palette.card, palette.alarm)
    for ground in grounds:
        assert contrast(palette.ink, ground) >= 4.5
        assert contrast(palette.muted, ground) >= 4.5
    for role, colour in role_colours(look).items():
        assert contrast(palette.on_state, colour) >= 4.5, role
        assert contrast(colour, palette.card) >= 3.0, role
    for role in ("red", "orange"):
        assert contrast(role_colours(look)[role], palette.alarm) >= 4.5, role


def test_every_look_has_an_icon():
    assert {look.icon for look in LOOKS.values()} == set(ICONS)


# ── text ─────────────────────────────────────────────────────────────────────────────────

GOLDEN = {
    "notebook": """\
✗ churn  Failed  2 of 4  1 m 05 s
✓ load    Completed           1.2 s
ϟ clean   Cached              340 ms  ← load (df)
✗ fit     Failed (attempt 3)  53 s    ← clean (X, y)
    ValueError: no rows
· report  NotRun                      ← fit (model), load (df)?""",
    "map": """\
scores  188 of 202
✓ a      Completed
◉ score  Running 187/200 · 3 failed  ← a
· z      NotRun                      ← score""",
    "nested": """\
✓ a       Completed
✓ train   Completed  ← a
  ✓ b     Completed
  ✓ tune  Completed  ← b
    ✓ c   Completed  ← b
    ✓ d   Completed  ← c
✓ z       Completed  ← tune, train""",
    "cycle": """\
✓ a  Completed  ← c
✓ b  Completed  ← a
✓ c  Completed  ← b""",
    "empty": "nothing  0 tasks",
}


@pytest.mark.parametrize("name", GOLDEN)
def test_the_text_form(name):
    assert graph_text(SMALL[name]) == GOLDEN[name]


def test_wide_characters_keep_the_columns():
    lines = graph_text(graph_with([node("日本語"), node("abc")])).splitlines()
    assert lines == ["✓ 日本語  Completed", "✓ abc     Completed"]


# ── machinery ────────────────────────────────────────────────────────────────────────────


def test_a_missing_graphviz_leaves_the_text_with_a_hint(monkeypatch):
    def fail(source, program):
        raise VisualizationError("Graphviz is not there.")

    monkeypatch.setattr("nbflow.drawing.layout.run_graphviz", fail)
    assert set(mimebundle(failed_notebook())) == {"text/plain"}
    assert mimebundle(failed_notebook())["text/plain"].endswith(
        "(No picture: Graphviz is not there.)"
    )


def test_the_bundle_holds_picture_and_text():
    bundle = mimebundle(failed_notebook(), theme="dark", direction="right")
    assert bundle == {
        "image/svg+xml": graph_svg(failed_notebook(), theme="dark", direction="right"),
        "text/plain": graph_text(failed_notebook()),
    }


def test_a_large_graph_is_shown_with_closed_subflows():
    nodes = [
        node("f", "train", kind=NodeKind.FLOW),
        *(node(f"t{i}", group="f") for i in range(300)),
    ]
    assert "300/300" in texts(mimebundle(graph_with(nodes))["image/svg+xml"])


def test_what_is_not_dot_is_refused():
    with pytest.raises(VisualizationError, match="could not place"):
        engines.run_graphviz("digraph {", "dot")


def test_threads_get_the_same_pictures():
    graphs = list(SMALL.values())
    expected = [lay_out(graph) for graph in graphs]
    found = []

    def draw():
        found.extend(
            lay_out(graphs[i % len(graphs)]) == expected[i % len(graphs)] for i in range(25)
        )

    threads = [threading.Thread(target=draw) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [True] * 100


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork")
def test_a_child_forked_while_a_thread_draws_can_draw():
    code = (
        "import os, signal\n"
        "from nbflow.drawing import engines, lay_out\n"
        "from nbflow.models import GraphNode, RunGraph\n"
        "graph = RunGraph((GraphNode(id='a', label='a'),))\n"
        "lay_out(graph)\n"
        "engines._lock.acquire()\n"
        "child = os.fork()\n"
        "if not child:\n"
        "    signal.alarm(20)\n"
        "    lay_out(graph)\n"
        "    os._exit(0)\n"
        "print(os.waitpid(child, 0)[1])\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.stdout.strip(), done.stderr) == ("0", "")


def test_importing_loads_no_graphviz():
    code = f"import sys, {drawing.__name__}; print({{'pygraphviz', 'graphviz'}} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


def test_a_subflow_that_waits_for_itself_is_drawn_silently(capfd):
    graph = graph_with([node("f"), node("a", group="f")], [("f", "f"), ("a", "a")])
    assert [path.source for path in lay_out(graph).edges] == ["a"]
    assert capfd.readouterr() == ("", "")


@every_direction
def test_a_thousand_nodes_are_placed_silently(direction, capfd):
    assert len(lay_out(grown(1001), direction).nodes) == 1001
    assert capfd.readouterr() == ("", "")
