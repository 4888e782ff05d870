"""Bars and blocks with closed-form answers, built without any plugin but the solver under test."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pytest

from culmann import Grid, LoadCase, Materials, Mesh, Prescribed, Response
from culmann.journal import QuietJournal
from culmann.voxels import hexahedra
from culmann_fem.native import NativeSolverConfig, native_solver


@dataclass(frozen=True)
class Block:
    """A voxel block between two smooth platens, compressed along z."""

    mesh: Mesh
    load: LoadCase
    area_mm2: float
    height_mm: float


def block(size=(3, 3, 5), spacing=(1.0, 1.0, 1.0), strain=0.02, steps=4, *, confined=False, bonded=False) -> Block:
    grid = Grid(size, spacing, (-7.0, 3.0, 11.0))
    mesh = hexahedra(grid, np.ones(grid.shape, dtype=int), {1: "bone"})
    x, y, z = mesh.points_mm.T
    bottom, top = np.flatnonzero(z == z.min()), np.flatnonzero(z == z.max())
    height = float(z.max() - z.min())
    sets: dict[str, Prescribed] = {}
    if bonded:
        sets["top"] = Prescribed(top, (0.0, 0.0, -strain * height))
        sets["bottom"] = Prescribed(bottom, (0.0, 0.0, 0.0))
    else:
        if confined:
            sets["walls"] = Prescribed(np.arange(mesh.n_points), (0.0, 0.0, None))
        else:
            corner, along_x = bottom[np.argmin(x[bottom] + y[bottom])], bottom[np.argmax(x[bottom] - y[bottom])]
            sets["corner"] = Prescribed(np.array([corner]), (0.0, 0.0, 0.0))
            sets["turn"] = Prescribed(np.array([along_x]), (None, 0.0, None))
        sets["top"] = Prescribed(top, (None, None, -strain * height))
        sets["bottom"] = Prescribed(bottom, (None, None, 0.0))
    load_steps = tuple((np.arange(steps) + 1) / steps)
    load = LoadCase(sets, "top", (0.0, 0.0, -1.0), height, load_steps=load_steps)
    return Block(mesh, load, size[0] * spacing[0] * size[1] * spacing[1], height)


def material(n, modulus=1000.0, poisson_ratio=0.3, stress=None, plastic_strain=None) -> Materials:
    """One material for n cells, or one modulus for each; `stress` and `plastic_strain` are the points of one curve."""
    stress = np.zeros((n, 0)) if stress is None else np.tile(np.atleast_1d(stress).astype(float), (n, 1))
    strain = np.zeros_like(stress) if plastic_strain is None else np.tile(plastic_strain, (n, 1)).astype(float)
    modulus = np.broadcast_to(np.asarray(modulus, dtype=float), (n,)).copy()
    ratio = np.broadcast_to(np.asarray(poisson_ratio, dtype=float), (n,)).copy()
    return Materials(modulus, ratio, stress, strain, np.full(n, 0.3))


def solve(mesh: Mesh, materials: Materials, load: LoadCase, **options) -> Response:
    return native_solver(mesh, materials, load, NativeSolverConfig(**options), QuietJournal())


@pytest.fixture
def make_block() -> Callable[..., Block]:
    return block


@pytest.fixture
def make_material() -> Callable[..., Materials]:
    return material


@pytest.fixture
def native() -> Callable[..., Response]:
    return solve
