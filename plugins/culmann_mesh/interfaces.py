"""Regions in a mesh of tetrahedra: corners are moved onto the borders between labels, so that faces follow them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from scipy import ndimage

from culmann.data import Labels, Mesh
from culmann.data.arrays import BoolArray, FloatArray, IntArray
from culmann.voxels import exterior_faces
from culmann_mesh.quality import quality
from culmann_mesh.smooth_surface import SmoothBody, smooth_body, with_volume

#: A corner moves by at most this share of the edge that a border cuts.
_REACH = 0.8
#: A move that cannot be made in full is halved as long as more than this share is left.
_LEAST_SHARE = 0.3
_ROUNDS = 4
#: How often the borders are shifted so that regions have the volume of their labels.
_SHIFTS = 4


@dataclass(frozen=True, slots=True)
class Regions:
    """Tetrahedra with their regions.

    Parameters
    ----------
    points_mm
        (n, 3), some of them moved.
    region
        (m,): a label for each cell.
    off_mm
        Distances of the corners of faces between regions to the border between the labels.
    """

    points_mm: FloatArray
    region: IntArray
    off_mm: FloatArray


def follow_labels(
    points_mm: FloatArray, corners: IntArray, labels: Labels, inside: BoolArray, outer: SmoothBody, worst_jacobian: float
) -> Regions:
    """Give each tetrahedron its label, with corners moved onto the borders between labels.

    Each label is made a smooth body. Where an edge of the mesh runs from one label to another, its nearer end moves to the
    border; corners of the outer surface move along it. A move that would give a cell a scaled Jacobian below `worst_jacobian`
    is taken back, and there the border runs along the faces as they are. The mesh stays conforming everywhere.

    Parameters
    ----------
    points_mm, corners
        (n, 3) and (m, 4).
    labels, inside
        The labels and which voxels the mesh is of; those without a label belong to the nearest one.
    outer
        The body that the outer surface lies on.
    worst_jacobian
        What a move must leave a cell with.
    """
    values = [v for v in labels.present() if (labels.label[inside] == v).any()]
    if len(values) == 1:
        return Regions(points_mm, np.full(len(corners), values[0], dtype=np.int64), np.zeros(0))
    nearest = ndimage.distance_transform_edt(labels.label == 0, return_distances=False, return_indices=True)
    label = np.where(inside, labels.label[tuple(nearest)], 0)
    voxel = labels.grid.voxel_volume_mm3
    bodies = [with_volume(smooth_body(label == v, labels.grid), float((label == v).sum()) * voxel) for v in values]

    shift = np.zeros(len(values))

    def depths(at: FloatArray) -> FloatArray:
        return np.stack([body.depth(at) for body in bodies], axis=1) + shift

    skin = _Skin.of(points_mm, corners)
    labelled = np.array([(label == v).sum() for v in values]) * voxel
    found, least = None, np.inf
    for _ in range(_SHIFTS):
        points = _snapped(points_mm, corners, skin, depths, outer, worst_jacobian)
        chosen = depths(points[corners].mean(axis=1)).argmax(axis=1)
        faces, sides = _faces_between(corners, chosen)
        off, area = _off(points, faces, sides, depths), _area_of(points, faces, sides, len(values))
        # Faces are chords of a round border, so that its inside comes out too small: the border moves until volumes agree.
        volume = np.bincount(chosen, weights=quality(points, corners).volume_mm3, minlength=len(values))
        miss = float(np.abs(labelled - volume).sum())
        if miss < least:
            found, least = Regions(points, np.asarray(values, dtype=np.int64)[chosen], off), miss
        # Half of the way: smoothing has made the depths less steep than distances.
        furthest = 0.25 * min(labels.grid.spacing_mm)
        shift = shift + np.clip(0.5 * (labelled - volume) / np.maximum(area, 1e-9), -furthest, furthest)
    assert found is not None
    return found


@dataclass(frozen=True, slots=True)
class _Skin:
    """Edges of a mesh (m, 2), which of them are sides of outer faces, and which corners are on the outer surface."""

    edges: IntArray
    along: BoolArray
    corner: BoolArray

    @classmethod
    def of(cls, points_mm: FloatArray, corners: IntArray) -> _Skin:
        edges = np.unique(np.sort(corners[:, list(combinations(range(4), 2))].reshape(-1, 2), axis=1), axis=0)
        corner = np.zeros(len(points_mm), dtype=bool)
        faces = _outer_faces(points_mm, corners)
        corner[faces] = True
        return cls(edges, _pairs_in(edges, faces), corner)


def _snapped(
    points_mm: FloatArray,
    corners: IntArray,
    skin: _Skin,
    depths: Callable[[FloatArray], FloatArray],
    outer: SmoothBody,
    worst: float,
) -> FloatArray:
    """The points with corners moved onto the borders between labels, where cells stay good enough."""
    points, settled, failed = points_mm, np.zeros(len(points_mm), dtype=bool), np.zeros(len(points_mm), dtype=bool)
    for _ in range(_ROUNDS):
        moved, target = _moves(points, skin, depths(points), settled, failed)
        if not len(moved):
            break
        at_skin = skin.corner[moved]
        furthest = float(np.linalg.norm(target - points[moved], axis=1).max())
        target[at_skin] = outer.onto_surface(target[at_skin], furthest)
        points, kept = _guarded(points, corners, moved, target, worst)
        settled[moved[kept]], failed[moved[~kept]] = True, True
    return points


def _outer_faces(points_mm: FloatArray, corners: IntArray) -> IntArray:
    return exterior_faces(Mesh(points_mm, corners, "tet4", np.ones(len(corners), dtype=np.int64)))[0]


def _pairs_in(edges: IntArray, faces: IntArray) -> BoolArray:
    """(m,): which edges are sides of the faces."""
    key = np.array([edges.max() + 1, 1])
    sides = np.sort(faces[:, [[0, 1], [1, 2], [2, 0]]].reshape(-1, 2), axis=1)
    return np.isin(edges @ key, sides @ key)


def _moves(
    points: FloatArray, skin: _Skin, depth: FloatArray, settled: BoolArray, failed: BoolArray
) -> tuple[IntArray, FloatArray]:
    """Corners to move and where to: each onto the nearest cut through an edge that no end of has come to rest on a border."""
    owner = depth.argmax(axis=1)
    cut = (owner[skin.edges[:, 0]] != owner[skin.edges[:, 1]]) & ~settled[skin.edges].any(axis=1)
    (a, b), surface_edge = skin.edges[cut].T, skin.along[cut]
    at_a = depth[a, owner[a]] - depth[a, owner[b]]
    at_b = depth[b, owner[a]] - depth[b, owner[b]]
    share = at_a / np.maximum(at_a - at_b, 1e-300)
    crossing = np.tile(points[a] + share[:, None] * (points[b] - points[a]), (2, 1))
    end = np.concatenate([a, b])
    way = np.concatenate([share, 1 - share])
    may = (~skin.corner[end] | np.tile(surface_edge, 2)) & (way <= _REACH) & ~failed[end]
    # The shorter way of each edge only, then the shortest of each corner.
    may &= way <= np.roll(np.where(may, way, np.inf), len(a))
    order = np.lexsort((np.linalg.norm(crossing - points[end], axis=1), end))
    order = order[may[order]]
    corner, first = np.unique(end[order], return_index=True)
    return corner, crossing[order[first]]


def _guarded(
    points: FloatArray, corners: IntArray, moved: IntArray, target: FloatArray, worst: float
) -> tuple[FloatArray, BoolArray]:
    """The points after as much of those moves (m,) as leaves every cell good enough, and which were made in full.

    Of the corners of a spoilt cell, the one that moves furthest goes half of its way back first, in the end all of it.
    """
    share = np.ones(len(moved))
    before = quality(points, corners).scaled_jacobian
    way = np.zeros(len(points))
    move_of = np.full(len(points), -1)
    move_of[moved] = np.arange(len(moved))
    length = np.linalg.norm(target - points[moved], axis=1)
    while True:
        way[moved] = length * share
        trial = points.copy()
        trial[moved] += share[:, None] * (target - points[moved])
        after = quality(trial, corners).scaled_jacobian
        spoilt = corners[(after < worst) & (after < before) & (way[corners] > 0).any(axis=1)]
        if not len(spoilt):
            return trial, share == 1
        back = move_of[np.unique(spoilt[np.arange(len(spoilt)), way[spoilt].argmax(axis=1)])]
        share[back] = np.where(share[back] > _LEAST_SHARE, share[back] / 2, 0)


def _faces_between(corners: IntArray, chosen: IntArray) -> tuple[IntArray, IntArray]:
    """Faces between two regions: their corners (n, 3), and the regions on their two sides (n, 2)."""
    faces = np.sort(corners[:, [[1, 2, 3], [0, 2, 3], [0, 1, 3], [0, 1, 2]]].reshape(-1, 3), axis=1)
    order = np.lexsort(faces.T)
    twin = np.flatnonzero((faces[order][1:] == faces[order][:-1]).all(axis=1))
    pair = np.stack([order[twin], order[twin + 1]], axis=1)
    sides = chosen[pair // 4]
    between = sides[:, 0] != sides[:, 1]
    return faces[pair[between, 0]], sides[between]


def _off(points: FloatArray, faces: IntArray, sides: IntArray, depths: Callable[[FloatArray], FloatArray]) -> FloatArray:
    """Distance to the border of every corner of the faces between regions."""
    depth, row = depths(points[faces.ravel()]), np.arange(faces.size)
    left, right = np.repeat(sides, 3, axis=0).T
    # Depths in two neighbours differ by twice the distance to the border between them.
    return np.asarray(np.abs(depth[row, left] - depth[row, right]) / 2)


def _area_of(points: FloatArray, faces: IntArray, sides: IntArray, n: int) -> FloatArray:
    """(n,): area of the faces between each region and the others."""
    a, b, c = (points[faces[:, m]] for m in range(3))
    area = np.linalg.norm(np.cross(b - a, c - a), axis=1) / 2
    return np.asarray(np.bincount(sides.ravel(), weights=np.repeat(area, 2), minlength=n))
