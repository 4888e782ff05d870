"""CalculiX through its plugin on bars whose answer is known, for every element, along any axis."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from culmann import InputError, Orthotropy, SolverError
from culmann.journal import QuietJournal
from culmann.testing.samples import elastic

pytestmark = pytest.mark.usefixtures("needs_ccx")

AREA, HEIGHT = 2.0 * 3.0, 6.0
ASKEW = Rotation.from_euler("xyz", [25, -40, 70], degrees=True).as_matrix()
TURNS = {"straight": None, "askew": ASKEW}


def with_curve(mesh, stress, plastic_strain, modulus=1000.0):
    n = mesh.n_cells
    base = elastic(mesh, np.full(n, modulus), 0.3)
    return replace(base, stress_mpa=np.tile(np.array(stress, float), (n, 1)), plastic_strain=np.tile(plastic_strain, (n, 1)))


def on_the_curve(strain, stress, plastic_strain, modulus=1000.0):
    """Uniaxial stress at a strain: total strains of the points are plastic strain + stress / E."""
    total = [0.0, *(p + s / modulus for s, p in zip(stress, plastic_strain, strict=True))]
    return np.interp(strain, total, [0.0, *stress])


@pytest.mark.parametrize("cell_type", ["hex8", "tet4", "tet10"])
@pytest.mark.parametrize("turn", TURNS.values(), ids=TURNS)
def test_elastic_bar(cell_type, turn, make_bar, solve):
    mesh, load = make_bar(cell_type, strain=0.01, turn=turn)
    response = solve(mesh, elastic(mesh, np.full(mesh.n_cells, 1000.0), 0.3), load)
    assert response.displacement_mm == pytest.approx([0, 0.01 * HEIGHT])
    assert response.force_n == pytest.approx([0, AREA * 10.0], rel=1e-5)
    assert response.end.equivalent_stress_mpa == pytest.approx(10.0, rel=1e-5)
    assert response.end.equivalent_strain == pytest.approx(0.01, rel=1e-5)
    assert response.stop_reason == ""
    # The end of the bar goes down and outwards: ν ε on a width of 2 mm and a depth of 3 mm.
    along = response.end.displacement_mm @ load.axes.T
    assert np.ptp(along, axis=0) == pytest.approx([0.3 * 0.01 * 2, 0.3 * 0.01 * 3, 0.01 * HEIGHT], rel=1e-4)


@pytest.mark.parametrize("turn", TURNS.values(), ids=TURNS)
def test_reactions_of_all_sets_balance_in_lps(turn, make_bar, solve):
    mesh, load = make_bar(turn=turn)
    response = solve(mesh, with_curve(mesh, [8.0], [0.0]), load)
    assert set(response.reactions_n) == set(load.prescribed)
    above, below = response.reactions_n["above"], response.reactions_n["below"]
    assert above == pytest.approx(np.outer(response.force_n, load.direction), abs=1e-3)
    assert above + below == pytest.approx(np.zeros((5, 3)), abs=1e-3)


@pytest.mark.parametrize("hexahedra", ["C3D8", "C3D8I", "C3D8R"])
@pytest.mark.parametrize(
    ("stress", "plastic_strain"),
    [([8.0], [0.0]), ([8.0, 9.0, 9.5], [0.0, 0.004, 0.01]), ([8.0, 6.0, 6.0], [0.0, 0.006, 1.0])],
    ids=["perfect", "hardening", "falling"],
)
def test_bar_follows_its_curve(hexahedra, stress, plastic_strain, make_bar, solve):
    mesh, load = make_bar(strain=0.02, steps=10)
    response = solve(mesh, with_curve(mesh, stress, plastic_strain), load, hexahedra=hexahedra)
    wanted = AREA * on_the_curve(0.02 * np.arange(11) / 10, stress, plastic_strain)
    assert response.force_n == pytest.approx(wanted, rel=1e-4)
    strain_at_end = 0.02 - wanted[-1] / AREA / 1000
    assert response.end.equivalent_plastic_strain == pytest.approx(strain_at_end, rel=1e-3)
    assert set(response.end.phase) == {1 + np.searchsorted(plastic_strain[1:], strain_at_end, side="right")}
    highest = int(np.flatnonzero(wanted >= wanted.max() * (1 - 1e-9))[-1])
    assert response.peak.equivalent_stress_mpa == pytest.approx(wanted[highest] / AREA, rel=1e-4)
    assert response.peak.displacement_mm[:, 2].min() == pytest.approx(-0.02 * HEIGHT * highest / 10, rel=1e-4)


def test_left_handed_axes_of_a_load(make_bar, solve):
    """A bar whose load is given along a mirrored frame, askew: the same force."""
    mesh, load = make_bar(strain=0.01, turn=ASKEW)
    mirrored = np.diag([1.0, -1.0, 1.0]) @ load.axes
    assert np.linalg.det(mirrored) < 0
    response = solve(mesh, elastic(mesh, np.full(mesh.n_cells, 1000.0), 0.3), replace(load, axes=mirrored))
    assert response.force_n[-1] == pytest.approx(AREA * 10.0, rel=1e-5)


@pytest.mark.parametrize("cell_type", ["tet4", "tet10"])
def test_bar_of_tetrahedra_yields(cell_type, make_bar, solve):
    mesh, load = make_bar(cell_type)
    response = solve(mesh, with_curve(mesh, [8.0], [0.0]), load)
    assert response.force_n[-1] == pytest.approx(8.0 * AREA, rel=1e-4)


@pytest.mark.parametrize("linear_solver", ["iterative-cholesky", "iterative-scaling"])
def test_iterative_solvers_are_held_to_the_balance_of_forces(linear_solver, make_bar, solve):
    mesh, load = make_bar(size=(4, 4, 6))
    materials = elastic(mesh, 10 ** np.random.default_rng(1).uniform(1, 4, mesh.n_cells), 0.3)
    response = solve(mesh, materials, load, linear_solver=linear_solver)
    referee = solve(mesh, materials, load, linear_solver="spooles")
    assert response.force_n == pytest.approx(referee.force_n, rel=1e-5)
    assert response.solver["scheme"] == "linear"
    assert response.solver["linear_solver"] == linear_solver
    assert not response.end.phase.any()


@pytest.mark.parametrize("turn", TURNS.values(), ids=TURNS)
def test_orthotropic_bar(turn, make_bar, solve):
    """Pulled along the third axis: E_z ε, and the sides move by ν_zx and ν_zy = ν_yz E_z / E_y."""
    mesh, load = make_bar(strain=0.01, turn=turn)
    bone = Orthotropy((0.4, 0.5, 1.2), (0.15, 0.2, 0.25), (0.3, 0.15, 0.35), load.axes)
    materials = replace(elastic(mesh, np.full(mesh.n_cells, 1000.0), 0.3), orthotropy=bone)
    response = solve(mesh, materials, load)
    assert response.force_n[-1] == pytest.approx(AREA * 12.0, rel=1e-5)
    along = np.ptp(response.end.displacement_mm @ load.axes.T, axis=0)
    assert along == pytest.approx([0.35 * 0.01 * 2, 0.15 * 1.2 / 0.5 * 0.01 * 3, 0.01 * HEIGHT], rel=1e-4)
    yielding = replace(materials, stress_mpa=np.full((mesh.n_cells, 1), 8.0), plastic_strain=np.zeros((mesh.n_cells, 1)))
    assert solve(mesh, yielding, load).force_n[-1] == pytest.approx(AREA * 8.0, rel=1e-4)


def test_orthotropic_bar_under_shear(make_bar, solve):
    """A block sheared in each plane in turn gives back the three shear moduli, so that their order is right."""
    mesh, load = make_bar(size=(1, 1, 1))
    bone = Orthotropy((0.4, 0.5, 1.2), (0.15, 0.2, 0.25), (0.3, 0.15, 0.35))
    materials = replace(elastic(mesh, np.full(mesh.n_cells, 1000.0), 0.3), orthotropy=bone)
    every = np.arange(mesh.n_points)
    size = np.ptp(mesh.points_mm, axis=0)
    for (i, j), modulus in (((0, 1), 150.0), ((1, 2), 200.0), ((0, 2), 250.0)):
        place = (mesh.points_mm[:, j] > mesh.points_mm[:, j].min()).astype(float)
        kinds = {}
        for moved in (0.0, 1.0):
            displacement = [0.0, 0.0, 0.0]
            displacement[i] = 0.01 * size[j] * moved
            nodes = every[place == moved]
            kinds[f"moved-{moved}"] = replace(load.prescribed["above"], nodes=nodes, displacement_mm=tuple(displacement))
        shear = replace(load, prescribed=kinds, loaded="moved-1.0", direction=tuple(np.eye(3)[i].tolist()))
        response = solve(mesh, materials, shear, hexahedra="C3D8")
        assert response.force_n[-1] == pytest.approx(modulus * 0.01 * size.prod() / size[j], rel=1e-5)


def test_bins_share_materials_and_change_little(make_bar, solve):
    mesh, load = make_bar(size=(3, 3, 6))
    modulus = np.linspace(500, 1500, mesh.n_cells)
    materials = replace(
        elastic(mesh, modulus, 0.3), stress_mpa=0.008 * modulus[:, None], plastic_strain=np.zeros((mesh.n_cells, 1))
    )
    exact, binned = solve(mesh, materials, load), solve(mesh, materials, load, bin_width_mpa=50.0)
    assert exact.solver["materials"] == mesh.n_cells
    assert 20 <= binned.solver["materials"] <= 22
    assert binned.force_n == pytest.approx(exact.force_n, rel=5e-3)


def test_large_displacement_changes_the_force(make_bar, solve):
    """A linear material at 20 % compression is off its small-strain line by several per cent."""
    mesh, load = make_bar(strain=0.2)
    materials = elastic(mesh, np.full(mesh.n_cells, 1000.0), 0.0)
    response = solve(mesh, materials, load, large_displacement=True)
    assert len(response.force_n) == 5
    assert abs(response.force_n[-1] / (AREA * 200.0) - 1) > 0.05


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"criterion": "tresca"}, "asks for tresca"),
        ({"unloading": "secant"}, "secant modulus that falls"),
        ({"orthotropy": Orthotropy((1, 1, 1), (0.4, 0.4, 0.4), (0.2, 0.2, 0.2))}, "first slope of a hardening curve"),
        ({"stress_mpa": np.tile([8.0, 2.0], (12, 1))}, "falls faster than the elastic slope"),
    ],
)
def test_what_calculix_does_not_have_is_refused_with_what_to_use(change, told, make_bar, solve):
    mesh, load = make_bar()
    materials = replace(with_curve(mesh, [8.0, 9.0], [0.0, 0.005]), **change)
    with pytest.raises(InputError, match=told) as refusal:
        solve(mesh, materials, load)
    assert "native-solver" in refusal.value.hint
    journal = QuietJournal()
    linear = solve(mesh, materials, load, journal, scheme="linear")
    assert linear.force_n[-1] == pytest.approx(AREA * 20.0, rel=1e-4)
    assert "solved as linear" in journal.warnings[0]


def test_steep_softening_ends_the_curve_with_its_reason(make_bar, solve):
    """Four cells in series, the middle one weakest: it snaps back, and no displacement control can follow."""
    mesh, load = make_bar(size=(1, 1, 8), steps=10)
    stress = np.tile([8.0, 1.0, 1.0], (mesh.n_cells, 1))
    stress[4] *= 0.95
    materials = replace(with_curve(mesh, [8.0, 1.0, 1.0], [0.0, 0.008, 1.0]), stress_mpa=stress)
    journal = QuietJournal()
    response = solve(mesh, materials, load, journal)
    assert "found no equilibrium beyond" in response.stop_reason
    assert response.force_n[-1] <= 7.6 * 2.0 * 1.0 * 1.5 * (1 + 1e-3)
    assert 0 < response.displacement_mm[-1] < 0.02 * 16
    assert {"calculix.inp", "calculix.log", "calculix.sta"} <= set(journal.attachments)
    assert journal.warnings == [response.stop_reason]


def test_a_ccx_without_pardiso_says_so(make_bar, solve):
    mesh, load = make_bar()
    with pytest.raises(SolverError, match="PARDISO library is not linked") as failure:
        solve(mesh, elastic(mesh, np.full(mesh.n_cells, 1000.0), 0.3), load, linear_solver="pardiso")
    assert "linear_solver: auto" in failure.value.hint
