"""Blocks of quadratic tetrahedra: hexahedra cut into six, straight or with vertices moved, or curved."""

from __future__ import annotations

from collections.abc import Callable
from itertools import permutations

import numpy as np
import pytest

from culmann import LoadCase, Mesh, Prescribed

EDGES = [(0, 1), (1, 2), (2, 0), (0, 3), (1, 3), (2, 3)]


def tetrahedra(size=(2, 2, 3), spacing=(1.0, 1.0, 1.0), jiggle=0.0, curve=0.0) -> Mesh:
    """A block from the origin; `jiggle` moves inner vertices by up to this share of the spacing, `curve` inner middle nodes."""
    rng = np.random.default_rng(2)
    n = np.array(size) + 1
    grid = np.stack(np.meshgrid(*(np.arange(m) for m in n), indexing="ij"), axis=-1).reshape(-1, 3)
    number = np.arange(len(grid)).reshape(n)
    cells = []
    for at in np.ndindex(*size):
        for axes in permutations(range(3)):
            steps = np.cumsum([[0, 0, 0], *np.eye(3, dtype=int)[list(axes)]], axis=0)
            corner = [number[tuple(at + s)] for s in steps]
            # a permutation that is odd turns the tetrahedron inside out
            even = np.linalg.det(np.eye(3)[list(axes)]) > 0
            cells.append(corner if even else [corner[0], corner[2], corner[1], corner[3]])
    cells = np.array(cells)
    inside = ((grid > 0) & (grid < np.array(size))).all(axis=1)
    points = grid + jiggle * inside[:, None] * rng.uniform(-1, 1, grid.shape)
    ends = np.sort(cells[:, EDGES], axis=2)
    edge, at = np.unique(ends.reshape(-1, 2), axis=0, return_inverse=True)
    middle = points[edge].mean(axis=1)
    free = ((middle > 1e-9) & (middle < np.array(size) - 1e-9)).all(axis=1)
    middle += curve * free[:, None] * rng.uniform(-1, 1, middle.shape)
    points = np.concatenate([points, middle]) * np.array(spacing, dtype=float)
    cells = np.concatenate([cells, len(grid) + at.reshape(-1, 6)], axis=1)
    return Mesh(points, cells, "tet10", np.ones(len(cells), dtype=int), {1: "bone"})


def between_platens(mesh: Mesh, strain=0.02, steps=4, *, confined=False, bonded=False) -> LoadCase:
    """Compression of a block along z between smooth platens, between smooth walls, or between rough platens."""
    x, y, z = mesh.points_mm.T
    bottom, top = np.flatnonzero(z == z.min()), np.flatnonzero(z == z.max())
    height = float(np.ptp(z))
    sets: dict[str, Prescribed] = {}
    if bonded:
        sets["top"] = Prescribed(top, (0.0, 0.0, -strain * height))
        sets["bottom"] = Prescribed(bottom, (0.0, 0.0, 0.0))
    elif confined:
        sets["x"] = Prescribed(np.flatnonzero((x == x.min()) | (x == x.max())), (0.0, None, None))
        sets["y"] = Prescribed(np.flatnonzero((y == y.min()) | (y == y.max())), (None, 0.0, None))
    else:
        sets["x"] = Prescribed(np.flatnonzero(x == x.min()), (0.0, None, None))
        sets["y"] = Prescribed(np.flatnonzero(y == y.min()), (None, 0.0, None))
    if not bonded:
        sets["top"] = Prescribed(top, (None, None, -strain * height))
        sets["bottom"] = Prescribed(bottom, (None, None, 0.0))
    return LoadCase(sets, "top", (0.0, 0.0, -1.0), height, load_steps=tuple((np.arange(steps) + 1) / steps))


@pytest.fixture
def make_tets() -> Callable[..., Mesh]:
    return tetrahedra


@pytest.fixture
def platens() -> Callable[..., LoadCase]:
    return between_platens
