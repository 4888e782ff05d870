"""Bodies like vertebrae with known answers: cylinders on voxels, at any tilt, with or without processes, and on tetrahedra."""

from __future__ import annotations

from collections.abc import Callable
from itertools import permutations
from typing import Any

import numpy as np
import pytest

from culmann.data import Grid, Mesh
from culmann.tetrahedra import straight_tet10
from culmann.voxels import hexahedra

RADIUS, HEIGHT = 18.0, 28.0


def axis_of(tilt_deg: float) -> np.ndarray:
    """The axis of a cylinder that leans towards posterior and left."""
    t = np.radians(tilt_deg)
    return np.array([0.5 * np.sin(t), np.sqrt(0.75) * np.sin(t), np.cos(t)])


def body(tilt_deg: float = 0.0, processes: bool = False, spacing: float = 1.5) -> tuple[Grid, np.ndarray]:
    """A cylinder; with processes, two stalks leave it below the rim of its upper face and rise above that face."""
    n = round(90 / spacing)
    grid = Grid(
        (n, n, n), (spacing,) * 3, (-(n - 1) / 2 * spacing + 0.1, -(n - 1) / 2 * spacing + 0.2, -(n - 1) / 2 * spacing + 0.3)
    )
    k, j, i = np.indices(grid.shape)
    world = grid.to_world(np.stack([i, j, k], axis=-1).reshape(-1, 3))
    axis = axis_of(tilt_deg)
    along = world @ axis
    region = ((np.linalg.norm(world - np.outer(along, axis), axis=1) <= RADIUS) & (np.abs(along) <= HEIGHT / 2)).astype(int)
    if processes:
        x, y, z = world.T
        for side in (-1, 1):
            pedicle = (np.abs(x - side * 12) <= 5) & (y > 5) & (y < 35) & (np.abs(z - 5) <= 7.5)
            process = (np.abs(x - side * 12) <= 5) & (y > 25) & (y < 35) & (np.abs(z - 7) <= 15)
            region[(pedicle | process) & (region == 0)] = 2
    return grid, region.reshape(grid.shape)


def reordered(
    grid: Grid, region: np.ndarray, order: tuple[int, int, int], backwards: tuple[bool, ...]
) -> tuple[Grid, np.ndarray]:
    """The same voxels in a file whose axes are permuted and flipped: new axis n is old axis order[n]."""
    axes = grid.axes[:, order] * np.where(backwards, -1.0, 1.0)
    first = np.zeros(3)
    for n, flip in zip(order, backwards, strict=True):
        first[n] = grid.size[n] - 1 if flip else 0
    turned = np.transpose(region, [2 - n for n in order[::-1]])
    turned = turned[tuple(slice(None, None, -1 if flip else 1) for flip in backwards[::-1])]
    size = tuple(grid.size[n] for n in order)
    spacing = tuple(grid.spacing_mm[n] for n in order)
    origin = tuple(float(c) for c in grid.to_world(first[None])[0])
    return Grid(size, spacing, origin, tuple(axes.ravel())), np.ascontiguousarray(turned)


ORDERS = [
    (p, b) for p in permutations(range(3)) for b in ((False,) * 3, (True, False, True), (False, True, False), (True,) * 3)
][1:]


def voxels(**options: Any) -> Mesh:
    return hexahedra(*body(**options), {1: "body", 2: "process"})


def round_tetrahedra(tilt_deg: float = 0.0) -> Mesh:
    """A cylinder of tetrahedra with smooth sides: a block, its square section blown up to a disc, each cell cut in six."""
    n, layers = 16, 12
    u, v, w = np.meshgrid(np.linspace(-1, 1, n + 1), np.linspace(-1, 1, n + 1), np.linspace(-1, 1, layers + 1), indexing="ij")
    x, y = u * np.sqrt(1 - v**2 / 2), v * np.sqrt(1 - u**2 / 2)
    points = np.stack([RADIUS * x, RADIUS * y, HEIGHT / 2 * w], axis=-1).reshape(-1, 3)
    number = np.arange(len(points)).reshape(n + 1, n + 1, layers + 1)
    corner = number[:-1, :-1, :-1].ravel()
    step = np.array([number[1, 0, 0], number[0, 1, 0], number[0, 0, 1]])
    cells = []
    for path in permutations(range(3)):
        a, b, c = step[list(path)]
        tet = np.stack([corner, corner + a, corner + a + b, corner + a + b + c], axis=1)
        even = path in {(0, 1, 2), (1, 2, 0), (2, 0, 1)}
        cells.append(tet if even else tet[:, [0, 2, 1, 3]])
    axis = axis_of(tilt_deg)
    across = np.cross([0.0, 1.0, 0.0], axis)
    across /= np.linalg.norm(across)
    turned = points @ np.stack([across, np.cross(axis, across), axis])
    every = np.concatenate(cells)
    return Mesh(turned, every, "tet4", np.ones(len(every), dtype=np.int64), {1: "body"})


def quadratic(tilt_deg: float = 0.0, region: np.ndarray | None = None) -> Mesh:
    """The same cylinder of quadratic tetrahedra."""
    straight = round_tetrahedra(tilt_deg)
    points, cells = straight_tet10(straight.points_mm, straight.cells)
    return Mesh(points, cells, "tet10", straight.region if region is None else region, {1: "body"})


@pytest.fixture(scope="session")
def make_voxels() -> Callable[..., Mesh]:
    return voxels


@pytest.fixture(scope="session")
def make_tet10() -> Callable[..., Mesh]:
    return quadratic


@pytest.fixture(scope="session")
def make_tetrahedra() -> Callable[..., Mesh]:
    return round_tetrahedra
