"""Von Mises plasticity in the native solver against closed forms."""

from __future__ import annotations

import numpy as np
import pytest

from culmann.journal import QuietJournal
from culmann_fem.native import NativeSolverConfig, native_solver


@pytest.mark.parametrize("integration", ["b-bar", "full"])
def test_free_bar_flows_at_its_yield_stress(make_block, make_material, native, integration):
    bar = make_block(strain=0.02, steps=5)
    answer = native(bar.mesh, make_material(bar.mesh.n_cells, stress=8.0), bar.load, integration=integration)
    strain = np.linspace(0, 0.02, 6)
    assert answer.force_n == pytest.approx(np.minimum(1000 * strain, 8.0) * bar.area_mm2, rel=1e-5)
    assert answer.end.equivalent_plastic_strain == pytest.approx(0.02 - 0.008, abs=1e-6)
    assert answer.end.equivalent_strain == pytest.approx(0.02, abs=1e-6)
    assert (answer.end.phase == 1).all()


def test_confined_bar_goes_on_with_its_bulk_modulus(make_block, make_material, native):
    bar = make_block(confined=True, strain=0.04, steps=5)
    answer = native(bar.mesh, make_material(bar.mesh.n_cells, stress=8.0), bar.load)
    bulk = 1000 / (3 * 0.4)
    assert answer.force_n[-1] == pytest.approx((bulk * 0.04 + 2 / 3 * 8.0) * bar.area_mm2, rel=1e-5)


def test_curve_of_straight_pieces_is_followed_up_and_down(make_block, make_material, native):
    bar = make_block(size=(1, 1, 1), strain=0.1, steps=50)
    stress, plastic = np.array([8.0, 12.0, 12.0, 3.0]), np.array([0.0, 0.01, 0.03, 0.06])
    answer = native(bar.mesh, make_material(1, stress=stress, plastic_strain=plastic), bar.load)
    strain = np.linspace(0, 0.1, 51)
    expected = np.interp(strain, [0, *(plastic + stress / 1000), 1], [0, *stress, 3.0])
    assert answer.force_n == pytest.approx(expected, abs=1e-4)
    assert answer.stop_reason == ""
    assert answer.end.phase[0] == 4
    assert answer.peak.equivalent_stress_mpa[0] == pytest.approx(12.0, rel=1e-6)


def test_steps_do_not_change_where_a_perfectly_plastic_bar_ends(make_block, make_material, native):
    for steps in (1, 3, 10):
        bar = make_block(strain=0.03, steps=steps, bonded=True)
        answer = native(bar.mesh, make_material(bar.mesh.n_cells, stress=8.0), bar.load)
        if steps == 1:
            reference = answer.force_n[-1]
        assert answer.force_n[-1] == pytest.approx(reference, rel=2e-3)


def test_full_integration_locks_where_b_bar_does_not(make_block, make_material, native):
    """Between bonded platens the curve of B-bar becomes flat at the limit load; that of full integration still rises."""
    slope = {}
    for integration in ("b-bar", "full"):
        slab = make_block(size=(6, 6, 4), strain=0.06, steps=6, bonded=True)
        answer = native(slab.mesh, make_material(slab.mesh.n_cells, stress=5.0), slab.load, integration=integration)
        slope[integration] = (answer.force_n[-1] - answer.force_n[-2]) / (answer.force_n[1] - answer.force_n[0])
    assert slope["b-bar"] < 0.01
    assert slope["full"] > 5 * slope["b-bar"]


def test_linear_scheme_ignores_yielding_and_says_so(make_block, make_material):
    bar, journal = make_block(), QuietJournal()
    material = make_material(bar.mesh.n_cells, stress=1.0)
    answer = native_solver(bar.mesh, material, bar.load, NativeSolverConfig(scheme="linear"), journal)
    assert "no cell yields" in journal.warnings[0]
    assert np.array_equal(answer.cells["youngs_modulus_mpa"], material.youngs_modulus_mpa)
    assert answer.force_n == pytest.approx([0, 1000 * 0.02 * bar.area_mm2], rel=1e-6)
