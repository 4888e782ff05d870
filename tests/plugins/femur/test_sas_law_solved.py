"""sas-femur through the native solver: the beam of Sas et al., and what must be stronger than what."""

from __future__ import annotations

import numpy as np
import pytest

from culmann import DensityMap, Materials, Mesh
from culmann.journal import QuietJournal
from culmann_femur.sas import SasFemurConfig, sas_femur


def law(given: tuple[Mesh, DensityMap], **options: object) -> Materials:
    return sas_femur(*given, SasFemurConfig(**options), QuietJournal())


@pytest.mark.parametrize(
    ("scheme", "peak_n", "at_mm", "rows"),
    [
        ("secant-lagged", 28120.1, 0.400, [(0.375, 27706.0), (0.5, 27750.1), (1.0, 27038.6), (2.0, 26696.3), (4.0, 26208.6)]),
        ("secant-converged", 26362.6, None, [(0.350, 25859.0), (0.375, 26362.6), (2.0, 26362.6), (4.0, 25985.1)]),
    ],
)
def test_the_beam_of_sas(make_bone, compress, scheme, peak_n, at_mm, rows):
    """30 x 30 x 50 mm of trabecular bone of 0.5 g/cm³ to 4 mm, in increments of 0.025 mm; exact because it is homogeneous."""
    beam = make_bone(np.full((1, 1, 1), 0.5), (30.0, 30.0, 50.0))
    answer = compress(beam[0], law(beam), 4.0, 0.025, scheme=scheme)
    assert answer.force_n.max() == pytest.approx(peak_n, abs=0.06)
    if at_mm is not None:
        assert answer.displacement_mm[np.argmax(answer.force_n)] == pytest.approx(at_mm)
    for u, force in rows:
        assert answer.force_n[np.argmin(np.abs(answer.displacement_mm - u))] == pytest.approx(force, abs=0.06)


def test_the_beam_of_sas_in_its_own_voxels(make_bone, compress):
    """Their 15 x 15 x 25 voxels of 2 mm up to the peak: the average over neighbours leaves an even density alone."""
    beam = make_bone(np.full((25, 15, 15), 0.5), 2.0)
    answer = compress(beam[0], law(beam), 0.5, 0.025, scheme="secant-lagged")
    assert answer.force_n.max() == pytest.approx(28120.1, abs=0.06)
    assert answer.force_n[-1] == pytest.approx(27750.1, abs=0.06)


def test_denser_and_perfectly_plastic_bone_is_stronger(make_bone, compress):
    """An uneven block with thin dense walls, squeezed until its walls soften."""
    rng = np.random.default_rng(7)
    rho = rng.uniform(0.1, 0.4, (8, 6, 6))
    rho[:, 0], rho[3:5, 0] = 0.9, 0.65

    def peak(factor: float = 1.0, **options: object) -> float:
        given = make_bone(factor * rho, 2.0)
        materials = law(given, averaging_fwhm_mm=0, **options)
        return float(compress(given[0], materials, 0.5, 0.1, residual_tolerance=1e-4, stop_below_peak=0.95).force_n.max())

    softening = peak()
    assert peak(1.01) > softening * 1.005
    assert peak(variant="perfectly-plastic") > softening * 1.005
    assert peak(cortical_above_g_cm3=None) > softening
    plastic = peak(unloading="plastic")
    assert plastic > softening
    assert peak(variant="perfectly-plastic", unloading="plastic") > plastic


def test_the_lagged_scheme_goes_to_the_converged_one_as_its_increments_shrink(make_bone, compress):
    """Its excess over the peak is proportional to the increment: two increments extrapolate to the converged peak."""
    rng = np.random.default_rng(7)
    given = make_bone(rng.uniform(0.1, 0.4, (8, 4, 4)), 2.0)
    materials = law(given)

    def peak(increment_mm: float, scheme: str) -> float:
        return float(compress(given[0], materials, 0.24, increment_mm, scheme=scheme).force_n.max())

    converged = peak(0.04, "secant-converged")
    coarse, fine = (peak(increment, "secant-lagged") for increment in (0.006, 0.003))
    assert coarse > 1.02 * converged
    assert 2 * fine - coarse == pytest.approx(converged, rel=1e-3)
