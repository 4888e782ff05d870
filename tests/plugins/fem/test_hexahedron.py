from __future__ import annotations

import numba
import numpy as np
import pytest

from culmann_fem import gauss
from culmann_fem.hexahedron import CORNERS, PARITY, brick, elasticity, strain_operators
from culmann_fem.lines import lines_of

SPACING = np.array([0.78, 0.9, 0.67])


@pytest.mark.parametrize("b_bar", [False, True])
def test_six_rigid_motions_and_nothing_else_cost_no_energy(b_bar):
    values = np.linalg.eigvalsh(brick(SPACING, elasticity(0.3), b_bar=b_bar).stiffness)
    assert np.abs(values[:6]).max() < 1e-12 * values[-1]
    assert values[6] > 1e-3 * values[-1]


@pytest.mark.parametrize("b_bar", [False, True])
def test_energy_of_a_linear_displacement_is_exact(b_bar):
    gradient = np.random.default_rng(1).standard_normal((3, 3))
    u = ((CORNERS * SPACING) @ gradient.T).ravel()
    strain = (gradient + gradient.T) / 2
    shear, lame = 1 / (2 * 1.3), 0.3 / (1.3 * 0.4)
    exact = np.prod(SPACING) * (shear * np.sum(strain**2) + lame / 2 * np.trace(strain) ** 2)
    assert u @ brick(SPACING, elasticity(0.3), b_bar=b_bar).stiffness @ u / 2 == pytest.approx(exact, rel=1e-12)


def test_parity_blocks_are_the_whole_stiffness():
    element = brick(SPACING, elasticity(0.3), b_bar=True)
    full = np.zeros((8, 3, 8, 3))
    for q in range(8):
        mode = (q ^ 1, q ^ 2, q ^ 4)
        for slot, (c, d) in enumerate(((0, 0), (1, 1), (2, 2), (0, 1), (1, 2), (2, 0))):
            full[mode[c], c, mode[d], d] = full[mode[d], d, mode[c], c] = element.blocks[q, slot]
    transform = np.kron(PARITY, np.eye(3))
    assert transform @ full.reshape(24, 24) @ transform == pytest.approx(element.stiffness, abs=1e-14)


def test_elasticity_is_hookes_law():
    stress = elasticity(0.25) @ np.array([1e-3, 0, 0, 0, 0, 0])
    assert stress[0] == pytest.approx(1e-3 * 0.75 / (1.25 * 0.5))
    assert elasticity(0.25)[3, 3] == pytest.approx(1 / 2.5)


def test_gradients_and_forces_agree_with_the_strain_operator():
    # Parts of kernels cannot be called from Python as they are.
    gradients, forces, strain_at, stress_into = (
        numba.njit(p.py_func) for p in (gauss.gradients, gauss.forces, gauss.strain_at, gauss.stress_into)
    )
    rng = np.random.default_rng(2)
    B = strain_operators(brick(SPACING, elasticity(0.3), b_bar=False).gradient)
    u = rng.standard_normal((3, 2, 2, 2))
    corners = np.array([u[:, a & 1, a >> 1 & 1, a >> 2 & 1] for a in range(8)]).ravel()
    scale, modes = -1 / (4 * SPACING), np.zeros((3, 8))
    grad, dual, force = np.zeros((3, 3, 4)), np.zeros((3, 3, 4)), np.zeros((3, 8))
    lines = lines_of(np.ones((1, 1, 1), dtype=bool))
    gradients(lines.from_box(u), lines.place, 0, 0, 0, scale, modes, grad)
    expected, strain = np.zeros(24), np.zeros(6)
    for point in range(8):
        strain_at(grad, point, strain)
        assert strain * [1, 1, 1, 2, 2, 2] == pytest.approx(B[point] @ corners, abs=1e-13)
        stress = rng.standard_normal(6)
        stress_into(dual, point, 0.3, stress)
        expected += 0.3 * B[point].T @ stress
    forces(dual, scale, force)
    assert force.T.ravel() == pytest.approx(expected, abs=1e-13)
