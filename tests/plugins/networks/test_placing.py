"""Scans onto the voxels of a network and back, against SciPy's interpolation and the core's regridding."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from scipy import ndimage

from culmann.data import Grid, Labels
from culmann.orientation import turn_of
from culmann.regridding import antialias_sigma_voxels, index_map, labels_onto, sample
from culmann_networks.placing import classes_onto, obliqueness_degrees, resampled, weights_between, working_grid


def grids() -> list[Grid]:
    """All 48 orders and directions of axes."""
    found = []
    for order in itertools.permutations(range(3)):
        for signs in itertools.product((1, -1), repeat=3):
            axes = np.zeros((3, 3))
            axes[list(order), range(3)] = signs
            found.append(Grid((5, 6, 7), (1.0, 2.0, 3.0), (10.0, -20.0, 30.0), tuple(axes.ravel())))
    return found


@pytest.mark.parametrize("grid", grids())
def test_turning_keeps_every_voxel_at_its_place(grid: Grid) -> None:
    turn = turn_of(grid)
    assert np.allclose(turn.grid.axes, np.eye(3))
    k, j, i = np.indices(grid.shape)
    places = grid.to_world(np.stack([i, j, k], axis=-1).reshape(-1, 3)).reshape(*grid.shape, 3)
    k, j, i = np.indices(turn.grid.shape)
    wanted = turn.grid.to_world(np.stack([i, j, k], axis=-1).reshape(-1, 3)).reshape(*turn.grid.shape, 3)
    for axis in range(3):
        assert np.allclose(turn.apply(places[..., axis]), wanted[..., axis])
        assert np.array_equal(turn.undo(turn.apply(places[..., axis])), places[..., axis])


def test_oblique_axes_are_turned_to_the_nearest() -> None:
    c, s = np.cos(np.radians(20)), np.sin(np.radians(20))
    grid = Grid((5, 6, 7), (1.0, 1.0, 1.0), direction=(0.0, c, -s, 0.0, s, c, -1.0, 0.0, 0.0))
    turn = turn_of(grid)
    assert np.diag(turn.grid.axes).min() > 0.9
    assert obliqueness_degrees(grid) == pytest.approx(20)


@pytest.mark.parametrize("spacing_mm", [(0.7, 0.9, 1.1), (2.0, 3.1, 1.0), (1.0, 1.0, 1.0)])
def test_as_scipy_interpolates_with_the_blur_of_the_core(spacing_mm: tuple[float, float, float]) -> None:
    grid = Grid((21, 24, 19), (1.0, 1.2, 1.5), (5.0, 6.0, 7.0))
    target = working_grid(grid, spacing_mm)
    array = np.random.default_rng(0).uniform(-1000, 1000, grid.shape).astype(np.float32)
    blurred = ndimage.gaussian_filter(array.astype(float), antialias_sigma_voxels(grid, target), mode="nearest")
    wanted = sample(blurred, *index_map(grid, target), target.shape, order=1)
    assert np.abs(resampled(array, weights_between(grid, target)) - wanted).max() < 2e-3


def test_same_voxels_are_not_interpolated() -> None:
    grid = Grid((9, 8, 7), (1.5, 1.5, 2.0))
    array = np.random.default_rng(0).uniform(-1000, 1000, grid.shape).astype(np.float32)
    assert np.array_equal(resampled(array, weights_between(grid, working_grid(grid, (1.5, 1.5, 2.0)))), array)


def test_classes_come_back_as_the_core_lays_labels() -> None:
    coarse, fine = Grid((20, 18, 16), (2.0, 2.0, 2.0)), Grid((39, 35, 61), (1.0, 1.0, 0.5), (0.0, 0.0, 0.0))
    z, y, x = np.indices(coarse.shape)
    label = np.where((z - 8) ** 2 + (y - 9) ** 2 + (x - 7) ** 2 < 25, 1, 0) + np.where(x > 14, 2, 0)
    shares = np.stack([label == v for v in range(3)]).astype(np.float32)
    found = classes_onto(shares, coarse, fine)
    wanted = labels_onto(Labels(coarse, label.astype(np.int32)), fine).label
    # The core gives a tie to the label, this gives it to the background: halfway between voxels they differ.
    z, y, x = np.indices(fine.shape)
    between = (x % 2 == 1) | (y % 2 == 1) | (z % 4 == 2)
    assert np.array_equal(found[~between], wanted[~between])
    assert ((found == 0) | (found == wanted)).all()
