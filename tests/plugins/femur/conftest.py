"""Blocks of femoral bone of given density, compressed between smooth platens and solved by the native solver."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from culmann import DensityMap, Grid, LoadCase, Materials, Mesh, Prescribed, Response
from culmann.journal import QuietJournal
from culmann.voxels import hexahedra
from culmann_fem.native import NativeSolverConfig, native_solver


def bone(rho_g_cm3: np.ndarray, spacing_mm: float | tuple[float, float, float], kind: str = "ash") -> tuple[Mesh, DensityMap]:
    """A voxel mesh of one cell for every value of rho (z, y, x), with a density map on the same voxels."""
    spacing = (spacing_mm,) * 3 if isinstance(spacing_mm, float) else spacing_mm
    grid = Grid(rho_g_cm3.shape[::-1], spacing)
    return hexahedra(grid, np.ones(grid.shape, dtype=int), {1: "bone"}), DensityMap(grid, rho_g_cm3.astype(np.float32), kind)


def compressed(mesh: Mesh, materials: Materials, to_mm: float, increment_mm: float, **options) -> Response:
    x, y, z = mesh.points_mm.T
    bottom = np.flatnonzero(z == z.min())
    corner, along_x = bottom[np.argmin(x[bottom] + y[bottom])], bottom[np.argmax(x[bottom] - y[bottom])]
    sets = {
        "top": Prescribed(np.flatnonzero(z == z.max()), (None, None, -to_mm)),
        "bottom": Prescribed(bottom, (None, None, 0.0)),
        "corner": Prescribed(np.array([corner]), (0.0, 0.0, None)),
        "turn": Prescribed(np.array([along_x]), (None, 0.0, None)),
    }
    n = round(to_mm / increment_mm)
    load = LoadCase(sets, "top", (0.0, 0.0, -1.0), float(np.ptp(z)), load_steps=tuple((np.arange(n) + 1) / n))
    return native_solver(mesh, materials, load, NativeSolverConfig(**options), QuietJournal())


@pytest.fixture
def make_bone() -> Callable[..., tuple[Mesh, DensityMap]]:
    return bone


@pytest.fixture
def compress() -> Callable[..., Response]:
    return compressed
