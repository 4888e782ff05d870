"""Tresca and orthotropic bone on quadratic tetrahedra, and both kinds of elements beside each other."""

from __future__ import annotations

from dataclasses import replace

import numba
import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from culmann import Grid, LoadCase, Orthotropy, Prescribed, StressUpdate
from culmann.voxels import hexahedra

BONE = Orthotropy((1 / 3, 0.5, 1.0), (0.121, 0.157, 0.18), (0.11, 0.2, 0.3))
SAME = Orthotropy((1.0, 1.0, 1.0), (1 / 2.6,) * 3, (0.3,) * 3)


def askew(mesh):
    z = mesh.points_mm[:, 2]
    height = float(np.ptp(z))
    sets = {
        "bottom": Prescribed(np.flatnonzero(z == z.min()), (0.0, 0.0, 0.0)),
        "top": Prescribed(np.flatnonzero(z == z.max()), (0.01 * height, 0.0, -0.02 * height)),
    }
    return LoadCase(sets, "top", (0.0, 0.0, -1.0), height, load_steps=(0.5, 1.0))


def test_equal_constants_give_what_hookes_law_gives(make_material, make_tets, native):
    """Another route through the solver to the same numbers: both elements, linear, plastic and secant."""
    grid = Grid((4, 3, 4), (1.0, 1.2, 0.9))
    bricks = hexahedra(grid, np.ones(grid.shape, dtype=int), {1: "bone"})
    for mesh in (bricks, make_tets(jiggle=0.2, curve=0.03)):
        modulus = np.random.default_rng(5).uniform(500, 1500, mesh.n_cells)
        plain = make_material(mesh.n_cells, modulus, stress=[6.0, 9.0], plastic_strain=[0.0, 0.02])
        for scheme in ("linear", "plastic", "secant-converged"):
            for integration in ("b-bar", "full") if mesh is bricks else ("full",):
                options = {"scheme": scheme, "integration": integration, "residual_tolerance": 1e-10}
                one = native(mesh, plain, askew(mesh), **options)
                two = native(mesh, replace(plain, orthotropy=SAME), askew(mesh), **options)
                assert two.force_n == pytest.approx(one.force_n, rel=1e-8)
                for name in ("equivalent_stress_mpa", "equivalent_strain", "equivalent_plastic_strain", "phase"):
                    assert getattr(two.end, name) == pytest.approx(getattr(one.end, name), rel=1e-6, abs=1e-9), (scheme, name)


@pytest.mark.parametrize("scheme", ["linear", "plastic"])
def test_bricks_and_tetrahedra_come_to_the_same_force(make_material, make_tets, native, scheme):
    """The same block, the same load, axes turned by a quarter: fine bricks against fine quadratic tetrahedra."""
    axes = np.eye(3)[[2, 0, 1]]
    grid = Grid((12, 12, 16), (0.25, 0.25, 0.25), (0.125, 0.125, 0.125))
    bricks = hexahedra(grid, np.ones(grid.shape, dtype=int), {1: "bone"})
    tets = make_tets(size=(4, 4, 5), spacing=(0.75, 0.75, 0.8))
    force = []
    for mesh in (bricks, tets):
        material = replace(make_material(mesh.n_cells, stress=5.0), orthotropy=replace(BONE, axes=axes))
        force.append(native(mesh, material, askew(mesh), scheme=scheme).force_n[-1])
    assert force[0] == pytest.approx(force[1], rel=0.015)
    isotropic = native(bricks, make_material(bricks.n_cells, stress=5.0), askew(bricks), scheme=scheme).force_n[-1]
    assert abs(isotropic / force[0] - 1) > 0.03, "the case must depend on orthotropy to say anything"


def test_tetrahedra_take_any_axes(make_material, make_tets, native):
    """The skin of a block is put where a stress of 10 MPa along z would put it, with the compliance turned by hand."""
    turn = Rotation.from_rotvec([0.4, -0.7, 0.3]).as_matrix()
    pull = turn @ np.diag([0, 0, 0.01]) @ turn.T  # 10 MPa over 1000 MPa, in the axes of the material
    nu_xy, nu_yz, nu_zx = BONE.poisson
    ex, ey, ez = BONE.e_ratio
    compliance = np.array(
        [[1 / ex, -nu_xy / ex, -nu_zx / ez], [-nu_xy / ex, 1 / ey, -nu_yz / ey], [-nu_zx / ez, -nu_yz / ey, 1 / ez]]
    )
    strain = np.diag(compliance @ np.diag(pull))
    for (c, d), g in zip(((0, 1), (1, 2), (2, 0)), BONE.g_ratio, strict=True):
        strain[c, d] = strain[d, c] = pull[c, d] / (2 * g)
    strain = turn.T @ strain @ turn
    mesh = make_tets(jiggle=0.3)
    low, high = mesh.points_mm.min(axis=0), mesh.points_mm.max(axis=0)
    skin = np.flatnonzero(((mesh.points_mm == low) | (mesh.points_mm == high)).any(axis=1))
    sets = {f"{n}": Prescribed(np.array([n]), tuple(float(v) for v in strain @ mesh.points_mm[n])) for n in skin}
    load = LoadCase(sets, f"{skin[-1]}", (0.0, 0.0, 1.0), 1.0)
    material = replace(make_material(mesh.n_cells), orthotropy=replace(BONE, axes=turn))
    answer = native(mesh, material, load, residual_tolerance=1e-10)
    assert answer.end.displacement_mm == pytest.approx(mesh.points_mm @ strain.T, abs=1e-9)
    assert answer.end.equivalent_stress_mpa == pytest.approx(10.0, rel=1e-6)


def test_preconditioner_of_tetrahedra_knows_orthotropy(make_material, make_tets, native):
    axes = Rotation.from_rotvec([0.4, -0.7, 0.3]).as_matrix()
    mesh = make_tets(size=(6, 6, 8), jiggle=0.2)
    plain = make_material(mesh.n_cells)
    one, two = (native(mesh, m, askew(mesh)) for m in (plain, replace(plain, orthotropy=replace(BONE, axes=axes))))
    assert two.solver["cg_iterations"] < 2 * one.solver["cg_iterations"]


def test_tresca_bar_flows_at_its_yield_stress(make_tets, make_material, platens, native):
    mesh = make_tets(jiggle=0.3)
    material = replace(make_material(mesh.n_cells, stress=8.0), criterion="tresca")
    answer = native(mesh, material, platens(mesh, steps=5))
    assert answer.force_n[-1] == pytest.approx(8.0 * 4, rel=1e-5)
    confined = native(mesh, material, platens(mesh, 0.04, 5, confined=True))
    assert confined.force_n[-1] == pytest.approx((1000 / 1.2 * 0.04 + 2 / 3 * 8.0) * 4, rel=1e-5)


@numba.njit
def mises(strain, state, parameters, new_state, stress, tangent):
    """Von Mises with a bulk and a shear modulus, flowing at a stress; the state is the plastic strain (tensor components)."""
    K, G, limit = parameters
    volume = strain[0] + strain[1] + strain[2]
    s = np.empty(6)
    for a in range(6):
        s[a] = 2 * G * ((strain[a] - volume / 3 if a < 3 else strain[a] / 2) - state[a])
    size = np.sqrt(s[0] ** 2 + s[1] ** 2 + s[2] ** 2 + 2 * (s[3] ** 2 + s[4] ** 2 + s[5] ** 2))
    kept = min(1.0, limit * np.sqrt(2 / 3) / max(size, 1e-300))
    for a in range(6):
        stress[a] = kept * s[a] + (K * volume if a < 3 else 0)
        new_state[a] = state[a] + (1 - kept) * s[a] / (2 * G)
        tangent[a, a] = kept * (2 * G if a < 3 else G)
        for b in range(6):
            tangent[a, b] += (K - kept * 2 * G / 3) if a < 3 and b < 3 else 0.0
            tangent[a, b] -= 2 * G * kept * s[a] * s[b] / size**2 if kept < 1 else 0.0


def test_the_built_in_law_as_a_stress_update_of_its_own_gives_the_same_curve(make_tets, make_material, native):
    mesh = make_tets(jiggle=0.2, curve=0.03)
    modulus = np.random.default_rng(5).uniform(500, 1500, mesh.n_cells)
    material = replace(make_material(mesh.n_cells, modulus, stress=1.0), stress_mpa=0.008 * modulus[:, None])
    parameters = np.stack([modulus / 1.2, modulus / 2.6, 0.008 * modulus], axis=1)
    own = replace(material, stress_update=StressUpdate.of(mises, parameters, 6))
    built_in, ours = (native(mesh, m, askew(mesh), residual_tolerance=1e-10) for m in (material, own))
    assert ours.force_n == pytest.approx(built_in.force_n, rel=1e-8)
    assert (built_in.end.phase > 0).sum() > 0.5 * mesh.n_cells


def test_reactions_of_all_sets_in_the_axes_of_the_patient(make_tets, make_material, platens, native):
    """In uniaxial strain the walls carry ν / (1 - ν) of the stress; the load's axes are not the patient's."""
    mesh = make_tets()
    turn = Rotation.from_rotvec([0.3, -0.5, 0.8]).as_matrix()
    load = platens(mesh, 0.01, confined=True)
    turned = replace(load, axes=turn.T, direction=tuple(float(v) for v in turn @ np.array(load.direction)))
    answer = native(replace(mesh, points_mm=mesh.points_mm @ turn.T), make_material(mesh.n_cells), turned)
    axial = 1000 * 0.7 / (1.3 * 0.4) * 0.01 * 4
    assert answer.reactions_n["top"][-1] == pytest.approx(-axial * turn[:, 2], abs=1e-4)
    assert answer.reactions_n["bottom"][-1] == pytest.approx(axial * turn[:, 2], abs=1e-4)


def tube(make_tets, inner=1.0, outer=2.0, height=0.25):
    """A quarter of a tube in plane strain, widened from within: each node of the bore moves outwards by 1."""
    flat = make_tets(size=(4, 6, 1))
    x, y, z = flat.points_mm.T
    r, angle = inner + (outer - inner) * x / 4, np.pi / 2 * y / 6
    mesh = replace(flat, points_mm=np.stack([r * np.cos(angle), r * np.sin(angle), height * z], axis=1))
    out = np.stack([np.cos(angle), np.sin(angle), 0 * angle], axis=1)
    bore = np.flatnonzero(x == 0)
    sets = {f"bore {n}": Prescribed(np.array([n]), tuple(float(v) for v in 0.02 * out[n])) for n in bore}
    sets["x"] = Prescribed(np.flatnonzero(y == 6), (0.0, None, None))
    sets["y"] = Prescribed(np.flatnonzero(y == 0), (None, 0.0, None))
    sets["z"] = Prescribed(np.arange(mesh.n_points), (None, None, 0.0))
    load = LoadCase(sets, f"bore {bore[0]}", (1.0, 0.0, 0.0), 1.0, load_steps=tuple((np.arange(8) + 1) / 8))
    area = inner * np.pi / 2 * height
    return mesh, load, lambda answer: sum(answer.reactions_n[f"bore {n}"] @ out[n] for n in bore) / area


def test_tube_under_pressure_gives_way_where_hill_says(make_tets, make_material, native):
    """Hill, The Mathematical Theory of Plasticity (1950), chapter 5: Y ln(b / a) after Tresca, 2 / sqrt 3 of it after Mises."""
    mesh, load, pressure = tube(make_tets)
    for criterion, factor in (("tresca", 1.0), ("von-mises", 2 / np.sqrt(3))):
        material = replace(make_material(mesh.n_cells, stress=2.0), criterion=criterion)
        p = pressure(native(mesh, material, load))
        assert p[-1] == pytest.approx(factor * 2.0 * np.log(2), rel=5e-3), criterion
        assert p[-1] == pytest.approx(p[-2], rel=2e-3)
    # Lamé: u = p a² / (b² - a²) (1 + ν) / E ((1 - 2 ν) a + b² / a)
    elastic = pressure(native(mesh, make_material(mesh.n_cells), load))
    assert elastic[-1] == pytest.approx(0.02 * 3 / 1.3 * 1000 / (0.4 + 4), rel=2e-3)
