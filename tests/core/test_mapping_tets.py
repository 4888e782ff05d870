"""Density over tetrahedra: Jensen's inequality, linear laws, numbering and pose of the cells, and brute force."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage
from scipy.spatial.transform import Rotation

from culmann import DensityMap, Elastoplastic, Grid, Mesh, average_over_cells, density_law
from culmann.journal import QuietJournal
from culmann.laws import DensityLawConfig
from culmann.tetrahedra import TET_EDGES, straight_tet10

GRID = Grid((16, 17, 18), (1.0, 1.2, 0.9), (-8.0, 3.0, 20.0), tuple(Rotation.from_rotvec([0.2, 0.5, -0.3]).as_matrix().ravel()))


def noise(seed: int, grid: Grid = GRID) -> DensityMap:
    values = np.random.default_rng(seed).uniform(0.05, 0.9, grid.shape)
    return DensityMap(grid, values.astype(np.float32), "qct-k2hpo4", {"method": "made up"})


def some_tetrahedra(seed: int, count: int, size: float = 3.0) -> Mesh:
    rng = np.random.default_rng(seed)
    middle = GRID.to_world(rng.uniform(3, 12, (count, 1, 3)).reshape(-1, 3)).reshape(count, 1, 3)
    points = (middle + rng.uniform(-size / 2, size / 2, (count, 4, 3))).reshape(-1, 3)
    return Mesh(points, np.arange(4 * count).reshape(-1, 4), "tet4", np.ones(count, dtype=np.int64))


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 9999), st.floats(1.1, 3.0), st.floats(0.2, 0.9))
def test_jensen(seed: int, convex: float, concave: float) -> None:
    """The mean of a convex law is not below the law of the mean, and the other way round for a concave one."""
    mesh, density = some_tetrahedra(seed, 20), noise(seed)
    found = average_over_cells(mesh, density, lambda r: np.stack([r, r**convex, r**concave], axis=1))
    assert (found[:, 1] >= found[:, 0] ** convex - 1e-12).all()
    assert (found[:, 2] <= found[:, 0] ** concave + 1e-12).all()
    assert (found[:, 1] > found[:, 0] ** convex + 1e-6).any()


@density_law(density_kind="qct-k2hpo4", valid_g_cm3=(0.0, 2.0))
def straight_law(rho: np.ndarray, config: DensityLawConfig) -> Elastoplastic:
    return Elastoplastic(50.0 + 3230.0 * rho, 0.015 * (50.0 + 3230.0 * rho))


@density_law(density_kind="qct-k2hpo4", valid_g_cm3=(0.0, 2.0))
def bent_law(rho: np.ndarray, config: DensityLawConfig) -> Elastoplastic:
    return Elastoplastic(6850.0 * rho**1.49, 0.015 * 6850.0 * rho**1.49)


@pytest.mark.parametrize("interpolation", ["linear", "nearest"])
def test_what_is_averaged_matters_for_bent_laws_only_and_strength_stays_in_proportion(interpolation: str) -> None:
    mesh, density = some_tetrahedra(1, 200), noise(1)
    results = {}
    for law in (straight_law, bent_law):
        for averaging in ("modulus", "density"):
            config = DensityLawConfig(averaging=averaging, interpolation=interpolation)  # type: ignore[arg-type]
            materials = law(mesh, density, config, QuietJournal())
            results[law, averaging] = materials.youngs_modulus_mpa
            assert np.allclose(materials.stress_mpa[:, 0], 0.015 * materials.youngs_modulus_mpa, rtol=1e-12)
    assert np.allclose(results[straight_law, "modulus"], results[straight_law, "density"], rtol=1e-12)
    assert (results[bent_law, "modulus"] > results[bent_law, "density"]).all()


def test_the_numbering_of_the_corners_plays_no_part() -> None:
    mesh, density = some_tetrahedra(5, 30, size=6.0), noise(5)
    first = average_over_cells(mesh, density, lambda r: r[:, None] ** 3)
    for order in permutations(range(4)):
        again = Mesh(mesh.points_mm, mesh.cells[:, order], "tet4", mesh.region)
        assert np.array_equal(average_over_cells(again, density, lambda r: r[:, None] ** 3), first)


@pytest.mark.parametrize(("interpolation", "order"), [("linear", 1), ("nearest", 0)])
@pytest.mark.parametrize("size", [2.0, 9.0])
def test_averages_are_those_of_many_random_points(interpolation: str, order: int, size: float) -> None:
    mesh, density = some_tetrahedra(7, 12, size=size), noise(7)
    found = average_over_cells(mesh, density, lambda r: r[:, None] ** 2, interpolation)[:, 0]  # type: ignore[arg-type]
    share = np.random.default_rng(0).dirichlet(np.ones(4), 60_000)
    for cell, value in zip(mesh.cells, found, strict=True):
        at = GRID.to_index(share @ mesh.points_mm[cell])[:, ::-1].T
        rho = ndimage.map_coordinates(density.g_cm3.astype(float), at, order=order, mode="nearest")
        assert value == pytest.approx((rho**2).mean(), rel=0.06 if order == 0 else 0.03)


def test_straight_tet10_shares_middles_and_takes_the_density_of_its_corners() -> None:
    corners = np.array([[0, 1, 2, 3], [1, 2, 3, 4]])
    points = GRID.to_world(np.array([[3.0, 3, 3], [8, 3, 4], [4, 9, 3], [5, 5, 9], [9, 9, 9]]))
    all_points, cells = straight_tet10(points, corners)
    assert len(all_points) == 5 + 9
    assert np.allclose(all_points[cells[:, 4:]], points[corners[:, TET_EDGES]].mean(axis=2))
    four = Mesh(points, corners, "tet4", np.ones(2, dtype=np.int64))
    ten = Mesh(all_points, cells, "tet10", np.ones(2, dtype=np.int64))
    density = noise(2)
    one, two = (average_over_cells(mesh, density, lambda r: r[:, None]) for mesh in (four, ten))
    assert np.array_equal(one, two)
