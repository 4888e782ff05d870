"""Pictures of a graph: mermaid text, and an SVG laid out in layers from top to bottom."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from html import escape
from itertools import combinations, pairwise

from culmann.pipeline.graph import Graph

_LETTER, _PAD, _HEIGHT, _GAP, _LAYER = 7.3, 16.0, 46.0, 34.0, 104.0
_STYLE = (
    "text{font-family:ui-sans-serif,system-ui,Segoe UI,Helvetica,Arial,sans-serif;text-anchor:middle;fill:#1c2733}"
    ".id{font-size:14px;font-weight:600}.use{font-size:11.5px;fill:#5b6b7b}.type{font-size:11px;fill:#3f6486}"
    ".box{stroke:#8796a5;fill:#fff}.input{fill:#e8f0f7;stroke:#7fa0bd}.output{stroke:#1c2733;stroke-width:2}"
    ".edge{fill:none;stroke:#8796a5;stroke-width:1.3}.halo{fill:#fff;opacity:.85}"
)


@dataclass(frozen=True, slots=True)
class _Edge:
    source: str
    target: str
    label: str


def _edges(graph: Graph) -> Iterator[_Edge]:
    """One edge for each pair of boxes, labelled with the types (and the output where there are several) that flow."""
    types = graph.types()
    for step in graph.steps.values():
        labels: dict[str, list[str]] = {}
        for value in step.links.values():
            if value is not None:
                owner, _, output = value.partition(".")
                labels.setdefault(owner, []).append(f"{output}: {types[value].__name__}" if output else types[value].__name__)
        for owner, found in labels.items():
            yield _Edge(owner, step.id, ", ".join(dict.fromkeys(found)))


def _subtitle(graph: Graph, name: str) -> str:
    return graph.inputs[name].type.__name__ if name in graph.inputs else graph.steps[name].offer.step.name


def _kept(graph: Graph) -> set[str]:
    return {output.value.partition(".")[0] for output in graph.outputs}


def to_mermaid(graph: Graph) -> str:
    """The graph as a mermaid flowchart, for Markdown pages."""
    number = {name: f"n{n}" for n, name in enumerate([*graph.inputs, *graph.steps])}
    lines = ["flowchart TD"]
    for name, node in number.items():
        left, right = ("([", "])") if name in graph.inputs else ("[", "]")
        lines.append(f'    {node}{left}"{name}<br/><small>{_subtitle(graph, name)}</small>"{right}')
    lines += [f'    {number[edge.source]} -- "{edge.label}" --> {number[edge.target]}' for edge in _edges(graph)]
    lines.append("    classDef kept stroke-width:3px")
    lines.append(f"    class {','.join(number[name] for name in number if name in _kept(graph))} kept")
    return "\n".join(lines) + "\n"


@dataclass(slots=True)
class _Place:
    """A box, or a bend of an edge that passes a layer."""

    name: str
    layer: int
    width: float
    x: float = 0.0
    above: list[_Place] = field(default_factory=list)
    below: list[_Place] = field(default_factory=list)

    def pull(self, near: list[_Place]) -> float:
        """The mean position of some neighbours, its own where there are none."""
        return sum(place.x for place in near) / len(near) if near else self.x


def to_svg(graph: Graph) -> str:
    """The graph as an SVG picture."""
    edges = list(_edges(graph))
    places, routes = _places(graph, edges)
    _arrange(places)
    left = min(place.x - place.width / 2 for place in places) - 20
    width = max(place.x + place.width / 2 for place in places) + 20 - left
    height = _LAYER * max(place.layer for place in places) + _HEIGHT + 40
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="{left:.0f} -20 {width:.0f} {height:.0f}" '
        f'width="{width:.0f}" height="{height:.0f}" role="img" aria-label="{escape(graph.name)}">',
        f"<style>{_STYLE}</style>",
        '<defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="8" markerHeight="8" orient="auto">'
        '<path d="M0,0.8 L7.5,4 L0,7.2 z" fill="#8796a5"/></marker></defs>',
        f'<rect x="{left:.0f}" y="-20" width="{width:.0f}" height="{height:.0f}" fill="#fff"/>',
    ]
    parts += [f'<path class="edge" d="{_curve(route)}" marker-end="url(#tip)"/>' for route in routes]
    parts += [_label(edge, route) for edge, route in zip(edges, routes, strict=True)]
    parts += [_box(graph, place) for place in places if place.name]
    return "\n".join([*parts, "</svg>"]) + "\n"


def _places(graph: Graph, edges: list[_Edge]) -> tuple[list[_Place], list[list[_Place]]]:
    """Boxes with their layers, and for each edge the places that it runs through."""
    into: dict[str, list[str]] = {}
    for edge in edges:
        into.setdefault(edge.target, []).append(edge.source)
    layer: dict[str, int] = {}
    for name in graph.steps:  # sources always stand above
        layer[name] = 1 + max((layer.get(source, 0) for source in into.get(name, [])), default=0)
    for name in graph.inputs:  # an input stands just above the first step that takes it
        layer[name] = min((layer[edge.target] for edge in edges if edge.source == name), default=1) - 1
    boxes = {
        name: _Place(name, layer[name], max(len(name) * _LETTER * 1.1, len(_subtitle(graph, name)) * 6.4) + 2 * _PAD)
        for name in [*graph.inputs, *graph.steps]
    }
    bends: list[_Place] = []
    routes = []
    for edge in edges:
        source, target = boxes[edge.source], boxes[edge.target]
        passing = [_Place("", n, max(24.0, len(edge.label) * 6.2)) for n in range(source.layer + 1, target.layer)]
        route = [source, *passing, target]
        for upper, lower in pairwise(route):
            upper.below.append(lower)
            lower.above.append(upper)
        bends += passing
        routes.append(route)
    return [*boxes.values(), *bends], routes


def _arrange(places: list[_Place]) -> None:
    """Find the order of each layer with the fewest crossings, then move boxes towards their neighbours where there is room."""
    layers = [[place for place in places if place.layer == n] for n in range(max(place.layer for place in places) + 1)]
    best, fewest = layers, len(places) ** 3
    for turn in range(16):
        down = turn % 2 == 0
        for row in layers if down else layers[::-1]:
            _spread(row)
            row.sort(key=lambda place: place.pull(place.above if down else place.below))
            _spread(row)
        crossings = _crossings(layers)
        if crossings < fewest:
            best, fewest = [list(row) for row in layers], crossings
    for turn in range(24):
        for row in best if turn % 2 == 0 else best[::-1]:
            for place in row:
                place.x = place.pull(place.above + place.below)
            _spread(row)


def _crossings(layers: list[list[_Place]]) -> int:
    rank = {id(place): n for row in layers for n, place in enumerate(row)}
    count = 0
    for row in layers:
        lines = [(rank[id(place)], rank[id(below)]) for place in row for below in place.below]
        count += sum((a[0] - b[0]) * (a[1] - b[1]) < 0 for a, b in combinations(lines, 2))
    return count


def _spread(row: list[_Place]) -> None:
    """Push places apart, in their order, and keep their common centre."""
    if not row:
        return
    centre = sum(place.x for place in row) / len(row)
    for left, right in pairwise(row):
        right.x = max(right.x, left.x + (left.width + right.width) / 2 + _GAP)
    shift = centre - sum(place.x for place in row) / len(row)
    for place in row:
        place.x += shift


def _curve(route: list[_Place]) -> str:
    first = route[0]
    y = first.layer * _LAYER + _HEIGHT
    path = [f"M{first.x:.1f},{y:.1f}"]
    for n, place in enumerate(route[1:], start=1):
        last = n == len(route) - 1
        end = place.layer * _LAYER - (2 if last else 0)
        middle = (y + end) / 2
        path.append(f"C{route[n - 1].x:.1f},{middle:.1f} {place.x:.1f},{middle:.1f} {place.x:.1f},{end:.1f}")
        y = end
        if not last:
            y = end + _HEIGHT
            path.append(f"L{place.x:.1f},{y:.1f}")
    return " ".join(path)


def _label(edge: _Edge, route: list[_Place]) -> str:
    if len(route) > 2:
        x, y = route[1].x, route[1].layer * _LAYER + _HEIGHT / 2
    else:
        x, y = (route[0].x + route[1].x) / 2, (route[0].layer * _LAYER + _HEIGHT + route[1].layer * _LAYER) / 2
    wide = len(edge.label) * 6.2 + 8
    halo = f'<rect class="halo" x="{x - wide / 2:.1f}" y="{y - 9:.1f}" width="{wide:.1f}" height="17" rx="3"/>'
    return f'{halo}<text class="type" x="{x:.1f}" y="{y + 4:.1f}">{escape(edge.label)}</text>'


def _box(graph: Graph, place: _Place) -> str:
    kind = "input" if place.name in graph.inputs else "output" if place.name in _kept(graph) else ""
    x, y = place.x - place.width / 2, place.layer * _LAYER
    round_corner = 22 if place.name in graph.inputs else 6
    return (
        f'<rect class="box {kind}" x="{x:.1f}" y="{y:.1f}" width="{place.width:.1f}" height="{_HEIGHT}" rx="{round_corner}"/>'
        f'<text class="id" x="{place.x:.1f}" y="{y + 20:.1f}">{escape(place.name)}</text>'
        f'<text class="use" x="{place.x:.1f}" y="{y + 36:.1f}">{escape(_subtitle(graph, place.name))}</text>'
    )
