"""A law's own stress update in the native solver: the built-in law written again, other laws, and what is refused."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import numba
import numpy as np
import pytest

from culmann import Grid, InputError, LoadCase, Materials, PluginError, Prescribed, Solid, SolverError, StressUpdate
from culmann.solids import with_solids
from culmann.stress_updates import load_stress_update
from culmann.voxels import hexahedra


@numba.njit
def mises(strain, state, parameters, new_state, stress, tangent):
    """Von Mises, perfectly plastic. Parameters E, ν, yield stress; the state is the plastic strain (tensor components)."""
    E, nu, limit = parameters
    G, K = E / (2 * (1 + nu)), E / (3 * (1 - 2 * nu))
    mean = (strain[0] + strain[1] + strain[2]) / 3
    s = np.empty(6)
    for a in range(3):
        s[a] = 2 * G * (strain[a] - mean - state[a])
        s[3 + a] = 2 * G * (strain[3 + a] / 2 - state[3 + a])
    size = np.sqrt(s[0] ** 2 + s[1] ** 2 + s[2] ** 2 + 2 * (s[3] ** 2 + s[4] ** 2 + s[5] ** 2))
    q = np.sqrt(1.5) * size
    kept = min(1.0, limit / max(q, 1e-300))
    for a in range(6):
        stress[a] = kept * s[a] + (3 * K * mean if a < 3 else 0)
        new_state[a] = state[a] + (1 - kept) * s[a] / (2 * G)
        for b in range(6):
            normal = a < 3 and b < 3
            tangent[a, b] = (K - kept * 2 * G / 3 if normal else 0.0) + (kept * (2 * G if a < 3 else G) if a == b else 0.0)
            if kept < 1:
                tangent[a, b] -= 2 * G * kept * s[a] * s[b] / size**2


@numba.njit
def drucker_prager(strain, state, parameters, new_state, stress, tangent):
    """Perfectly plastic, associated: q + 3 tan(β) p = d; p is the mean stress, the state the plastic strain, shear doubled."""
    E, nu, slope, limit = parameters
    G, K = E / (2 * (1 + nu)), E / (3 * (1 - 2 * nu))
    p = K * (strain[0] + strain[1] + strain[2] - state[0] - state[1] - state[2])
    mean = (strain[0] + strain[1] + strain[2] - state[0] - state[1] - state[2]) / 3
    s = np.empty(6)
    for a in range(3):
        s[a] = 2 * G * (strain[a] - state[a] - mean)
        s[3 + a] = G * (strain[3 + a] - state[3 + a])
    size = np.sqrt(s[0] ** 2 + s[1] ** 2 + s[2] ** 2 + 2 * (s[3] ** 2 + s[4] ** 2 + s[5] ** 2))
    q = np.sqrt(1.5) * size
    over = q + 3 * slope * p - limit
    bottom = 3 * G + 9 * K * slope**2
    gone = max(over, 0.0) / bottom
    kept = 1 - 3 * G * gone / max(q, 1e-300)
    flow = np.zeros(6)
    for a in range(6):
        flow[a] = (1.5 * s[a] / max(q, 1e-300)) * (1 if a < 3 else 2) + (slope if a < 3 else 0)
        stress[a] = kept * s[a] + (p - 3 * K * slope * gone if a < 3 else 0)
        new_state[a] = state[a] + gone * flow[a]
    for a in range(6):
        for b in range(6):
            normal = a < 3 and b < 3
            tangent[a, b] = (K - kept * 2 * G / 3 if normal else 0.0) + (kept * (2 * G if a < 3 else G) if a == b else 0.0)
            if gone > 0:
                na, nb = 1.5 * s[a] / q, 1.5 * s[b] / q
                ma, mb = (1.0 if a < 3 else 0.0), (1.0 if b < 3 else 0.0)
                tangent[a, b] += 4 * G * G * gone / q * na * nb
                left, right = 2 * G * na + 3 * K * slope * ma, 2 * G * nb + 3 * K * slope * mb
                tangent[a, b] -= left * right / bottom


@numba.njit
def along_x(strain, state, parameters, new_state, stress, tangent):
    """Elastic, and stiffer along x of the patient: what tells whether strains come along the right axes."""
    for a in range(6):
        tangent[a, a] = parameters[0] * (1.0 if a < 3 else 0.5)
    tangent[0, 0] *= 3
    for a in range(6):
        stress[a] = tangent[a, a] * strain[a]


@numba.njit
def nonsense(strain, state, parameters, new_state, stress, tangent):
    """Not a number once it is strained."""
    stress[0] = np.nan if abs(strain[2]) > 0.004 else 0.0


@numba.njit
def divides(strain, state, parameters, new_state, stress, tangent):
    """Elastic until it divides by nought."""
    for a in range(6):
        stress[a] = parameters[0] * strain[a]
        tangent[a, a] = parameters[0]
    if strain[2] < -0.004:
        stress[0] = 1.0 / (strain[2] - strain[2])


@numba.njit
def fails_at_once(strain, state, parameters, new_state, stress, tangent):
    """0 over 0 where there is no strain."""
    stress[0] = strain[0] / strain[0]


@numba.njit
def too_few(strain, state, parameters):
    """Takes other arguments."""


def plain(strain, state, parameters, new_state, stress, tangent):
    """Not compiled."""


def own(material, function, *columns, n_state=0):
    parameters = np.stack([np.broadcast_to(column, material.n_cells) for column in columns], axis=1).astype(float)
    nothing = np.zeros((material.n_cells, 0))
    return replace(
        material, stress_mpa=nothing, plastic_strain=nothing, stress_update=StressUpdate.of(function, parameters, n_state)
    )


def blob(make_material):
    """Random moduli, void around, turned in space, pushed askew."""
    rng = np.random.default_rng(4)
    axes = (0.0, 1.0, 0.0, 0.6, 0.0, 0.8, 0.8, 0.0, -0.6)
    grid = Grid((6, 5, 7), (1.0, 1.2, 0.9), (5.0, -3.0, 2.0), axes)
    z, y, x = np.meshgrid(*(np.linspace(-1, 1, n) for n in grid.shape), indexing="ij")
    mesh = hexahedra(grid, (x**2 + y**2 + 0.2 * z**2 < 1.05).astype(int), {1: "bone"})
    modulus = rng.uniform(200, 2000, mesh.n_cells)
    along = np.array(axes).reshape(3, 3)[:, 2]
    height = mesh.points_mm @ along
    top, bottom = (np.flatnonzero(np.abs(height - end) < 1e-9) for end in (height.max(), height.min()))
    push = tuple(float(v) for v in 0.1 * np.array([1.0, 0.5, 0.2]) - 0.3 * along)
    sets = {"bottom": Prescribed(bottom, (0.0, 0.0, 0.0)), "top": Prescribed(top, push)}
    load = LoadCase(sets, "top", tuple(float(v) for v in -along), 6.3, load_steps=(0.25, 0.5, 0.75, 1.0))
    material = make_material(mesh.n_cells, modulus, stress=1.0)
    return mesh, replace(material, stress_mpa=0.008 * modulus[:, None]), load


@pytest.mark.parametrize("integration", ["b-bar", "full"])
def test_the_built_in_law_written_again_gives_the_same_curve(make_material, native, integration):
    mesh, material, load = blob(make_material)
    options = {"integration": integration, "residual_tolerance": 1e-10}
    built_in = native(mesh, material, load, **options)
    again = own(material, mises, material.youngs_modulus_mpa, 0.3, material.stress_mpa[:, 0], n_state=6)
    ours = native(mesh, again, load, **options)
    assert ours.solver["scheme"] == "plastic"
    assert ours.force_n == pytest.approx(built_in.force_n, rel=1e-8)
    assert ours.end.displacement_mm == pytest.approx(built_in.end.displacement_mm, abs=1e-7)
    assert ours.end.equivalent_stress_mpa == pytest.approx(built_in.end.equivalent_stress_mpa, rel=1e-6)
    assert (ours.end.phase == built_in.end.phase).all()
    linear = native(mesh, material, load, scheme="linear")
    assert built_in.force_n[-1] < 0.8 * linear.force_n[-1], "the case must be well into yielding to say anything"


def test_threads_change_no_bit(make_material, native):
    mesh, material, load = blob(make_material)
    again = own(material, mises, material.youngs_modulus_mpa, 0.3, material.stress_mpa[:, 0], n_state=6)
    one, two = (native(mesh, again, load, threads=n) for n in (1, 2))
    assert np.array_equal(one.force_n, two.force_n)
    assert np.array_equal(one.end.displacement_mm, two.end.displacement_mm)


def test_drucker_prager_is_stronger_in_compression_than_in_tension(make_block, make_material, native):
    """q + 3 tan(β) p = d with p = -q / 3 or + q / 3."""
    bar = make_block(strain=0.03, steps=6)
    material = own(make_material(bar.mesh.n_cells), drucker_prager, 1000.0, 0.3, 0.2, 8.0, n_state=6)
    pushed = native(bar.mesh, material, bar.load)
    assert pushed.force_n[-1] == pytest.approx(8.0 / (1 - 0.2) * bar.area_mm2, rel=1e-5)
    top = bar.load.prescribed["top"]
    sets = {**bar.load.prescribed, "top": Prescribed(top.nodes, (None, None, -top.displacement_mm[2]))}
    pulled = native(bar.mesh, material, replace(bar.load, prescribed=sets, direction=(0.0, 0.0, 1.0)))
    assert pulled.force_n[-1] == pytest.approx(8.0 / (1 + 0.2) * bar.area_mm2, rel=1e-5)
    assert (pushed.end.equivalent_plastic_strain > 0.015).all()


@pytest.mark.parametrize("turned", [False, True])
def test_strains_come_along_the_axes_of_the_patient(make_material, native, turned):
    """A confined cube, its lattice along LPS or with axes swapped and flipped, stretched along x and along z of the patient."""
    axes = (0.0, 0.0, -1.0, 0.0, 1.0, 0.0, 1.0, 0.0, 0.0) if turned else (1.0, 0, 0, 0, 1.0, 0, 0, 0, 1.0)
    mesh = hexahedra(Grid((2, 2, 3), (1.0, 1.0, 1.0), (0.0, 0.0, 0.0), axes), np.ones((3, 2, 2), dtype=int), {1: "bone"})
    area = {0: 4 if turned else 6, 2: 6 if turned else 4}
    for axis, stiffness in ((0, 300.0), (2, 100.0)):
        at = mesh.points_mm[:, axis]
        ends = [np.flatnonzero(at == at.min()), np.flatnonzero(at == at.max())]
        height = float(np.ptp(at))
        pull = [0.0, 0.0, 0.0]
        pull[axis] = 0.01 * height
        held = tuple(None if c == axis else 0.0 for c in range(3))
        sets = {
            "top": Prescribed(ends[1], tuple(pull)),
            "bottom": Prescribed(ends[0], (0.0, 0.0, 0.0)),
            "walls": Prescribed(np.arange(mesh.n_points), held),
        }
        load = LoadCase(sets, "top", tuple(float(v > 0) for v in pull), height)
        material = own(make_material(mesh.n_cells, 100.0, 0.0), along_x, 100.0)
        assert native(mesh, material, load).force_n[-1] == pytest.approx(stiffness * 0.01 * area[axis], rel=1e-6)


def test_solids_keep_to_themselves(make_block, make_material, native):
    """Bone that flows between discs of steel: the update is asked for bone only."""
    bar = make_block(size=(2, 2, 6), strain=0.03, steps=6)
    z = bar.mesh.cell_centres_mm()[:, 2]
    disc = (z < z.min() + 1.5) | (z > z.max() - 1.5)
    mesh = replace(bar.mesh, region=np.where(disc, 2, 1), solids={2: Solid(2e5, 0.3)})
    material = make_material(mesh.n_cells, np.where(disc, 2e5, 1000.0))
    # in a disc the update would flow at once
    ours = native(mesh, own(material, mises, 1000.0, 0.3, np.where(disc, 1e-3, 8.0), n_state=6), bar.load)
    strong = replace(material, stress_mpa=np.where(disc, 1e9, 8.0)[:, None], plastic_strain=np.zeros((mesh.n_cells, 1)))
    assert ours.force_n == pytest.approx(native(mesh, strong, bar.load).force_n, rel=1e-5)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # numba tells of the division as well
def test_an_update_that_goes_wrong_ends_the_curve(make_block, make_material, native):
    bar = make_block(size=(1, 1, 2), strain=0.02, steps=5)
    with pytest.raises(SolverError, match="no equilibrium"):
        native(bar.mesh, own(make_material(2), nonsense, 1.0), bar.load)
    answer = native(bar.mesh, own(make_material(2, 1000.0, 0.0), divides, 1000.0), bar.load)
    assert "no equilibrium was found" in answer.stop_reason
    assert answer.force_n == pytest.approx(1000 * answer.displacement_mm / bar.height_mm * bar.area_mm2, rel=1e-5)


@pytest.mark.parametrize(("function", "told"), [(fails_at_once, "ZeroDivisionError"), (too_few, "too_few")])
def test_an_update_that_cannot_work_is_told_before_the_solve(make_block, make_material, native, function, told):
    bar = make_block(size=(1, 1, 2))
    with pytest.raises(PluginError, match=f"fails for an unloaded cell: .*{told}" if told[0] == "Z" else told):
        native(bar.mesh, own(make_material(2), function, 1.0), bar.load)


def test_it_survives_being_stored(make_block, make_material, native, tmp_path):
    bar = make_block(size=(2, 1, 2))
    material = own(make_material(4), mises, 1000.0, 0.3, [8.0, 6.0, 7.0, 5.0], n_state=6)
    material.save(tmp_path)
    one, two = (native(bar.mesh, m, bar.load) for m in (material, Materials.load(tmp_path)))
    assert np.array_equal(one.force_n, two.force_n)
    assert one.end.phase.all()


def test_parameters_of_bone_find_their_cells_among_solids(make_block, make_material):
    bar = make_block(size=(1, 1, 3))
    mesh = replace(bar.mesh, region=np.array([2, 1, 1]), solids={2: Solid(2e5, 0.3)})
    whole = with_solids(mesh, own(make_material(2), mises, 1000.0, 0.3, [8.0, 9.0], n_state=6))
    assert whole.stress_update.parameters[:, 2].tolist() == [0.0, 8.0, 9.0]
    assert whole.youngs_modulus_mpa.tolist() == [2e5, 1000.0, 1000.0]


def test_secant_schemes_refuse_it(make_block, make_material, native):
    bar = make_block()
    material = own(make_material(bar.mesh.n_cells), mises, 1000.0, 0.3, 8.0, n_state=6)
    with pytest.raises(InputError, match="its own stress update"):
        native(bar.mesh, material, bar.load, scheme="secant-converged")


def test_only_compiled_functions_of_plugins_or_of_what_is_loaded_are_taken(tmp_path: Path, monkeypatch):
    nothing = np.zeros((1, 0))
    (tmp_path / "stranger.py").write_text("raise SystemExit('imported')\n", encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(PluginError, match="in no package of an installed plugin"):
        load_stress_update(StressUpdate("stranger:update", nothing))
    assert "stranger" not in sys.modules
    for target, told in (
        ("os:system", "is not compiled"),
        (f"{__name__}:plain", "is not compiled"),
        ("os:nothing", "does not exist"),
    ):
        with pytest.raises(PluginError, match=told):
            load_stress_update(StressUpdate(target, nothing))
    assert load_stress_update(StressUpdate.of(mises, nothing)) is mises
    with pytest.raises(PluginError, match="cannot be imported"):
        load_stress_update(StressUpdate("culmann_fem.no_such_module:update", nothing))


@pytest.mark.parametrize(("target", "parameters", "told"), [("no colon", 1.0, "form"), ("a.b:c", np.nan, "not finite")])
def test_what_cannot_be_is_refused_where_it_is_made(target, parameters, told):
    with pytest.raises(ValueError, match=told):
        StressUpdate(target, np.full((1, 1), parameters))


def test_parameters_go_with_the_cells():
    with pytest.raises(ValueError, match="parameters"):
        Materials(
            *(np.ones(2), np.zeros(2), np.zeros((2, 0)), np.zeros((2, 0)), np.ones(2)),
            stress_update=StressUpdate("a:b", np.ones((3, 1))),
        )
