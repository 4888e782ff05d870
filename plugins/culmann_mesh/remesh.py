"""A closed surface into nearly equilateral triangles of an asked edge length, all corners on a smooth body.

Edges that are too long are halved and those too short are merged, edges are turned until most corners have six neighbours, and
corners move to the middle of their neighbours, after Botsch and Kobbelt 2004 (doi:10.2312/SGP/SGP04/189-196). Each pass takes,
by rank, as many edges as do not touch each other: whole arrays at a time, and the same result each time.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import sparse

from culmann.data.arrays import BoolArray, FloatArray, IntArray
from culmann.surface import Surface, self_intersections
from culmann_mesh.smooth_surface import SmoothBody

_LONG, _SHORT = 4 / 3, 4 / 5
_NEVER = np.iinfo(np.int64).max
#: Triangles with a shape below this are smoothed away, in so many rounds.
_POOR, _CALMING = 0.4, 20
#: A triangle may turn by so much (cosine) when edges are merged or turned.
_TURN = 0.5


@dataclass(frozen=True, slots=True)
class _Edges:
    """Edges of a closed surface: `ends` (m, 2), `triangles` (m, 2) and `opposite` corners (m, 2), `of_triangle` (n, 3)."""

    ends: IntArray
    triangles: IntArray
    opposite: IntArray
    of_triangle: IntArray


def _edges(triangles: IntArray) -> _Edges:
    pairs = np.sort(triangles[:, [[0, 1], [1, 2], [2, 0]]].reshape(-1, 2), axis=1)
    key = pairs[:, 0] * (triangles.max() + 1) + pairs[:, 1]
    _, first, edge, count = np.unique(key, return_index=True, return_inverse=True, return_counts=True)
    if (count != 2).any():
        raise ValueError(f"{int((count != 2).sum())} edges of the surface do not join two triangles")
    both = np.argsort(edge, kind="stable").reshape(-1, 2)
    return _Edges(pairs[first], both // 3, triangles[both // 3, (both % 3 + 2) % 3], edge.reshape(-1, 3))


def remeshed(surface: Surface, body: SmoothBody, edge_mm: float, rounds: int = 10) -> Surface:
    """The surface in triangles with edges of about `edge_mm`, its corners on the surface of the body.

    Raises
    ------
    ValueError
        When the surface is not closed.
    """
    points, triangles = surface.points_mm, surface.triangles
    for number in range(rounds):
        points, triangles = _split(points, triangles, edge_mm)
        for _ in range(30 if number == 0 else 6):
            before = len(triangles)
            points, triangles = _merge(points, triangles, edge_mm, body)
            if len(triangles) > 0.995 * before:
                break
        for _ in range(4):
            triangles = _turn(points, triangles)
        for _ in range(2):
            points = _relax(points, triangles, body, edge_mm)
    used, triangles = np.unique(triangles, return_inverse=True)
    return Surface(points[used], triangles.reshape(-1, 3))


def calmed(surface: Surface) -> Surface:
    """The surface with its poor triangles, and those that cut each other, smoothed away as far as that goes.

    They are found at the tips of spikes narrower than an edge, and the tips are blunted.
    """
    points, triangles = surface.points_mm, surface.triangles
    for _ in range(_CALMING):
        bad = shape(points, triangles) < _POOR
        bad[self_intersections(Surface(points, triangles)).ravel()] = True
        if not bad.any():
            break
        points = _calm(points, triangles, np.unique(triangles[bad]))
        triangles = _turn(points, triangles)
    return Surface(points, triangles)


def shape(points: FloatArray, triangles: IntArray) -> FloatArray:
    """(n,): area over that of an equilateral triangle with the same squares of sides; 1 is equilateral, 0 is flat."""
    at = points[triangles]
    sides = ((at - np.roll(at, 1, axis=1)) ** 2).sum(axis=(1, 2))
    area = np.linalg.norm(np.cross(at[:, 1] - at[:, 0], at[:, 2] - at[:, 0]), axis=1) / 2
    return np.asarray(4 * np.sqrt(3) * area / np.maximum(sides, 1e-300))


def _calm(points: FloatArray, triangles: IntArray, corners: IntArray) -> FloatArray:
    """Corners half way to the mean of their neighbours, off the body: the tips of spikes narrower than an edge are blunted."""
    one, two = np.concatenate([triangles[:, [0, 1]], triangles[:, [1, 2]], triangles[:, [2, 0]]]).T
    total, count = np.zeros_like(points), np.bincount(one, minlength=len(points))
    np.add.at(total, one, points[two])
    result = points.copy()
    result[corners] = (points[corners] + total[corners] / count[corners, None]) / 2
    return result


def _normals(points: FloatArray, triangles: IntArray) -> FloatArray:
    a, b, c = (points[triangles[:, n]] for n in range(3))
    normal = np.cross(b - a, c - a)
    return np.asarray(normal / np.maximum(np.linalg.norm(normal, axis=1, keepdims=True), 1e-300))


def _ranked(candidate: BoolArray, worth: FloatArray) -> IntArray:
    """Ranks of the candidates, 0 for the greatest worth; the others never."""
    rank = np.full(len(worth), _NEVER)
    chosen = np.flatnonzero(candidate)
    rank[chosen[np.argsort(-worth[chosen], kind="stable")]] = np.arange(len(chosen))
    return rank


def _lowest(rank: IntArray, members: IntArray, n: int) -> IntArray:
    """(n,): the lowest rank of the rows of members (m, k) that each of n things is in."""
    best = np.full(n, _NEVER)
    for column in members.T:
        np.minimum.at(best, column, rank)
    return best


def _split(points: FloatArray, triangles: IntArray, edge_mm: float) -> tuple[FloatArray, IntArray]:
    """Halve edges that are too long, the longest of each triangle first."""
    for _ in range(20):
        edges = _edges(triangles)
        length = np.linalg.norm(np.diff(points[edges.ends], axis=1)[:, 0], axis=1)
        rank = _ranked(length > _LONG * edge_mm, length)
        best = rank[edges.of_triangle].min(axis=1)
        chosen = (rank < _NEVER) & (rank[:, None] == best[edges.triangles]).all(axis=1)
        if not chosen.any():
            break
        middle = np.full(len(chosen), -1)
        middle[chosen] = len(points) + np.arange(int(chosen.sum()))
        points = np.concatenate([points, points[edges.ends[chosen]].mean(axis=1)])
        mine = middle[edges.of_triangle]
        cut = mine.max(axis=1) >= 0
        side = mine[cut].argmax(axis=1)
        a, b, c = (triangles[cut, (side + n) % 3] for n in range(3))
        new = mine[cut].max(axis=1)
        halves = [np.stack([a, new, c], axis=1), np.stack([new, b, c], axis=1)]
        triangles = np.concatenate([triangles[~cut], *halves])
    return points, triangles


def _merge(points: FloatArray, triangles: IntArray, edge_mm: float, body: SmoothBody) -> tuple[FloatArray, IntArray]:
    """Merge the ends of edges that are too short, where the surface stays closed and unfolded."""
    n, edges = len(points), _edges(triangles)
    a, b = edges.ends.T
    length = np.linalg.norm(points[a] - points[b], axis=1)
    rank = _ranked(length < _SHORT * edge_mm, -length)
    at_corner = _lowest(rank, edges.ends, n)
    around = at_corner.copy()
    np.minimum.at(around, a, at_corner[b])
    np.minimum.at(around, b, at_corner[a])
    picked = np.flatnonzero((rank < _NEVER) & (rank == around[a]) & (rank == around[b]))
    near = sparse.csr_array((np.ones(2 * len(a)), (np.r_[a, b], np.r_[b, a])), shape=(n, n))
    common = np.asarray((near[a[picked]] * near[b[picked]]).sum(axis=1)).ravel()
    valence = np.bincount(triangles.ravel(), minlength=n)
    picked = picked[(common == 2) & (valence[edges.opposite[picked]] > 3).all(axis=1)]
    if not len(picked):
        return points, triangles

    moved, owner = points.copy(), np.full(n, -1)
    middle = body.onto_surface(points[edges.ends[picked]].mean(axis=1), 0.25 * edge_mm)
    for end in (a[picked], b[picked]):
        moved[end], owner[end] = middle, np.arange(len(picked))
    corners_moved = owner[triangles] >= 0
    touched = corners_moved.sum(axis=1) == 1
    of = owner[triangles[touched]].max(axis=1)
    turned = np.einsum("ij,ij->i", _normals(points, triangles[touched]), _normals(moved, triangles[touched])) < _TURN
    at = moved[triangles[touched]]
    longest = np.linalg.norm(at - np.roll(at, 1, axis=1), axis=2).max(axis=1)
    refused = np.zeros(len(picked), dtype=bool)
    refused[of[turned | (longest > _LONG * edge_mm)]] = True

    kept = picked[~refused]
    into = np.arange(n)
    into[b[kept]] = a[kept]
    points = points.copy()
    points[a[kept]] = middle[~refused]
    triangles = into[triangles]
    same = (triangles == np.roll(triangles, 1, axis=1)).any(axis=1)
    used, triangles = np.unique(triangles[~same], return_inverse=True)
    return points[used], triangles.reshape(-1, 3)


def _turn(points: FloatArray, triangles: IntArray) -> IntArray:
    """Turn edges over to the other diagonal where it brings their four corners nearer to six neighbours each."""
    n, edges = len(points), _edges(triangles)
    valence = np.bincount(triangles.ravel(), minlength=n)
    first = edges.triangles[:, 0]
    # The ends in the order in which the first triangle runs: its corners are a, b, c; the other's are b, a, d.
    c, d = edges.opposite.T
    where = (triangles[first] == c[:, None]).argmax(axis=1)
    a, b = triangles[first, (where + 1) % 3], triangles[first, (where + 2) % 3]
    four = np.stack([a, b, c, d], axis=1)
    off = valence[four] - 6
    gain = (off**2).sum(axis=1) - ((off + np.array([-1, -1, 1, 1])) ** 2).sum(axis=1)
    one, two = np.stack([a, d, c], axis=1), np.stack([d, b, c], axis=1)
    old = [_normals(points, triangles[edges.triangles[:, t]]) for t in (0, 1)]
    flat = np.min([np.einsum("ij,ij->i", u, _normals(points, v)) for u in old for v in (one, two)], axis=0)
    key = np.sort(edges.ends, axis=1) @ np.array([n, 1])
    there = np.isin(np.sort(four[:, 2:], axis=1) @ np.array([n, 1]), key)
    rank = _ranked((gain > 0) & (flat > _TURN) & ~there & (valence[a] > 3) & (valence[b] > 3), gain.astype(float))
    chosen = (rank < _NEVER) & (rank[:, None] == _lowest(rank, four, n)[four]).all(axis=1)
    result = triangles.copy()
    result[edges.triangles[chosen, 0]] = one[chosen]
    result[edges.triangles[chosen, 1]] = two[chosen]
    return result


def _relax(points: FloatArray, triangles: IntArray, body: SmoothBody, edge_mm: float) -> FloatArray:
    """Corners to the middle of the triangles around them, along the surface, and back onto it."""
    at = points[triangles]
    vector = np.cross(at[:, 1] - at[:, 0], at[:, 2] - at[:, 0])
    area = np.linalg.norm(vector, axis=1)
    total, weight, normal = np.zeros_like(points), np.zeros(len(points)), np.zeros_like(points)
    for corner in triangles.T:
        np.add.at(total, corner, at.mean(axis=1) * area[:, None])
        np.add.at(weight, corner, area)
        np.add.at(normal, corner, vector)
    normal /= np.maximum(np.linalg.norm(normal, axis=1, keepdims=True), 1e-300)
    step = total / np.maximum(weight, 1e-300)[:, None] - points
    step -= normal * np.einsum("ij,ij->i", step, normal)[:, None]
    moved = body.onto_surface(points + step, 0.25 * edge_mm)
    # A corner that would fold a triangle over stays where it is.
    folded = np.einsum("ij,ij->i", vector, _normals(moved, triangles)) < _TURN * area
    moved[np.unique(triangles[folded])] = points[np.unique(triangles[folded])]
    return moved
