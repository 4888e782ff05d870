"""Failure criteria on curves in closed form."""

from __future__ import annotations

import numpy as np
import pytest

from culmann.data import Fields, Grid, Response
from culmann.errors import InputError
from culmann.voxels import hexahedra
from culmann_strength.criteria import (
    ForceAtStrainConfig,
    PeakForceConfig,
    StiffnessRuleConfig,
    force_at_strain,
    peak_force,
    stiffness_rule,
)

HEIGHT, STIFFNESS, PLATEAU = 30.0, 20000.0, 6000.0


def response(displacement: np.ndarray, force: np.ndarray, stop_reason: str = "") -> Response:
    mesh = hexahedra(Grid((1, 1, 1), (1.0, 1.0, 1.0)), np.ones((1, 1, 1), dtype=int), {})
    cell = np.zeros(1)
    fields = Fields(np.zeros((8, 3)), cell, cell, cell, cell)
    return Response(mesh, displacement, force, HEIGHT, fields, fields, {}, stop_reason)


def bilinear(last_mm: float, points: int) -> Response:
    """Elastic, then perfectly plastic."""
    u = np.linspace(0, last_mm, points)
    return response(u, np.minimum(STIFFNESS * u, PLATEAU))


def test_the_force_at_a_strain_lies_on_the_straight_line_between_two_points():
    u = np.array([0.0, 0.2, 0.5, 0.7])
    f = np.array([0.0, 2000.0, 3500.0, 3000.0])
    # 1.9 % of 30 mm are 0.57 mm, 35 % of the way from 0.5 to 0.7.
    found = force_at_strain(response(u, f), ForceAtStrainConfig())
    assert found.failure_load_n == pytest.approx(3500 - 0.35 * 500)
    assert (found.displacement_mm, found.strain, found.stiffness_n_mm) == pytest.approx((0.57, 0.019, 10000))
    assert found.criterion == "force at 1.9 % of the height"
    assert found.caveats == ()
    assert force_at_strain(response(u, f), ForceAtStrainConfig(strain=0.005)).failure_load_n == pytest.approx(1500)


def test_a_load_case_that_ends_at_the_strain_is_long_enough():
    u = 0.019 * HEIGHT * np.arange(1, 11) / 10 * (1 - 1e-15)
    full = response(np.concatenate([[0.0], u]), np.concatenate([[0.0], np.minimum(STIFFNESS * u, PLATEAU)]))
    assert force_at_strain(full, ForceAtStrainConfig()).failure_load_n == pytest.approx(PLATEAU)


def test_a_curve_that_ends_too_early():
    u = np.array([0.0, 0.3])
    short = response(u, 10000 * u, "no convergence in step 6")
    with pytest.raises(InputError, match=r"ends at 1 % of the height, before 1.9 %: no convergence in step 6"):
        force_at_strain(short, ForceAtStrainConfig())
    last = force_at_strain(short, ForceAtStrainConfig(if_shorter="last"))
    assert (last.failure_load_n, last.strain) == pytest.approx((3000, 0.01))
    assert last.criterion == "force at the end of the curve, 1 % of the height"
    assert "no convergence" in last.caveats[0]


def test_the_peak():
    u = np.array([0.0, 0.2, 0.4, 0.6])
    found = peak_force(response(u, np.array([0, 4000.0, 4500.0, 3000.0])), PeakForceConfig())
    assert (found.failure_load_n, found.displacement_mm, found.strain) == pytest.approx((4500, 0.4, 0.4 / 30))
    assert found.caveats == ()
    rising = peak_force(response(u, 10000 * u, "cut off"), PeakForceConfig())
    assert rising.failure_load_n == pytest.approx(6000)
    assert "still rising when the curve ended at 2 % of the height" in rising.caveats[0]
    assert "cut off" in rising.caveats[0]


def test_a_plateau_counts_from_its_first_point():
    found = peak_force(bilinear(1.0, 11), PeakForceConfig())
    assert found.displacement_mm == pytest.approx(0.3)
    assert found.caveats == ()


@pytest.mark.parametrize(("slope", "rising"), [(0.005, False), (0.02, True)])
def test_a_plateau_that_creeps_upwards_is_no_rise(slope, rising):
    u = np.linspace(0, 1, 11)
    creeping = np.minimum(STIFFNESS * u, PLATEAU + slope * STIFFNESS * (u - PLATEAU / STIFFNESS))
    assert bool(peak_force(response(u, creeping), PeakForceConfig()).caveats) is rising


@pytest.mark.parametrize("points", [2, 11])
def test_crawfords_rule_needs_a_linear_run_only(points):
    u = np.linspace(0, 0.2, points)
    found = stiffness_rule(response(u, STIFFNESS * u), StiffnessRuleConfig())
    assert found.failure_load_n == pytest.approx(0.0068 * STIFFNESS * HEIGHT)
    assert (found.strain, found.displacement_mm) == pytest.approx((0.0068, 0.0068 * HEIGHT))
    assert stiffness_rule(bilinear(1.0, 21), StiffnessRuleConfig(apparent_strain=0.01)).failure_load_n == pytest.approx(6000)


def test_loads_that_no_bone_bears_get_a_caveat():
    u = np.linspace(0, 1, 3)
    for scale, load in ((400.0, "400 N"), (16000.0, "1.6e+04 N")):
        (caveat,) = stiffness_rule(response(u, scale / 0.0068 / HEIGHT * u), StiffnessRuleConfig()).caveats
        assert caveat.startswith(f"a failure load of {load} is outside")
    assert stiffness_rule(response(u, u), StiffnessRuleConfig(plausible_n=None)).caveats == ()


@pytest.mark.parametrize("load", [83000.0, 160.0, -700.0])
def test_loads_beyond_doubt_are_refused(load):
    u = np.linspace(0, 1, 3)
    curve = response(u, load / 0.0068 / HEIGHT * u)
    with pytest.raises(InputError, match="outside the range of 500 to 15000 N by more than a factor of 3") as error:
        stiffness_rule(curve, StiffnessRuleConfig())
    assert "`plausible_n`" in error.value.hint
    assert stiffness_rule(curve, StiffnessRuleConfig(plausible_n=None)).failure_load_n == pytest.approx(load)


def test_a_curve_without_a_point_is_refused():
    with pytest.raises(InputError, match="no point besides the origin"):
        peak_force(response(np.zeros(1), np.zeros(1)), PeakForceConfig())


def test_the_failure_load_in_body_weights_when_the_mass_is_given():
    answer = response(np.array([0, 0.1, 0.2]), np.array([0.0, 900, 1500]))
    found = peak_force(answer, PeakForceConfig(body_mass_kg=75))
    assert found.body_weights == pytest.approx(1500 / (75 * 9.80665))
    assert peak_force(answer, PeakForceConfig()).body_weights is None
