"""Pictures of run graphs: complete, well-formed, readable, the same for the same graph."""

from __future__ import annotations

import itertools
import json
import math
import os
import random
import re
import subprocess
import sys
import threading
import xml.etree.ElementTree as ET
from dataclasses import replace

import pytest

from nbflow import drawing, wording
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
    return ["".join(element.itertext()) for element in ET.fromstring(svg).iter(f"{SVG}text")]


def overlapping(boxes):
    """The pairs of cards that share some ground."""
    return [
        (one.id, other.id)
        for one, other in itertools.combinations(boxes, 2)
        if one.x < other.x + other.width and other.x < one.x + one.width
        and one.y < other.y + other.height and other.y < one.y + one.height
    ]  # fmt: skip


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
    assert overlapping(lay_out(graph, direction).nodes) == []


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
    assert tags <= {"svg", "title", "desc", "style", "g", "rect", "path", "circle", "text", "tspan"}
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


def test_failures_on_a_card_of_many_are_told_in_red():
    counts = {"Completed": 4, "Failed": 3, "Crashed": 2, "Running": 1}
    svg = graph_svg(graph_with([node("m", state="Running", counts=counts)]))
    assert "4/10 · 3 failed · 2 crashed" in texts(svg)
    told = [(part.get("class"), part.text) for part in ET.fromstring(svg).iter(f"{SVG}tspan")]
    assert told == [("red-f", "3 failed"), ("orange-f", "2 crashed")]


def test_uncertain_edges_are_dashed_and_say_so():
    root = ET.fromstring(graph_svg(failed_notebook()))
    dashed = [g for g in root.iter(f"{SVG}g") if g.find(f"{SVG}path[@class='e u']") is not None]
    assert [g.find(f"{SVG}title").text for g in dashed] == ["df: load → report (perhaps)"]


def test_each_card_tells_its_story_on_hover():
    titles = {
        title.text for title in ET.fromstring(graph_svg(failed_notebook())).iter(f"{SVG}title")
    }
    assert "fit: Failed after 53 s, attempt 3. ValueError: no rows" in titles


def test_a_long_reason_is_told_in_whole_on_several_lines():
    reason = "TypeError: unsupported operand type(s) for +: 'float' and 'NoneType' in column 'age'"
    graph = graph_with([node("a", "fit", "Failed", message=reason)], state_type=StateType.FAILED)
    graph = replace(graph, state_name="Failed", title="t")
    lines = list(itertools.dropwhile(lambda t: not t.startswith("fit: "), texts(graph_svg(graph))))
    assert " ".join(lines[:2]) == f"fit: {reason}"


def test_an_endless_reason_stays_a_few_lines():
    graph = graph_with([node("a", "fit", "Failed", message="x" * 90 + " y" * 900)], title="t")
    svg = ET.fromstring(graph_svg(graph))
    assert float(svg.get("height")) < 250 and float(svg.get("width")) < 650


def test_long_names_keep_both_ends():
    (name,) = [
        t
        for t in texts(graph_svg(graph_with([node("a", "fetch_" + "customers_" * 20 + "2024")])))
        if "…" in t
    ]
    assert name.startswith("fetch_") and name.endswith("2024")


@every_graph
@every_direction
def test_the_same_graph_gives_the_same_picture(graph, direction):
    assert graph_svg(graph, direction=direction) == graph_svg(graph, direction=direction)
    assert lay_out(graph, direction) == lay_out(graph, direction)


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


# ── the radial view ──────────────────────────────────────────────────────────────────────


def chain(length):
    pairs = [(str(i), str(i + 1)) for i in range(length - 1)]
    return graph_with([node(str(i), f"step {i}", duration=i) for i in range(length)], pairs)


def star(count):
    leaves = [node(str(i), f"score_{i}", duration=0.3 * i) for i in range(count)]
    return graph_with([node("hub"), *leaves], [("hub", leaf.id) for leaf in leaves])


def wide(count):
    graph = star(count)
    edges = [(e.source, e.target) for e in graph.edges]
    return graph_with([*graph.nodes, node("all")], edges + [(n.id, "all") for n in graph.nodes[1:]])


def tangled(count, seed):
    chance = random.Random(seed)
    names = ["load", "clean the data", "fit", "evaluate all of the models", "report"]
    return graph_with(
        [node(str(i), chance.choice(names), duration=chance.random() * 99) for i in range(count)],
        [
            (str(chance.randrange(max(0, i - 8), i)), str(i))
            for i in range(1, count)
            for _ in (1, 2)
        ],
    )


RADIAL = {
    "chain": chain(12), "star": star(40), "wide": wide(60), "tree": grown(40), "crowd": grown(300),
    "loose": graph_with([node(str(i)) for i in range(60)]), "map": mapped(), "nested": nested(),
    **{f"tangled {seed}": tangled(20 + 5 * seed, seed) for seed in range(6)},
}  # fmt: skip
every_radial = pytest.mark.parametrize("graph", RADIAL.values(), ids=RADIAL.keys())


def middle(box):
    return (box.x + box.width / 2, box.y + box.height / 2)


@every_radial
def test_no_cards_overlap_around_the_middle(graph):
    layout = lay_out(graph, "radial")
    assert overlapping(layout.nodes) == []
    assert len(layout.nodes) == len(graph.nodes)


@every_radial
def test_every_card_is_centred_on_a_ring(graph):
    layout = lay_out(graph, "radial")
    for box in layout.nodes:
        distance = math.dist(middle(box), layout.center)
        assert min(abs(distance - radius) for radius in (0.0, *layout.rings)) < 0.5


@every_radial
def test_every_arrow_leads_outwards(graph):
    layout = lay_out(graph, "radial")
    away = {box.id: math.dist(middle(box), layout.center) for box in layout.nodes}
    assert all(away[edge.source] < away[edge.target] for edge in layout.edges)
    assert len(layout.edges) == len(graph.edges)


@every_radial
def test_curves_around_the_middle_reach_from_card_to_card(graph):
    layout = lay_out(graph, "radial")
    frames = {n.group for n in graph.nodes}
    boxes = {box.id: box for box in layout.nodes}
    for path in layout.edges:
        assert len(path.points) % 3 == 1
        if path.source not in frames:  # what follows a subflow starts at its last card
            assert at_border(path.points[0], boxes[path.source])
        assert at_border(path.tip, boxes[path.target])
        assert all(-1 <= x <= layout.width + 1 for x, _ in path.points)
        assert all(-1 <= y <= layout.height + 1 for _, y in path.points)


def at_border(point, box):
    (x, y), (left, top) = point, (box.x, box.y)
    outside = max(left - x, x - left - box.width, top - y, y - top - box.height)
    return abs(outside) < 1.0


@pytest.mark.parametrize(
    ("graph", "limit"),
    [
        (chain(12), 900),
        (tangled(20, 1), 1000),
        (star(40), 1050),
        (wide(60), 1450),
        (grown(40), 700),
    ],
    ids=["chain", "tangled", "star", "wide", "tree"],
)
def test_the_radial_view_is_compact(graph, limit):
    layout = lay_out(graph, "radial")
    assert max(layout.width, layout.height) <= limit


def test_one_start_is_the_middle_and_several_stand_around_it():
    layout = lay_out(chain(3), "radial")
    assert middle(layout.nodes[0]) == pytest.approx(layout.center, abs=0.2)
    several = graph_with([node("a"), node("b"), node("c")], [("a", "c"), ("b", "c")])
    layout = lay_out(several, "radial")
    away = [math.dist(middle(box), layout.center) for box in layout.nodes]
    assert away[0] == pytest.approx(away[1], abs=0.2) and 0 < away[0] < away[2]


def test_a_fan_goes_clockwise_from_the_top():
    layout = lay_out(star(12), "radial")
    x, y = layout.center
    angles = [
        (math.atan2(py - y, px - x) + math.pi / 2 + 0.01) % math.tau
        for px, py in map(middle, layout.nodes[1:])
    ]
    assert angles == sorted(angles)


def test_a_subflow_is_bound_to_what_lies_in_it():
    bonds = {(path.source, path.target) for path in lay_out(nested(), "radial").bonds}
    assert bonds == {("f", "b"), ("f", "g"), ("g", "c"), ("g", "d")}
    assert 'class="bond"' in graph_svg(nested(), direction="radial")


def test_the_radial_view_needs_no_graphviz(monkeypatch):
    monkeypatch.setattr("nbflow.drawing.layout.run_graphviz", None)
    assert len(lay_out(nested(), "radial").nodes) == len(nested().nodes)


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
    for name in wording.BAD_NAMES:  # told in words on a card
        assert contrast(role_colours(look)[LOOKS[name].role], palette.card) >= 4.5, name


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
    def fail(source, program, seconds):
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


FAKE_DOT = """\
#!{python}
import sys
assert sys.argv[1:3] == ["-Kdot", "-Tjson0"], sys.argv
if "n1" not in sys.stdin.read():
    sys.exit("Error: <stdin>: syntax error in line 1")
print('{{"bb": "0,0,100,110", "objects": [{{"name": "n0", "pos": "50,96"}},'
      '{{"name": "n1", "pos": "50,14"}}],'
      '"edges": [{{"comment": "0", "pos": "e,50,28 50,82 50,60 50,50 50,33"}}]}}')
"""


@pytest.fixture
def fake_dot(tmp_path, monkeypatch):
    """No pygraphviz, and a `dot` program that knows one graph."""
    program = tmp_path / "dot"
    program.write_text(FAKE_DOT.format(python=sys.executable))
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setitem(sys.modules, "pygraphviz", None)
    return program


@pytest.mark.skipif(os.name == "nt", reason="a script is no program there")
def test_without_pygraphviz_the_dot_program_places_the_cards(fake_dot):
    layout = lay_out(graph_with([node("a"), node("b")], [("a", "b")]), "down")
    assert [(box.id, middle(box)) for box in layout.nodes] == [("a", (50, 14)), ("b", (50, 96))]
    assert [(path.source, path.target) for path in layout.edges] == [("a", "b")]


@pytest.mark.skipif(os.name == "nt", reason="a script is no program there")
def test_a_dot_program_that_fails_is_told_in_words(fake_dot):
    bundle = mimebundle(graph_with([node("a")]))
    assert set(bundle) == {"text/plain"}
    assert bundle["text/plain"].endswith("(No picture: Graphviz could not place this graph.)")


def test_without_any_graphviz_the_error_says_what_to_install(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setitem(sys.modules, "pygraphviz", None)
    with pytest.raises(VisualizationError, match="install pygraphviz, or Graphviz's dot program"):
        lay_out(graph_with([node("a")]))


def test_what_is_not_dot_is_refused():
    with pytest.raises(VisualizationError, match="could not place"):
        engines.run_graphviz("digraph {", "dot")


@pytest.mark.parametrize("direction", [None, Direction.RADIAL])
def test_threads_get_the_same_pictures(direction):
    graphs = list(SMALL.values())
    expected = [lay_out(graph, direction) for graph in graphs]
    found = []

    def draw():
        found.extend(
            lay_out(graphs[i % len(graphs)], direction) == expected[i % len(graphs)]
            for i in range(25)
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


def test_importing_loads_nothing_slow():
    slow = {"pygraphviz", "graphviz", "urllib.request", "xml.sax", "html.entities"}
    code = f"import sys, {drawing.__name__}; print({slow} & set(sys.modules))"
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
