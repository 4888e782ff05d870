"""Strains and forces at the Gauss points of bricks against strain operators put together in plain numpy."""

from __future__ import annotations

import numpy as np
import pytest

from culmann_fem import brick_points
from culmann_fem.hexahedron import CORNERS, brick, elasticity, strain_operators
from culmann_fem.lines import lines_of

SPACING = np.array([0.78, 0.9, 0.67])
CELL = np.array([[0, 0, 0], [0, 1, 1], [1, 0, 0], [1, 1, 0], [2, 1, 1]])
PLANE = np.array([0, 2, 4, 5])
NODES = (4, 3, 3)
LINES = lines_of(np.isin(np.arange(12).reshape(3, 2, 2), np.ravel_multi_index(CELL.T, (3, 2, 2))))


def operators(b_bar):
    """(8, 6, 24), with the mean of the dilatation where wanted."""
    B = strain_operators(brick(SPACING, elasticity(0.3), b_bar=False).gradient)
    if b_bar:
        dilatation = B[:, :3].sum(axis=1)
        B[:, :3] += (dilatation.mean(axis=0) - dilatation)[:, None] / 3
    return B


def freedoms(cell):
    return (3 * np.ravel_multi_index((cell + CORNERS).T, NODES)[:, None] + np.arange(3)).ravel()


@pytest.mark.parametrize("b_bar", [False, True])
def test_strains_forces_and_tangent(b_bar):
    rng = np.random.default_rng(6)
    B, scale, weight = operators(b_bar), -1 / (4 * SPACING), float(np.prod(SPACING)) / 8
    u = rng.standard_normal((3, *NODES))
    flat = np.moveaxis(u, 0, -1).ravel()
    expected = np.stack([B @ flat[freedoms(cell)] for cell in CELL])
    e, on_lines = np.zeros((5, 8, 6)), LINES.from_box(u)
    for first, last in ((0, 2), (2, 4)):
        brick_points.strains(on_lines, LINES.place, CELL, PLANE, scale, b_bar, e, first, last)
    assert e == pytest.approx(expected, abs=1e-13)

    stress = rng.standard_normal((5, 8, 6))
    stress[3] = 0
    upper = rng.standard_normal((5, 8, 21))
    active = rng.random((5, 8)) > 0.4
    active[2] = False
    index = np.flatnonzero(active.any(axis=1))
    full = np.zeros((5, 8, 6, 6))
    rows, columns = np.triu_indices(6)
    full[:, :, rows, columns] = full[:, :, columns, rows] = upper
    full[~active] = 0

    forces, tangent = np.zeros(flat.size), np.zeros(flat.size)
    for cell, t, L, strain in zip(CELL, stress, full, expected, strict=True):
        forces[freedoms(cell)] -= weight * np.einsum("pai,pa->i", B, t)
        tangent[freedoms(cell)] -= weight * np.einsum("pai,pab,pb->i", B, L, strain)
    f, g = np.zeros_like(on_lines), np.zeros_like(on_lines)
    for first, last in ((0, 1), (1, 4)):
        brick_points.subtract(f, LINES.place, CELL, PLANE, stress, scale, weight, b_bar, first, last)
        places = (LINES.place, CELL, np.searchsorted(index, PLANE), index)
        brick_points.subtract_tangent(on_lines, g, *places, upper, active, scale, weight, b_bar, first, last)
    assert np.moveaxis(LINES.on_box(f), 0, -1).ravel() == pytest.approx(forces, abs=1e-13)
    assert np.moveaxis(LINES.on_box(g), 0, -1).ravel() == pytest.approx(tangent, abs=1e-12)
