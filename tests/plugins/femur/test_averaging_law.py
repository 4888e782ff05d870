"""The Gaussian mean over bone cells against a double loop over all pairs of cells."""

from __future__ import annotations

import numpy as np
import pytest

from culmann.data import Grid
from culmann_femur.averaging import neighbour_mean, standard_deviation_mm, window


def by_brute_force(grid: Grid, cell: np.ndarray, values: np.ndarray, reach: tuple[int, int, int]) -> np.ndarray:
    sigma = 3 / (2 * np.sqrt(2 * np.log(2)))
    result = []
    for own in cell:
        total = weights = 0.0
        for other, value in zip(cell, values, strict=True):
            step = other - own
            if (np.abs(step) <= reach).all():
                weight = np.exp(-(((step * grid.spacing_mm) ** 2).sum()) / (2 * sigma**2))
                total, weights = total + weight * value, weights + weight
        result.append(total / weights)
    return np.array(result)


@pytest.mark.parametrize(
    ("spacing_mm", "isotropic", "reach"),
    [
        ((1.0, 1.0, 1.0), False, (2, 2, 1)),
        ((1.0, 1.0, 1.0), True, (2, 2, 2)),
        ((0.8, 1.5, 2.0), True, (2, 2, 1)),
        ((2.0, 2.0, 2.0), False, (1, 1, 1)),
        ((3.0, 3.0, 3.0), False, (1, 1, 1)),
    ],
)
def test_every_pair_of_cells(spacing_mm, isotropic, reach):
    grid = Grid((7, 6, 5), spacing_mm)
    rng = np.random.default_rng(2)
    cell = np.argwhere(rng.random((7, 6, 5)) < 0.4)
    values = rng.uniform(-0.1, 1.2, len(cell))
    assert window(grid, isotropic=isotropic) == reach
    mean = neighbour_mean(grid, cell, values, 3.0, isotropic=isotropic)
    assert mean == pytest.approx(by_brute_force(grid, cell, values, reach), rel=1e-12)


def test_the_width_of_the_gaussian():
    assert standard_deviation_mm(3.0) == pytest.approx(1.27398, abs=5e-6)


def test_a_lonely_cell_keeps_its_own_and_an_even_density_stays():
    grid = Grid((9, 9, 9), (1.0, 1.0, 1.0))
    cell = np.array([[0, 0, 0], [8, 8, 8], [8, 8, 7]])
    assert neighbour_mean(grid, cell, np.array([0.7, 0.2, 0.2]), 3.0, isotropic=True) == pytest.approx([0.7, 0.2, 0.2])


def test_the_order_of_the_axes_plays_no_part():
    """The same cells in an image whose axes are permuted and flipped: the third axis is the patient's long one."""
    rng = np.random.default_rng(3)
    cell = np.argwhere(rng.random((6, 5, 4)) < 0.5)
    values = rng.random(len(cell))
    plain = neighbour_mean(Grid((6, 5, 4), (1.0, 1.0, 1.0)), cell, values, 3.0, isotropic=False)
    turned = Grid((4, 6, 5), (1.0, 1.0, 1.0), direction=(0, -1, 0, 0, 0, 1, 1, 0, 0))
    assert neighbour_mean(turned, cell[:, [2, 0, 1]], values, 3.0, isotropic=False) == pytest.approx(plain, rel=1e-12)
