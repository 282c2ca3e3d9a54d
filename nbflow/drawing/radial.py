"""Places a run graph as rings around its middle: the radar view.

This module decides where on its ring each card stands and how wide the rings are: near the
mean angle of what leads to it, clear of all others, with as few curves behind cards as
can be. A chain becomes a spiral, a fan a fan. It must not know colours or icons.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import combinations, pairwise
from typing import Final, NamedTuple

from nbflow.drawing.cards import Card
from nbflow.drawing.crowd import CARD_GAP, Size, ring_radius, spread
from nbflow.drawing.places import Box, Direction, Layout, Path, Point
from nbflow.drawing.polar import Polar, Way, best_way, cartesian, crosses, straight_way, visible
from nbflow.drawing.rings import Rings, rings_of
from nbflow.drawing.room import Room
from nbflow.drawing.shape import Shape, last_card

#: The least distance between rings: the fewer there are, the more air.
_RING_GAP: Final = 42.0
_WIDE_GAP: Final = 60.0
_USUAL_RADIUS: Final = 520.0
_FRAMED_HEIGHT: Final = 28.0
#: Where the first card stands, and where one to which arrows come from all around.
_NORTH, _SOUTH = -math.pi / 2, math.pi / 2
#: Directions whose mean is shorter than this part of them come from all around.
_AIMLESS: Final = 0.1
#: How far apart siblings stand at most, and how much further round than what leads to it a
#: card stands at most: the first is usual, the others are tried where few cards are.
_MANNERS: Final = tuple(
    (math.radians(fan), math.radians(twist))
    for fan, twist in ((54, 70), (40, 45), (66, 30), (80, 60), (48, 100))
)
#: Prices: per pixel away from where a card would like to stand, per point of a curve behind
#: a card, per pixel that a ring grows (for each of its cards).
_STRAY: Final = 0.08
_HIDDEN: Final = 6.0
_GROWTH: Final = 0.3
#: Beyond so many cards curves are no longer looked at.
_CAREFUL: Final = 120
#: Up to so many cards several ways to place them are tried.
_FEW: Final = 36
#: So many cards do not make a crowd, however small their ring.
_FAMILY: Final = 6
_TRIES: Final = 3
#: So many of a card's arrows are looked at when it looks for its place.
_LOOKED_AT: Final = 5
#: Rings up to this one are seen whole, the others as far as there are cards.
_LEAST_VIEW: Final = 90.0


def lay_out_radially(shape: Shape, cards: Mapping[str, Card]) -> Layout:
    """Rings around the starts; a subflow's own card stands before its members."""
    sizes = {node.id: _size(cards[node.id], framed=node.id in shape.frames) for node in shape.nodes}
    return _layout(shape, _best(rings_of(shape), sizes))


def _size(card: Card, *, framed: bool) -> Size:
    return (card.width, _FRAMED_HEIGHT if framed else card.height)


class _Placed(NamedTuple):
    """Where everything stands, seen from the middle."""

    places: Mapping[str, Polar]
    boxes: Mapping[str, Box]
    room: Room
    radii: Sequence[float]


def _best(rings: Rings, sizes: Mapping[str, Size]) -> _Placed:
    """The clearest of a few ways to place the cards; where there are many, the usual one."""
    manners = _MANNERS if len(sizes) <= _FEW else _MANNERS[:1]
    placed = [_Table(rings, sizes, fan, twist).placed() for fan, twist in manners]
    if len(placed) == 1:
        return placed[0]
    return min(placed, key=lambda one: _muddle(one, rings))


def _muddle(placed: _Placed, rings: Rings) -> float:
    """How hard a picture is to read: crossings, curves behind cards, long ways, its size."""
    lines = []
    for id_, parents in rings.parents.items():
        for parent in parents:
            way = straight_way(placed.places[parent], placed.places[id_])
            lines.append((frozenset((parent, id_)), way.samples(7)))
    hidden = sum(placed.room.covered(line, ends) for ends, line in lines)
    crossings = sum(
        not ends & other and crosses(line, second)
        for (ends, line), (other, second) in combinations(lines, 2)
    )
    length = sum(math.dist(*ends) for _, line in lines for ends in pairwise(line))
    return hidden + 1.5 * crossings + length / 250 + _size_price(placed.boxes.values())


def _size_price(boxes: Iterable[Box]) -> float:
    """What the picture's extent costs, the longer side most."""
    boxes = list(boxes)
    width = max(box.x + box.width for box in boxes) - min(box.x for box in boxes)
    height = max(box.y + box.height for box in boxes) - min(box.y for box in boxes)
    return max(width, height) / 150


# ── cards ────────────────────────────────────────────────────────────────────────────────


class _Trial(NamedTuple):
    """One ring, placed at one radius, and what that costs."""

    price: float
    radius: float
    angles: Mapping[str, float]


class _Table:
    """Places ring after ring, from the inside out."""

    def __init__(self, rings: Rings, sizes: Mapping[str, Size], fan: float, twist: float) -> None:
        self._rings, self._sizes = rings, sizes
        self._fan_limit, self._twist = fan, twist
        self._careful = len(sizes) <= _CAREFUL
        self._places: dict[str, Polar] = {}
        self._boxes: dict[str, Box] = {}
        self._room = Room()
        self._radii: list[float] = []
        self._wedges: dict[str, float] = {}
        self._gap = min(_WIDE_GAP, max(_RING_GAP, _USUAL_RADIUS / max(1, len(rings.rings) - 1)))
        self._crowd = 0.0

    def placed(self) -> _Placed:
        for ids in self._rings.rings:
            self._place_ring(ids)
        self._place_loose(self._rings.loose)
        return _Placed(self._places, self._boxes, self._room, self._radii)

    def _place_ring(self, ids: Sequence[str]) -> None:
        if not self._radii and len(ids) == 1:  # a flow's only start is the middle itself
            return self._settle(_Trial(0.0, 0.0, {ids[0]: _NORTH}))
        radius = self._least_radius(ids)
        best: _Trial | None = None
        for number in range(_TRIES if self._careful else 1):
            wider = radius * 1.03**number + 8 * number
            growth = (wider - radius) * _GROWTH * (1 + math.sqrt(len(ids)))
            if best is not None and growth >= best.price:
                break
            trial = self._try(ids, wider, growth)
            if trial is not None and (best is None or trial.price < best.price):
                best = trial
        while best is None:
            radius = radius * 1.06 + 8
            best = self._try(ids, radius, 0.0)
        return self._settle(best)

    def _least_radius(self, ids: Sequence[str]) -> float:
        inner = self._radii[-1] + self._next_gap() if self._radii else 0.0
        return max(inner, ring_radius(self._sizes[id_] for id_ in ids))

    def _next_gap(self) -> float:
        """Around a crowded ring there is room for curves that run along it."""
        return self._gap + self._crowd**2 * self._mean_width() / 2

    def _mean_width(self) -> float:
        return sum(width for width, _ in self._sizes.values()) / len(self._sizes)

    def _settle(self, trial: _Trial) -> None:
        self._radii.append(trial.radius)
        if trial.radius:
            need = ring_radius(self._sizes[id_] for id_ in trial.angles)
            self._crowd = min(1.0, need / trial.radius) if len(trial.angles) > _FAMILY else 0.0
        for id_, angle in trial.angles.items():
            self._places[id_] = (trial.radius, angle)
            self._boxes[id_] = _box(id_, (trial.radius, angle), self._sizes[id_])
            self._room.add(self._boxes[id_])
        for id_ in trial.angles if self._careful else ():
            for parent in self._rings.parents.get(id_, ()):
                way = straight_way(self._places[parent], self._places[id_])
                self._room.add_curve(way.samples(8)[1:-1])

    def _try(self, ids: Sequence[str], radius: float, price: float) -> _Trial | None:
        """Place the cards of one ring in the order of their wishes; None when one has no room."""
        wishes = self._wishes(ids, radius)
        angles: dict[str, float] = {}
        taken = Room()
        for id_, wish in wishes.items():
            found = self._best_angle(id_, radius, wish, taken)
            if found is None:
                return None
            angles[id_] = found[1]
            price += found[0]
            taken.add(_box(id_, (radius, found[1]), self._sizes[id_]))
        return _Trial(price, radius, angles)

    def _best_angle(
        self, id_: str, radius: float, wish: float, taken: Room
    ) -> tuple[float, float] | None:
        best: tuple[float, float] | None = None
        for away in _offsets(radius):
            stray = abs(away) * radius * _STRAY
            if best is not None and stray >= best[0]:
                break
            box = _box(id_, (radius, wish + away), self._sizes[id_])
            if self._room.is_free(box, CARD_GAP) and taken.is_free(box, CARD_GAP):
                price = stray + self._hidden(box, (radius, wish + away))
                if best is None or price < best[0]:
                    best = (price, wish + away)
        return best

    def _hidden(self, box: Box, place: Polar) -> float:
        """The price of the curves that this card, or other cards, would cover."""
        if not self._careful:
            return 0.0
        covered = self._room.behind(box)
        parents = self._rings.parents.get(box.id, ())
        for parent in parents[:: math.ceil(len(parents) / _LOOKED_AT) or 1]:
            way = straight_way(self._places[parent], place)
            covered += self._room.covered(way.samples(8), frozenset((parent, box.id)))
        return covered * _HIDDEN

    def _place_loose(self, ids: Sequence[str]) -> None:
        """Cards without links fill rings of their own, as many as each holds."""
        if len(self._sizes) == 1 or not ids:
            return self._settle(_Trial(0.0, 0.0, dict.fromkeys(ids, _NORTH)))
        waiting = list(ids)
        while waiting:
            gap = max(self._sizes[id_][0] for id_ in ids) + CARD_GAP
            radius = self._radii[-1] + gap if self._radii else 0.0
            fitting = self._fitting(waiting, radius)
            self._gap, self._crowd = gap, 0.0
            self._place_ring(waiting[:fitting])
            waiting = waiting[fitting:]
        return None

    def _fitting(self, ids: Sequence[str], radius: float) -> int:
        count = 1
        while count < len(ids):
            if ring_radius(self._sizes[id_] for id_ in ids[: count + 1]) > radius:
                return count
            count += 1
        return count

    # ── wishes ──

    def _wishes(self, ids: Sequence[str], radius: float) -> dict[str, float]:
        """Where each card of a ring would like to stand."""
        crowd = min(1.0, ring_radius(self._sizes[id_] for id_ in ids) / radius)
        families: defaultdict[str, list[str]] = defaultdict(list)
        for id_ in ids:
            families[next(iter(self._rings.parents.get(id_, ())), "")].append(id_)
        fans = [self._fan(parent, family, radius, crowd) for parent, family in families.items()]
        fans.sort(key=lambda fan: sum(fan.values()) / len(fan))
        wishes = {id_: angle for fan in fans for id_, angle in fan.items()}
        return spread(wishes, self._sizes, radius, crowd)

    def _fan(
        self, parent: str, ids: Sequence[str], radius: float, crowd: float
    ) -> dict[str, float]:
        """The children of one card, side by side around where they come from."""
        weights = [self._rings.weights.get(id_, 1.0) for id_ in ids]
        unit = self._wedges.get(parent, math.tau) / sum(weights)
        if self._places.get(parent, (0.0, 0.0))[0] > 0.0:
            unit = min(unit, self._fan_limit)
            heading = self._heading(ids)
            lean = self._lean(ids[0], radius) * (1 - crowd) / min(2, len(ids))
            angle = _SOUTH if heading is None else heading % math.tau + lean
            angle -= unit * sum(weights) / 2
        else:  # from the middle, clockwise all around
            angle = _NORTH % math.tau - unit * weights[0] / 2
        found: dict[str, float] = {}
        for id_, weight in zip(ids, weights, strict=True):
            self._wedges[id_] = unit * weight
            found[id_] = angle + unit * weight / 2
            angle += unit * weight
        return found

    def _lean(self, id_: str, radius: float) -> float:
        """How much further round a successor stands: chains become spirals."""
        most = (self._sizes[id_][0] + 2 * CARD_GAP) / radius
        return max(-most, min(most, self._twist))

    def _heading(self, ids: Sequence[str]) -> float | None:
        """The mean direction of what leads to some cards; None when it comes from all around."""
        x = y = total = 0.0
        for id_ in ids:
            places = [self._places[parent] for parent in self._rings.parents.get(id_, ())]
            nearest = max((radius for radius, _ in places), default=0.0) or 1.0
            for radius, angle in places:
                part = (radius / nearest) ** 2
                x, y, total = x + math.cos(angle) * part, y + math.sin(angle) * part, total + part
        return math.atan2(y, x) if math.hypot(x, y) > _AIMLESS * total else None


def _offsets(radius: float) -> Iterator[float]:
    """Angles around zero, the nearest first, up to half a turn to both sides."""
    step = min(math.radians(6), 8.0 / max(radius, 1.0))
    yield 0.0
    for number in range(1, int(math.pi / step) + 1):
        yield number * step
        yield -number * step


def _box(id_: str, place: Polar, size: Size) -> Box:
    x, y = cartesian(place)
    return Box(id_, x - size[0] / 2, y - size[1] / 2, *size)


# ── the picture ──────────────────────────────────────────────────────────────────────────


def _layout(shape: Shape, placed: _Placed) -> Layout:
    """Move everything into view, and draw the curves between the cards."""
    paths, bonds = list(_paths(shape, placed)), list(_bonds(shape, placed))
    whole = min(max(placed.radii, default=0.0), _LEAST_VIEW)
    xs = [whole, -whole, *(point[0] for path in paths for point in path.points)]
    ys = [whole, -whole, *(point[1] for path in paths for point in path.points)]
    for box in placed.boxes.values():
        xs += (box.x, box.x + box.width)
        ys += (box.y, box.y + box.height)
    left, top = min(xs), min(ys)

    def view(point: Point) -> Point:
        return (round(point[0] - left, 1), round(point[1] - top, 1))

    return Layout(
        direction=Direction.RADIAL,
        width=round(max(xs) - left, 1),
        height=round(max(ys) - top, 1),
        nodes=tuple(
            Box(node.id, *view((box.x, box.y)), box.width, box.height)
            for node in shape.nodes
            for box in (placed.boxes[node.id],)
        ),
        edges=tuple(_moved(path, view) for path in paths),
        bonds=tuple(_moved(path, view) for path in bonds),
        center=view((0.0, 0.0)),
        rings=tuple(round(radius, 1) for radius in placed.radii if radius),
    )


def _moved(path: Path, view: Callable[[Point], Point]) -> Path:
    tip = view(path.tip) if path.tip else None
    return Path(path.source, path.target, tuple(map(view, path.points)), tip)


def _paths(shape: Shape, placed: _Placed) -> Iterator[Path]:
    careful = len(shape.nodes) <= _CAREFUL
    for edge in shape.edges:
        if edge.source == edge.target:
            continue
        source = last_card(shape, edge.source)
        way = _way(source, edge.target, placed, careful=careful)
        points, tip = visible(way, placed.boxes[source], placed.boxes[edge.target])
        yield Path(edge.source, edge.target, tuple(points), tip)


def _way(source: str, target: str, placed: _Placed, *, careful: bool) -> Way:
    start, end = placed.places[source], placed.places[target]
    if not careful:
        return straight_way(start, end)
    ends = frozenset((source, target))
    return best_way(start, end, lambda points: placed.room.covered(points, ends))


def _bonds(shape: Shape, placed: _Placed) -> Iterator[Path]:
    """From each subflow's card to those in it that start, and on along their arrows."""
    for group in sorted(shape.frames):
        inside = set(shape.members[group])
        links = [
            (edge.source, edge.target)
            for edge in shape.edges
            if edge.source in inside and edge.target in inside and edge.source != edge.target
        ]
        reached = {target for _, target in links}
        links += [(group, id_) for id_ in shape.members[group] if id_ not in reached]
        for source, target in links:
            way = _way(source, target, placed, careful=len(shape.nodes) <= _CAREFUL)
            yield Path(group, target, tuple(way.curve(0.0, 1.0)))
