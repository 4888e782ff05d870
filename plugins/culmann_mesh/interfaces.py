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
from culmann_mesh.smooth_surface import SmoothBody, smooth_body

#: A corner moves by at most this share of the edge that a border cuts.
_REACH = 0.6
_ROUNDS = 3


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
    bodies = [smooth_body(label == v, labels.grid) for v in values]

    def depths(at: FloatArray) -> FloatArray:
        return np.stack([body.depth(at) for body in bodies], axis=1)

    edges = np.unique(np.sort(corners[:, list(combinations(range(4), 2))].reshape(-1, 2), axis=1), axis=0)
    on_surface = np.zeros(len(points_mm), dtype=bool)
    faces = _outer_faces(points_mm, corners)
    on_surface[faces] = True
    along_surface = _pairs_in(edges, faces)
    points, settled = points_mm, np.zeros(len(points_mm), dtype=bool)
    for _ in range(_ROUNDS):
        moved, target = _moves(points, edges, depths(points), on_surface, along_surface, settled)
        if not len(moved):
            break
        skin = on_surface[moved]
        furthest = float(np.linalg.norm(target - points[moved], axis=1).max())
        target[skin] = outer.onto_surface(target[skin], furthest)
        points = _guarded(points, corners, moved, target, worst_jacobian, settled)
    at_middle = depths(points[corners].mean(axis=1))
    chosen = at_middle.argmax(axis=1)
    return Regions(points, np.asarray(values, dtype=np.int64)[chosen], _off(points, corners, chosen, depths))


def _outer_faces(points_mm: FloatArray, corners: IntArray) -> IntArray:
    return exterior_faces(Mesh(points_mm, corners, "tet4", np.ones(len(corners), dtype=np.int64)))[0]


def _pairs_in(edges: IntArray, faces: IntArray) -> BoolArray:
    """(m,): which edges are sides of the faces."""
    key = np.array([edges.max() + 1, 1])
    sides = np.sort(faces[:, [[0, 1], [1, 2], [2, 0]]].reshape(-1, 2), axis=1)
    return np.isin(edges @ key, sides @ key)


def _moves(
    points: FloatArray, edges: IntArray, depth: FloatArray, on_surface: BoolArray, along_surface: BoolArray, settled: BoolArray
) -> tuple[IntArray, FloatArray]:
    """Corners to move and where to: each onto the nearest cut through an edge that one of its ends may reach."""
    owner = depth.argmax(axis=1)
    cut = (owner[edges[:, 0]] != owner[edges[:, 1]]) & ~settled[edges].any(axis=1)
    (a, b), surface_edge = edges[cut].T, along_surface[cut]
    at_a = depth[a, owner[a]] - depth[a, owner[b]]
    at_b = depth[b, owner[a]] - depth[b, owner[b]]
    share = at_a / np.maximum(at_a - at_b, 1e-300)
    crossing = points[a] + share[:, None] * (points[b] - points[a])
    end = np.concatenate([a, b])
    way = np.concatenate([share, 1 - share])
    may = (~on_surface[end] | np.tile(surface_edge, 2)) & (way <= _REACH)
    length = np.linalg.norm(np.tile(crossing, (2, 1)) - points[end], axis=1)
    # The shorter way of each edge only, then the shortest of each corner.
    other = np.roll(np.where(may, way, np.inf), len(a))
    may &= way <= other
    order = np.lexsort((length, end))
    order = order[may[order]]
    corner, first = np.unique(end[order], return_index=True)
    return corner, np.tile(crossing, (2, 1))[order[first]]


def _guarded(
    points: FloatArray, corners: IntArray, moved: IntArray, target: FloatArray, worst: float, settled: BoolArray
) -> FloatArray:
    """The points with those moves that leave every cell good enough; corners that came to rest are marked in `settled`."""
    keep = np.ones(len(moved), dtype=bool)
    before = quality(points, corners).scaled_jacobian
    for _ in range(50):
        trial = points.copy()
        trial[moved[keep]] = target[keep]
        after = quality(trial, corners).scaled_jacobian
        spoilt = corners[(after < worst) & (after < before)]
        if not len(spoilt) or not (keep & np.isin(moved, spoilt)).any():
            break
        keep &= ~np.isin(moved, spoilt)
    settled[moved[keep]] = True
    return trial


def _off(points: FloatArray, corners: IntArray, chosen: IntArray, depths: Callable[[FloatArray], FloatArray]) -> FloatArray:
    """Distance to the border of every corner of a face between two regions."""
    faces = np.sort(corners[:, [[1, 2, 3], [0, 2, 3], [0, 1, 3], [0, 1, 2]]].reshape(-1, 3), axis=1)
    order = np.lexsort(faces.T)
    twin = np.flatnonzero((faces[order][1:] == faces[order][:-1]).all(axis=1))
    one, two = order[twin], order[twin + 1]
    region_one, region_two = chosen[one // 4], chosen[two // 4]
    between = region_one != region_two
    node = faces[one[between]].ravel()
    left, right = np.repeat(region_one[between], 3), np.repeat(region_two[between], 3)
    depth = depths(points[node])
    row = np.arange(len(node))
    # Depths in two neighbours differ by twice the distance to the border between them.
    return np.asarray(np.abs(depth[row, left] - depth[row, right]) / 2)
