"""The secant schemes against the beam of Sas et al., whose table was computed by hand from the law."""

from __future__ import annotations

import numpy as np
import pytest

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


@pytest.fixture
def beam(make_block, make_material):
    """30 x 30 x 50 mm of trabecular bone of 0.5 g/cm³ between smooth platens, to 12 mm in increments of 0.025 mm.

    The stress is the same everywhere, so that one cell gives the force of their 15 x 15 x 25. More cells do too, until in the
    softening branch rounding decides which layer goes on: with one there is no choice.
    """
    rho = 0.5
    modulus, plateau, residual = 14900 * rho**1.86, 102 * rho**1.8, 43.1 * rho**1.81
    softening = 3 * modulus * -2080 * rho**1.45 / (15 * modulus + 12 * 2080 * rho**1.45)
    end_of_plateau = plateau / modulus + (0.00189 + 0.0241 * rho) * 15 / 3
    end_of_softening = end_of_plateau - (plateau - residual) / softening
    stress = [plateau, plateau, residual]
    plastic = [0.0, end_of_plateau - plateau / modulus, end_of_softening - residual / modulus]
    bar = make_block(size=(1, 1, 1), spacing=(30.0, 30.0, 50.0), strain=12 / 50, steps=480)
    return bar, make_material(bar.mesh.n_cells, modulus, 0.3, stress, plastic)


@pytest.mark.parametrize(("scheme", "column"), [("secant-converged", 1), ("secant-lagged", 2)])
def test_beam_table_to_its_digits(beam, native, scheme, column):
    bar, material = beam
    answer = native(bar.mesh, material, bar.load, scheme=scheme)
    for row in BEAM:
        at = int(np.argmin(np.abs(answer.displacement_mm - row[0])))
        assert answer.force_n[at] == pytest.approx(row[column], abs=0.06), f"at {row[0]} mm"
    peak = {"secant-converged": 26362.6, "secant-lagged": 28120.1}[scheme]
    assert answer.force_n.max() == pytest.approx(peak, abs=0.06)
    assert set(answer.end.phase) == {3}


def test_confined_secant_is_capped_where_plasticity_is_not(make_block, make_material, native):
    """In uniaxial strain: at most 1.75 times yield with secant moduli (nu = 0.3), the bulk modulus for ever with plasticity."""
    bar = make_block(confined=True, strain=0.1, steps=10)
    material = make_material(bar.mesh.n_cells, stress=8.0)
    secant = native(bar.mesh, material, bar.load, scheme="secant-converged")
    plastic = native(bar.mesh, material, bar.load, scheme="plastic")
    assert secant.force_n[-1] == pytest.approx(1.75 * 8.0 * bar.area_mm2, rel=1e-5)
    bulk = 1000 / (3 * 0.4)
    assert plastic.force_n[-1] == pytest.approx((bulk * 0.1 + 2 / 3 * 8.0) * bar.area_mm2, rel=1e-5)


def test_converged_scheme_softens_a_bar_of_uneven_strength(make_block, make_material, native):
    """The weakest layer softens alone while the others unload: the force follows that layer's curve."""
    bar = make_block(size=(1, 1, 4), strain=0.03, steps=30)
    n = bar.mesh.n_cells
    material = make_material(n, 1000.0, 0.0, [8.0, 4.0], [0.0, 0.05])
    weak = bar.mesh.lattice.cell_index[:, 2] == 1
    material.stress_mpa[weak] *= 0.9
    answer = native(bar.mesh, material, bar.load, scheme="secant-converged")
    # in series: total elongation = sum of layer strains at one stress; the weak layer alone is past its peak of 7.2
    for u, force in zip(answer.displacement_mm, answer.force_n, strict=True):
        if u <= 4 * 7.2 / 1000:
            assert force == pytest.approx(1000 * u / 4, rel=1e-5, abs=1e-6)
        else:
            # weak layer: sigma = 7.2 - h (e - 0.0072) down to 3.6, with e = u - 3 sigma / 1000 left by the other layers
            h = 3.6 / (0.05 + 0.0036 - 0.0072)
            sigma = max(3.6, (7.2 - h * (u - 0.0072)) / (1 - 3 * h / 1000))
            assert force == pytest.approx(sigma, rel=1e-4)


def test_a_run_stops_below_its_peak_when_asked(beam, native):
    bar, material = beam
    answer = native(bar.mesh, material, bar.load, scheme="secant-converged", stop_below_peak=0.8)
    assert answer.force_n[-1] < 0.8 * answer.force_n.max() < answer.force_n[-2] * 1.01
    assert "stopped as asked" in answer.stop_reason
