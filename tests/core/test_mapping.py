"""Averages over cells agree with brute force, keep the integral, and are averages of values, not values of averages."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from culmann import DensityMap, Grid, InputError, Mesh, average_over_cells
from culmann.mapping import coarsen
from culmann.voxels import hexahedra

TURNS = {
    "as it is": np.eye(3),
    "permuted": np.eye(3)[[2, 0, 1]],
    "mirrored": np.diag([1.0, -1.0, 1.0]),
    "turned": Rotation.from_rotvec([0.3, -0.7, 1.1]).as_matrix(),
}


def density_of(grid: Grid, seed: int = 0) -> DensityMap:
    values = np.random.default_rng(seed).uniform(0.02, 1.2, grid.shape).astype(np.float32)
    return DensityMap(grid, values, "qct-k2hpo4")


def law(rho: Any) -> Any:
    """A convex function, a concave one, and the density itself."""
    return np.stack([rho**2, np.sqrt(rho), rho], axis=1)


@st.composite
def lattice_over_image(draw: st.DrawFn) -> tuple[Grid, Grid, int, tuple[int, int, int]]:
    """An image, a parallel lattice within it whose edges lie on quarters of voxels, quarters a cell, and its first quarters."""
    axes = TURNS[draw(st.sampled_from(sorted(TURNS)))]
    size = draw(st.tuples(*[st.integers(3, 6)] * 3))
    spacing = draw(st.tuples(*[st.floats(0.3, 4)] * 3))
    image = Grid(size, spacing, (11.0, -40.0, 300.0), tuple(axes.ravel()))
    quarters = draw(st.integers(1, 9))
    first = tuple(draw(st.integers(0, 4 * n - quarters)) for n in size)
    cells = tuple(min(3, (4 * n - f) // quarters) for n, f in zip(size, first, strict=True))
    step = np.array(spacing) * quarters / 4
    origin = image.to_world((np.array(first) / 4 + quarters / 8 - 0.5)[None])[0]
    return image, Grid(cells, tuple(step.tolist()), tuple(origin.tolist()), image.direction), quarters, first


@settings(deadline=None, max_examples=60)
@given(lattice_over_image(), st.integers(0, 99))
def test_lattice_averages_are_those_of_brute_force(case: Any, seed: int) -> None:
    image, lattice, quarters, first = case
    density = density_of(image, seed)
    mesh = hexahedra(lattice, np.ones(lattice.shape, dtype=int), {1: "bone"})
    # Every voxel cut into 4 x 4 x 4 equal parts; a cell holds whole parts.
    parts = density.g_cm3.astype(float)
    for axis in range(3):
        parts = parts.repeat(4, axis=axis)
    mean = []
    for i, j, k in mesh.lattice.cell_index if mesh.lattice else []:
        low = np.array(first) + quarters * np.array([i, j, k])
        x, y, z = (slice(a, a + quarters) for a in low)
        mean.append(law(parts[z, y, x].ravel()).mean(axis=0))
    found = average_over_cells(mesh, density, law)
    assert np.allclose(found, mean, rtol=1e-9, atol=1e-12)
    # Jensen: a convex law of the mean is below the mean of the law, a concave one above.
    assert (found[:, 0] >= found[:, 2] ** 2 - 1e-12).all()
    assert (found[:, 1] <= np.sqrt(found[:, 2]) + 1e-12).all()


@settings(deadline=None, max_examples=40)
@given(lattice_over_image(), st.floats(0.3, 3), st.integers(0, 99))
def test_coarsening_keeps_the_integral(case: Any, size: float, seed: int) -> None:
    image, *_ = case
    array = np.zeros(np.array(image.shape) + 8)
    array[4:-4, 4:-4, 4:-4] = np.random.default_rng(seed).uniform(-1, 2, image.shape)
    padded = image.part(tuple(slice(-4, n + 4) for n in image.shape))
    step = np.minimum(size, 3.5 * np.array(image.spacing_mm))
    cells = np.ceil(np.array(image.size) * image.spacing_mm / step).astype(int) + 1
    origin = image.to_world(((-0.5 + 0.5 * step / image.spacing_mm) - 0.37 * step / image.spacing_mm)[None])[0]
    onto = Grid(tuple(cells.tolist()), tuple(step.tolist()), tuple(origin.tolist()), image.direction)
    before = array.sum() * padded.voxel_volume_mm3
    after = coarsen(padded, array, onto).sum() * onto.voxel_volume_mm3
    assert after == pytest.approx(before, rel=1e-9, abs=1e-9)


def linear_density(grid: Grid) -> DensityMap:
    k, j, i = np.indices(grid.shape)
    world = grid.to_world(np.stack([i, j, k], axis=-1).reshape(-1, 3)).reshape(*grid.shape, 3)
    return DensityMap(grid, (0.7 + world @ [0.011, -0.007, 0.013]).astype(np.float32), "qct-k2hpo4")


@pytest.mark.parametrize("turn", sorted(TURNS))
@pytest.mark.parametrize("corners", [4, 10])
def test_tetrahedra_take_linear_fields_exactly(turn: str, corners: int) -> None:
    grid = Grid((12, 13, 14), (1.0, 1.2, 0.9), (-3.0, 4.0, 5.0), tuple(TURNS[turn].ravel()))
    density = linear_density(grid)
    rng = np.random.default_rng(1)
    points = grid.to_world(rng.uniform(0, 1, (40, 3)) * (np.array(grid.size) - 1))
    cells = np.array([rng.permutation(40)[:corners] for _ in range(25)])
    mesh = Mesh(points, cells, "tet4" if corners == 4 else "tet10", np.ones(25, dtype=np.int64))
    exact = 0.7 + points[cells[:, :4]].mean(axis=1) @ [0.011, -0.007, 0.013]
    assert np.allclose(average_over_cells(mesh, density, lambda r: r[:, None])[:, 0], exact, atol=1e-6)


def test_tetrahedra_take_quadratic_laws_of_linear_fields_exactly() -> None:
    grid = Grid((12, 12, 12), (1.0, 1.0, 1.0))
    density = linear_density(grid)
    corner = np.array([[1.0, 2, 1], [9, 1, 2], [2, 10, 1], [3, 2, 9]])
    mesh = Mesh(corner, np.arange(4)[None], "tet4", np.ones(1, dtype=np.int64))
    at = 0.7 + corner @ [0.011, -0.007, 0.013]
    # Mean of the square of a linear function over a simplex of 3 dimensions.
    exact = (at.sum() ** 2 + (at**2).sum()) / 20
    assert average_over_cells(mesh, density, lambda r: r[:, None] ** 2)[0, 0] == pytest.approx(exact, rel=1e-6)


def test_hexahedra_off_the_image_axes_take_linear_fields_exactly() -> None:
    image = Grid((20, 20, 20), (1.0, 1.0, 1.0), (-10.0, -10.0, -10.0))
    turned = Grid((4, 3, 5), (1.3, 1.1, 0.8), (-2.0, -1.0, -2.0), tuple(TURNS["turned"].ravel()))
    mesh = hexahedra(turned, np.ones(turned.shape, dtype=int), {})
    exact = 0.7 + mesh.cell_centres_mm() @ [0.011, -0.007, 0.013]
    assert np.allclose(average_over_cells(mesh, linear_density(image), lambda r: r[:, None])[:, 0], exact, atol=1e-6)


@pytest.mark.parametrize("turn", ["permuted", "mirrored"])
def test_the_order_of_the_axes_of_the_density_does_not_matter(turn: str) -> None:
    """The lattice from labels in one order of axes, the density in another: the same field, so the same averages."""
    image = Grid((9, 10, 11), (1.0, 1.0, 1.0))
    mesh = hexahedra(image.part((slice(2, 8), slice(2, 8), slice(2, 7))), np.ones((6, 6, 5), dtype=int), {})
    a = linear_density(image)
    axes = TURNS[turn]
    size = np.abs(axes.T @ image.size).astype(int)
    low, high = image.extent_mm()
    corner = np.where((axes.sum(axis=1) > 0), low + 0.5, high - 0.5)
    other = Grid(tuple(size.tolist()), (1.0, 1.0, 1.0), tuple(corner.tolist()), tuple(axes.ravel()))
    b = linear_density(other)
    one = average_over_cells(mesh, a, lambda r: r[:, None])
    assert np.allclose(one, average_over_cells(mesh, b, lambda r: r[:, None]), atol=1e-6)


def test_the_value_is_averaged_and_not_the_density() -> None:
    grid = Grid((2, 1, 1), (1.0, 1.0, 1.0))
    density = DensityMap(grid, np.array([[[0.0, 1.0]]], dtype=np.float32), "ash")
    cell = hexahedra(Grid((1, 1, 1), (2.0, 1.0, 1.0), (0.5, 0.0, 0.0)), np.ones((1, 1, 1), dtype=int), {})
    assert average_over_cells(cell, density, lambda r: r[:, None] ** 2)[0, 0] == pytest.approx(0.5)


def test_only_the_voxels_under_the_lattice_meet_the_law() -> None:
    density = density_of(Grid((20, 20, 20), (1.0, 1.0, 1.0)))
    density.g_cm3[:, :, :5] = np.nan
    seen = []
    mesh = hexahedra(Grid((2, 2, 2), (1.5, 1.5, 1.5), (10.0, 10.0, 10.0)), np.ones((2, 2, 2), dtype=int), {})
    found = average_over_cells(mesh, density, lambda r: seen.append(r.size) or r[:, None])  # type: ignore[func-returns-value]
    assert np.isfinite(found).all()
    assert seen[0] <= 5**3


@pytest.mark.parametrize("by", [-30.0, 30.0])
def test_cells_outside_of_the_density_are_refused_with_their_place(by: float) -> None:
    density = density_of(Grid((5, 5, 5), (1.0, 1.0, 1.0)))
    inner = hexahedra(Grid((2, 2, 2), (1.0, 1.0, 1.0), (1.0, 1.0, 1.0)), np.ones((2, 2, 2), dtype=int), {})
    assert inner.lattice is not None
    moved = replace(inner.lattice.grid, origin_mm=(1.0 + by, 1.0, 1.0))
    outer = hexahedra(moved, np.ones((2, 2, 2), dtype=int), {})
    for mesh in (outer, replace(outer, lattice=None)):
        with pytest.raises(InputError, match=r"cells lie outside the density map, the first at .* mm") as caught:
            average_over_cells(mesh, density, law)
        assert "same scan" in caught.value.hint
