"""Labels of bodies with a closed form: a voxel is labelled when its centre lies inside."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from scipy.spatial.transform import Rotation

from culmann import Grid, Labels

TURN = Rotation.from_rotvec([0.4, -0.3, 0.7]).as_matrix()
CENTRE = np.array([12.0, -30.0, 205.0])


def grid_around(half_mm: float, spacing: tuple[float, float, float], axes: Any = None) -> Grid:
    """A grid around CENTRE that reaches `half_mm` along each of its axes."""
    axes = np.eye(3) if axes is None else axes
    size = tuple(int(np.ceil(2 * half_mm / s)) for s in spacing)
    first = CENTRE - axes @ (np.array(spacing) * (np.array(size) - 1) / 2)
    return Grid(size, spacing, tuple(first.tolist()), tuple(axes.ravel().tolist()))


def labels_of(inside: Callable[[Any], Any], grid: Grid) -> Labels:
    """Label 1 where `inside` says so of places (n, 3) relative to CENTRE."""
    k, j, i = np.indices(grid.shape)
    place = grid.to_world(np.stack([i, j, k], axis=-1).reshape(-1, 3)) - CENTRE
    return Labels(grid, np.asarray(inside(place)).reshape(grid.shape).astype(np.int32), {1: "body"})


def ball(radius: float) -> Callable[[Any], Any]:
    return lambda x: (x**2).sum(axis=1) < radius**2


def torus(large: float, small: float) -> Callable[[Any], Any]:
    return lambda x: (np.hypot(x[:, 0], x[:, 1]) - large) ** 2 + x[:, 2] ** 2 < small**2
