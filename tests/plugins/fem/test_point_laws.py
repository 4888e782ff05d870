"""Stress updates at single points: against scipy's minimiser, finite differences, and each other."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize
from scipy.spatial.transform import Rotation

from culmann import Materials, Orthotropy
from culmann_fem.hexahedron import elasticity
from culmann_fem.point_laws import MISES, CurveLaw, equivalent_stress, turning
from culmann_fem.slabs import Slabs

BONE = Orthotropy((1 / 3, 1 / 3, 1.0), (0.121, 0.157, 0.157), (0.11, 0.11, 0.11)).stiffness()
HOOKE = elasticity(0.3)
PERFECT = ([8.0], [0.0])
CURVE = ([8.0, 12.0, 12.0, 3.0], [0.0, 0.01, 0.03, 0.06])


class Point:
    """One point of a law, in a world without elements."""

    def __init__(self, criterion, C, curve=PERFECT, modulus=1000.0):
        row = np.array(curve)[:, None, :]
        materials = Materials(np.array([modulus]), np.array([0.3]), row[0], row[1], np.array([0.3]), criterion)
        points = SimpleNamespace(shape=(1, 1), source=np.arange(1), slabs=Slabs(np.ones(1, int), 1))
        points.begin = lambda cells: np.array([0, len(cells)])
        self.C, self.law = modulus * C, CurveLaw(points, np.arange(1), materials, C)

    def __call__(self, strain, *, keep=False):
        """Stress, tangent, whether it yields."""
        lost, upper, active = np.zeros((1, 1, 6)), np.zeros((1, 1, 21)), np.zeros((1, 1), dtype=bool)
        self.law.respond(np.array(strain, dtype=float)[None, None], lost, upper, active, keep=keep)
        tangent = self.C.copy()
        if active[0, 0]:
            rows, columns = np.triu_indices(6)
            tangent[rows, columns] -= upper[0, 0]
            tangent[columns, rows] = tangent[rows, columns]
        return self.C @ strain - lost[0, 0], tangent, bool(active[0, 0])


def turned_stress(principal, rotation):
    V = rotation.as_matrix()
    s = V @ np.diag(principal) @ V.T
    return np.array([s[0, 0], s[1, 1], s[2, 2], s[0, 1], s[1, 2], s[2, 0]])


principals = st.tuples(*[st.floats(-40, 40)] * 3)
rotations = st.tuples(*[st.floats(-2, 2)] * 3).map(Rotation.from_rotvec)


def closest(trial, C, inside, start):
    """The admissible stress at the least distance from a trial one, in the norm of the complementary energy."""
    S = np.linalg.inv(C)
    L = np.linalg.cholesky(S)
    found = minimize(
        lambda s: np.sum((L.T @ (s - trial)) ** 2),
        start,
        jac=lambda s: 2 * S @ (s - trial),
        constraints={"type": "ineq", "fun": inside},
        method="SLSQP",
        options={"ftol": 1e-16, "maxiter": 500},
    )
    return found.x


@settings(max_examples=60, deadline=None)
@given(principals, rotations)
def test_tresca_returns_to_the_closest_point_of_the_hexagon(principal, rotation):
    trial = turned_stress(principal, rotation)
    stress, _, yields = Point("tresca", HOOKE)(np.linalg.solve(1000 * HOOKE, trial))
    pairs = np.array([[1, -1, 0], [-1, 1, 0], [0, 1, -1], [0, -1, 1], [1, 0, -1], [-1, 0, 1]])
    start = np.full(3, np.mean(principal))
    expected = closest(np.array(principal), 1000 * HOOKE[:3, :3], lambda s: 8.0 - pairs @ s, start)
    assert stress == pytest.approx(turned_stress(expected, rotation), abs=2e-6)
    assert yields == (np.ptp(principal) > 8.0)


@settings(max_examples=40, deadline=None)
@given(st.tuples(*[st.floats(-40, 40)] * 6), st.sampled_from([BONE, HOOKE]))
def test_mises_returns_to_the_closest_point_of_the_ellipsoid(trial, C):
    trial = np.array(trial)
    stress, _, _ = Point("von-mises", C)(np.linalg.solve(1000 * C, trial))
    start = np.array([1.0, 1, 1, 0, 0, 0]) * trial[:3].mean()
    expected = closest(trial, 1000 * C, lambda s: (64 - s @ MISES @ s) / 64, start)
    assert stress == pytest.approx(expected, abs=2e-4)
    assert equivalent_stress(stress, "von-mises") <= 8 * (1 + 1e-12)


strains = st.tuples(*[st.floats(-0.05, 0.05)] * 6).map(np.array)


@settings(max_examples=150, deadline=None)
@given(
    st.sampled_from([("tresca", HOOKE), ("von-mises", HOOKE), ("von-mises", BONE)]),
    st.sampled_from([PERFECT, CURVE]),
    strains,
    strains,
    st.sampled_from([None, 0.0, 1e-6, 1e-3]),
)
def test_the_tangent_is_the_derivative_of_the_stress(law, curve, before, strain, apart):
    """After an increment of plastic flow, and for Tresca also with two strains (nearly) the same, beside a corner."""
    point = Point(*law, curve)
    point(before, keep=True)
    if apart is not None:
        strain = np.array([strain[0], strain[1], strain[1] + apart, strain[3] * apart, 0, 0])
    stress, tangent, _ = point(strain)
    h = 1e-8
    for direction in np.eye(6):
        ahead = (point(strain + h * direction)[0] - stress) / h
        behind = (stress - point(strain - h * direction)[0]) / h
        scale = np.abs(point.C).max()
        if np.abs(ahead - behind).max() < 1e-4 * scale:  # not at a kink of the curve, or at the edge of the hexagon
            assert tangent @ direction == pytest.approx((ahead + behind) / 2, abs=2e-4 * scale)


@pytest.mark.parametrize("curve", [PERFECT, CURVE])
def test_uniaxial_stress_follows_the_curve_in_both_criteria(curve):
    """Pulled along an oblique axis in steps, with the lateral strains that keep the sides free of stress."""
    V = Rotation.from_rotvec([0.4, -0.3, 1.0])
    along, across = turned_stress([1, 0, 0], V), turned_stress([0, 1, 1], V)
    double = np.array([1, 1, 1, 2, 2, 2])
    for criterion in ("tresca", "von-mises"):
        point, kappa = Point(criterion, HOOKE, curve), 0.0
        for total in np.linspace(0.001, 0.09, 60):
            stress_on_curve = np.interp(
                total, np.array([0, *np.add(curve[1], np.array(curve[0]) / 1000), 1]), [0, *curve[0], curve[0][-1]]
            )
            kappa = total - stress_on_curve / 1000
            lateral = -0.3 * stress_on_curve / 1000 - kappa / 2
            stress, _, _ = point((along * total + across * lateral) * double, keep=True)
            assert stress == pytest.approx(along * stress_on_curve, abs=1e-9)


def test_mises_by_the_ellipsoid_is_the_radial_return():
    """Perfect plasticity and Hooke's law: the deviator scaled back."""
    strain = np.array([0.02, -0.01, 0.003, 0.01, -0.02, 0.015])
    stress, _, _ = Point("von-mises", HOOKE)(strain)
    trial = 1000 * HOOKE @ strain
    mean = trial[:3].mean() * np.array([1, 1, 1, 0, 0, 0])
    assert stress == pytest.approx(mean + (trial - mean) * 8 / equivalent_stress(trial, "von-mises"), abs=1e-12)


def test_equivalent_stresses_are_those_of_the_principal_stresses():
    stress = np.random.default_rng(8).standard_normal((50, 6))
    stress[0], stress[1] = 0, [-3.0, 0, 0, 0, 0, 0]
    a, b, c = np.linalg.eigvalsh(stress[:, [[0, 3, 5], [3, 1, 4], [5, 4, 2]]]).T
    assert equivalent_stress(stress, "tresca") == pytest.approx(c - a, abs=1e-7)
    mises = np.sqrt(((a - b) ** 2 + (b - c) ** 2 + (c - a) ** 2) / 2)
    assert equivalent_stress(stress, "von-mises") == pytest.approx(mises, abs=1e-12)


def test_turning_keeps_principal_stresses_and_work():
    axes = Rotation.from_rotvec([0.2, 0.9, -0.4]).as_matrix()
    T = turning(axes)
    stress, strain = np.array([3.0, -1, 2, 0.5, 0.7, -0.2]), np.array([1.0, 2, -1, 0.4, 0.1, 0.9])
    assert equivalent_stress(T @ stress, "tresca") == pytest.approx(equivalent_stress(stress, "tresca"))
    assert (T @ stress) @ np.linalg.solve(T.T, strain) == pytest.approx(stress @ strain)
    pull = turned_stress([1, 0, 0], Rotation.from_matrix(axes.T))
    assert T @ pull == pytest.approx([1, 0, 0, 0, 0, 0], abs=1e-14)
