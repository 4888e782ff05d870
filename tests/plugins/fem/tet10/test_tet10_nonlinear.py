"""Plasticity and secant schemes on quadratic tetrahedra against closed forms and the beam of Sas et al."""

from __future__ import annotations

import numpy as np
import pytest


def test_free_bar_flows_at_its_yield_stress(make_tets, make_material, platens, native):
    mesh = make_tets(jiggle=0.3)
    answer = native(mesh, make_material(mesh.n_cells, stress=8.0), platens(mesh, steps=5))
    strain = np.linspace(0, 0.02, 6)
    assert answer.force_n == pytest.approx(np.minimum(1000 * strain, 8.0) * 4, rel=1e-5)
    assert answer.end.equivalent_plastic_strain == pytest.approx(0.02 - 0.008, abs=1e-6)
    assert answer.end.equivalent_strain == pytest.approx(0.02, abs=1e-6)
    assert answer.end.equivalent_stress_mpa == pytest.approx(8.0, rel=1e-6)
    assert (answer.end.phase == 1).all()


def test_confined_bar_goes_on_with_its_bulk_modulus(make_tets, make_material, platens, native):
    mesh = make_tets(jiggle=0.3)
    answer = native(mesh, make_material(mesh.n_cells, stress=8.0), platens(mesh, 0.04, 5, confined=True))
    assert answer.force_n[-1] == pytest.approx((1000 / 1.2 * 0.04 + 2 / 3 * 8.0) * 4, rel=1e-5)


def test_curve_of_straight_pieces_is_followed_up(make_tets, make_material, platens, native):
    mesh = make_tets(jiggle=0.2)
    stress, plastic = np.array([8.0, 12.0, 15.0]), np.array([0.0, 0.01, 0.05])
    material = make_material(mesh.n_cells, stress=stress, plastic_strain=plastic)
    answer = native(mesh, material, platens(mesh, 0.08, 16))
    expected = np.interp(np.linspace(0, 0.08, 17), [0, *(plastic + stress / 1000), 1], [0, *stress, 15.0])
    assert answer.force_n == pytest.approx(4 * expected, rel=1e-5)
    assert (answer.end.phase == 3).all()


def test_rough_platens_give_a_limit_load(make_tets, make_material, platens, native):
    """Quadratic tetrahedra with four points do not lock: between bonded platens the curve becomes flat."""
    mesh = make_tets(size=(4, 4, 2))
    answer = native(mesh, make_material(mesh.n_cells, stress=5.0), platens(mesh, 0.06, 6, bonded=True))
    slope = np.diff(answer.force_n)
    assert slope[-1] < 0.03 * slope[0]
    assert answer.force_n[-1] > 5.0 * 16


def test_a_curve_that_was_walked_in_one_step_ends_in_the_same_place(make_tets, make_material, platens, native):
    """Proportional loading: radial return is exact whatever the size of the step."""
    mesh = make_tets(size=(1, 1, 1))
    material = make_material(mesh.n_cells, stress=8.0)
    one, ten = (native(mesh, material, platens(mesh, 0.03, steps, confined=True)) for steps in (1, 10))
    assert one.force_n[-1] == pytest.approx(ten.force_n[-1], rel=1e-6)


# Displacement in mm, exact force, force of the lagged scheme with increments of 0.025 mm, in N.
BEAM = [
    (0.250, 18470.7, 18470.7),
    (0.350, 25859.0, 25859.0),
    (0.375, 26362.6, 27706.0),
    (0.400, 26362.6, 28120.1),
    (0.500, 26362.6, 27750.1),
    (1.0, 26362.6, 27038.6),
    (2.0, 26362.6, 26696.3),
    (4.0, 25985.1, 26208.6),
    (6.0, 21211.8, 21360.5),
    (8.0, 16438.6, 16550.0),
    (12.0, 11062.6, 11085.7),
]


@pytest.mark.parametrize(("scheme", "column"), [("secant-converged", 1), ("secant-lagged", 2)])
def test_beam_table_to_its_digits(make_tets, make_material, platens, native, scheme, column):
    """30 x 30 x 50 mm of trabecular bone of 0.5 g/cm³ between smooth platens, to 12 mm in increments of 0.025 mm."""
    rho = 0.5
    modulus, plateau, residual = 14900 * rho**1.86, 102 * rho**1.8, 43.1 * rho**1.81
    softening = 3 * modulus * -2080 * rho**1.45 / (15 * modulus + 12 * 2080 * rho**1.45)
    end_of_plateau = plateau / modulus + (0.00189 + 0.0241 * rho) * 15 / 3
    end_of_softening = end_of_plateau - (plateau - residual) / softening
    plastic = [0.0, end_of_plateau - plateau / modulus, end_of_softening - residual / modulus]
    mesh = make_tets(size=(1, 1, 1), spacing=(30.0, 30.0, 50.0))
    material = make_material(mesh.n_cells, modulus, 0.3, [plateau, plateau, residual], plastic)
    answer = native(mesh, material, platens(mesh, 12 / 50, 480), scheme=scheme)
    for row in BEAM:
        at = int(np.argmin(np.abs(answer.displacement_mm - row[0])))
        assert answer.force_n[at] == pytest.approx(row[column], abs=0.06), f"at {row[0]} mm"
    assert set(answer.end.phase) == {3}


def test_confined_secant_is_capped(make_tets, make_material, platens, native):
    mesh = make_tets(jiggle=0.2)
    material = make_material(mesh.n_cells, stress=8.0)
    answer = native(mesh, material, platens(mesh, 0.1, 10, confined=True), scheme="secant-converged")
    assert answer.force_n[-1] == pytest.approx(1.75 * 8.0 * 4, rel=1e-5)
