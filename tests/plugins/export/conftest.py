"""A piece of bone with a cap of cement, on a lattice that is turned in the scanner, held along the axes of the load."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from culmann import Grid, LoadCase, Materials, Mesh, Prescribed, Solid
from culmann.voxels import hexahedra


@pytest.fixture
def model() -> tuple[Mesh, Materials, LoadCase]:
    rng = np.random.default_rng(5)
    # i runs to the back, j to the right, k up.
    grid = Grid((5, 4, 6), (1.5, 1.5, 1.5), (3.0, 4.0, 5.0), (0, -1, 0, 1, 0, 0, 0, 0, 1))
    region = (rng.uniform(size=grid.shape) > 0.25).astype(int)
    region[-1] = 2
    region[0] = 1
    mesh = hexahedra(grid, region, {1: "L3 & body", 2: "cement"})
    n = mesh.n_cells
    cement = mesh.region == 2
    modulus = np.where(cement, 2500.0, rng.uniform(100, 2000, n))
    stress = np.stack([0.01 * modulus, 0.012 * modulus], axis=1)
    materials = Materials(
        modulus, np.full(n, 0.3), stress, np.tile([0.0, 0.01], (n, 1)), np.where(cement, 0.0, modulus / 5000), law="made-up"
    )
    z = mesh.points_mm[:, 2]
    top, bottom = np.flatnonzero(z == z.max()), np.flatnonzero(z == z.min())
    sets = {
        "top": Prescribed(top, (0.05, 0.0, -0.2)),
        "bottom": Prescribed(bottom, (None, None, 0.0)),
        "corner": Prescribed(bottom[:1], (0.0, 0.0, None)),
        "edge": Prescribed(bottom[-1:], (None, 0.0, None)),
    }
    load = LoadCase(sets, "top", (0.0, 0.0, -1.0), 9.0, load_steps=(0.2, 0.5, 1.0))
    return replace(mesh, solids={2: Solid(2500.0)}, node_sets={"field of view": top[:3]}), materials, load


@pytest.fixture
def wanted(model) -> np.ndarray:
    """(n_points, 3): what is prescribed at every node along LPS, by going through the sets; NaN where free."""
    mesh, _, load = model
    values = np.full((mesh.n_points, 3), np.nan)
    for held in reversed(load.prescribed.values()):
        for node in held.nodes:
            for axis, value in enumerate(held.displacement_mm):
                if value is not None:
                    values[node, axis] = value
    return values
