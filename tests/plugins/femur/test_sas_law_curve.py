"""The curve of Sas et al. against its printed digits, and the scaling to an element size against two springs in series."""

from __future__ import annotations

import numpy as np
import pytest

from culmann_femur.sas_curve import SasCurve, density_of_modulus, sas_curve

#: rho, E, S, eps_A %, eps_AB %, Ep, sigma_min, eps_C % of trabecular bone at h = 3 mm.
TRABECULAR = [
    (0.05, 56.66, 0.464, 0.819, 1.548, -3.91, 0.190, 9.370),
    (0.10, 205.68, 1.617, 0.786, 2.150, -11.47, 0.668, 11.211),
    (0.20, 746.62, 5.629, 0.754, 3.355, -33.16, 2.341, 14.026),
    (0.30, 1587.20, 11.679, 0.736, 4.560, -61.37, 4.876, 16.382),
    (0.40, 2710.30, 19.602, 0.723, 5.765, -94.77, 8.207, 18.513),
    (0.50, 4104.5966, 29.2918, 0.7136, 6.970, -132.5905, 12.2917, 20.5051),
    (0.60, 5761.66, 40.670, 0.706, 8.175, -174.34, 17.097, 22.402),
    (0.80, 9838.61, 68.259, 0.694, 10.585, -268.19, 28.779, 26.000),
    (1.00, 14900.00, 102.000, 0.685, 12.995, -374.21, 43.100, 29.419),
    (1.20, 20915.27, 141.621, 0.677, 15.405, -491.00, 59.951, 32.715),
]
#: rho, Ep, eps_AB %, eps_C % of cortical bone at h = 3 mm.
CORTICAL = [
    (0.3, -479.23, 2.567, 4.722),
    (0.5, -546.72, 2.233, 6.056),
    (0.8, -576.56, 1.733, 9.275),
    (1.0, -584.31, 1.400, 12.165),
    (1.2, -588.74, 1.067, 15.616),
]


def curve(rho: float, length_mm: float = 3.0, *, cortical: bool, **options: bool) -> SasCurve:
    return sas_curve(np.array([rho]), np.array([cortical]), np.array([length_mm]), **options)


def digits(value: float) -> float:
    """Half a unit of the last digit of a printed value."""
    text = f"{value!r}"
    return 0.5001 * 10.0 ** -len(text.partition(".")[2])


@pytest.mark.parametrize(("rho", "modulus", "plateau", "eps_a", "eps_ab", "softening", "residual", "eps_c"), TRABECULAR)
def test_trabecular_digits(rho, modulus, plateau, eps_a, eps_ab, softening, residual, eps_c):
    said = curve(rho, cortical=False)
    assert said.youngs_modulus_mpa[0] == pytest.approx(modulus, abs=max(0.005, digits(modulus)) if rho != 0.5 else 5e-5)
    assert said.plateau_mpa[0] == pytest.approx(plateau, abs=5.01e-4)
    assert 100 * said.yield_strain[0] == pytest.approx(eps_a, abs=5.01e-4)
    assert 100 * said.plateau_strain[0] == pytest.approx(eps_ab, abs=5.01e-4)
    assert said.softening_mpa[0] == pytest.approx(softening, abs=5.01e-3)
    assert said.residual_mpa[0] == pytest.approx(residual, abs=5.01e-4)
    assert 100 * said.residual_strain[0] == pytest.approx(eps_c, abs=5.01e-4)


@pytest.mark.parametrize(("rho", "softening", "eps_ab", "eps_c"), CORTICAL)
def test_cortical_digits(rho, softening, eps_ab, eps_c):
    said = curve(rho, cortical=True)
    assert said.softening_mpa[0] == pytest.approx(softening, abs=5.01e-3)
    assert 100 * said.plateau_strain[0] == pytest.approx(eps_ab, abs=5.01e-4)
    assert 100 * said.residual_strain[0] == pytest.approx(eps_c, abs=5.01e-4)
    other = curve(rho, cortical=False)
    for common in ("youngs_modulus_mpa", "plateau_mpa", "residual_mpa"):
        assert getattr(said, common) == getattr(other, common)


@pytest.mark.parametrize(
    ("cortical", "gauge", "slope", "plateau"), [(False, 15.0, -761.325, 0.01394), (True, 5.0, -1000, 0.0134)]
)
def test_at_the_length_of_its_specimen_the_law_is_that_of_the_specimen(cortical, gauge, slope, plateau):
    said = curve(0.5, gauge, cortical=cortical)
    assert said.softening_mpa[0] == pytest.approx(slope, rel=1e-6)
    assert said.plateau_strain[0] == pytest.approx(plateau, rel=1e-12)


@pytest.mark.parametrize("cortical", [False, True])
@pytest.mark.parametrize("length_mm", [0.5, 1.0, 2.0, 3.0, 5.0])
@pytest.mark.parametrize("rho", [0.1, 0.5, 1.1])
def test_one_softening_element_in_an_elastic_specimen_elongates_as_the_specimen_did(cortical, length_mm, rho):
    """The specimen of gauge length L, built from one element of length h that softens and a rest that stays elastic."""
    gauge = 5.0 if cortical else 15.0
    element, specimen = curve(rho, length_mm, cortical=cortical), curve(rho, gauge, cortical=cortical)
    for stress in np.linspace(specimen.residual_mpa[0], specimen.plateau_mpa[0], 5):

        def softened(said: SasCurve, stress: float = stress) -> float:
            fallen = (stress - said.plateau_mpa[0]) / said.softening_mpa[0]
            return float(said.yield_strain[0] + said.plateau_strain[0] + fallen)

        series = softened(element) * length_mm + stress / specimen.youngs_modulus_mpa[0] * (gauge - length_mm)
        assert series == pytest.approx(softened(specimen) * gauge, rel=1e-12)


def test_points_are_those_of_a_uniaxial_test():
    said = curve(0.5, cortical=False)
    stress, plastic = said.points()
    total = plastic + stress / said.youngs_modulus_mpa[:, None]
    assert stress[0] == pytest.approx([29.2918, 29.2918, 12.2917], abs=5e-5)
    assert 100 * total[0] == pytest.approx([0.7136, 0.7136 + 6.970, 20.5051], abs=1e-4)


def test_a_plateau_without_length_keeps_its_place_on_the_curve():
    for rho, options in ((1.9, {"cortical": True}), (0.02, {"cortical": False, "quoted_plateau": True})):
        _, plastic = curve(rho, **options).points()
        assert (np.diff(plastic[0]) > 0).all()
    assert curve(0.5, cortical=False, quoted_plateau=True).plateau_strain[0] == pytest.approx(0.03325)


def test_density_of_a_modulus():
    rho = density_of_modulus(205.68)
    assert rho == pytest.approx(0.1, rel=1e-4)
    assert curve(rho, cortical=False).youngs_modulus_mpa[0] == pytest.approx(205.68)
