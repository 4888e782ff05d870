"""The energies that the native solver reports, against closed forms of bars of bricks and of tetrahedra."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from six_tetrahedra import as_tets


@pytest.fixture(params=["hex8", "tet10"])
def any_block(request, make_block):
    """A block and its volume, of bricks or cut into quadratic tetrahedra."""

    def make(**options):
        made = make_block(size=(2, 2, 3), **options)
        return (made if request.param == "hex8" else _cut(made)), made.area_mm2 * made.height_mm

    return make


def _cut(bar):
    mesh = as_tets(bar.mesh)
    z = mesh.points_mm[:, 2]
    sets = dict(bar.load.prescribed)
    for name, end in (("top", z.max()), ("bottom", z.min())):
        sets[name] = replace(sets[name], nodes=np.flatnonzero(z == end))
    if "walls" in sets:
        sets["walls"] = replace(sets["walls"], nodes=np.arange(len(z)))
    return replace(bar, mesh=mesh, load=replace(bar.load, prescribed=sets))


def test_an_elastic_bar_stores_all_work(any_block, make_material, native):
    bar, volume = any_block(strain=0.02)
    facts = native(bar.mesh, make_material(bar.mesh.n_cells), bar.load).solver
    assert facts["external_work_nmm"] == pytest.approx(0.5 * 1000 * 0.02**2 * volume, rel=1e-6)
    assert facts["stored_energy_nmm"] == facts["external_work_nmm"]
    assert facts["dissipated_energy_nmm"] == 0
    assert "energy_imbalance" not in facts


@pytest.mark.parametrize("criterion", ["von-mises", "tresca"])
def test_a_bar_that_flows_stores_what_is_left_under_its_yield_stress(any_block, make_material, native, criterion):
    missing = []
    for steps in (5, 10, 20):
        bar, volume = any_block(strain=0.03, steps=steps)
        material = replace(make_material(bar.mesh.n_cells, stress=7.3), criterion=criterion)
        facts = native(bar.mesh, material, bar.load).solver
        assert facts["stored_energy_nmm"] == pytest.approx(0.5 * 7.3**2 / 1000 * volume, rel=1e-5)
        assert facts["dissipated_energy_nmm"] == pytest.approx(7.3 * (0.03 - 0.0073) * volume, rel=1e-5)
        parts = facts["stored_energy_nmm"] + facts["dissipated_energy_nmm"]
        assert facts["energy_imbalance"] == pytest.approx(abs(facts["external_work_nmm"] - parts) / facts["external_work_nmm"])
        # The trapezoidal rule cuts the corner of the curve where it lies within an increment.
        at, inside = np.linspace(0, 0.03, steps + 1), 0.0
        inside = np.trapezoid(np.minimum(1000 * at, 7.3), at) * volume
        assert facts["external_work_nmm"] == pytest.approx(inside, rel=1e-5)
        missing.append(facts["energy_imbalance"])
    assert missing[0] > 2 * missing[1] > 4 * missing[2]
    assert missing[2] < 1e-3


def test_a_hardening_curve_is_followed(any_block, make_material, native):
    bar, volume = any_block(strain=0.06, steps=60)
    stress, plastic = np.array([8.0, 12.0, 13.0]), np.array([0.0, 0.01, 0.03])
    facts = native(bar.mesh, make_material(bar.mesh.n_cells, 1000.0, 0.3, stress, plastic), bar.load).solver
    kappa = 0.06 - 13.0 / 1000
    area = 0.5 * (8 + 12) * 0.01 + 0.5 * (12 + 13) * 0.02 + 13 * (kappa - 0.03)
    assert facts["dissipated_energy_nmm"] == pytest.approx(area * volume, rel=1e-5)
    assert facts["stored_energy_nmm"] == pytest.approx(0.5 * 13.0**2 / 1000 * volume, rel=1e-5)
    assert facts["energy_imbalance"] < 1e-3


@pytest.mark.parametrize("integration", ["b-bar", "full"])
def test_a_confined_bar_also_stores_pressure(any_block, make_material, native, integration):
    bar, volume = any_block(confined=True, strain=0.04, steps=40)
    facts = native(bar.mesh, make_material(bar.mesh.n_cells, stress=8.0), bar.load, integration=integration).solver
    bulk, shear3 = 1000 / (3 * 0.4), 3 * 1000 / 2.6
    assert facts["stored_energy_nmm"] == pytest.approx((0.5 * bulk * 0.04**2 + 0.5 * 8**2 / shear3) * volume, rel=1e-5)
    assert facts["dissipated_energy_nmm"] == pytest.approx(8 * (2 / 3 * 0.04 - 8 / shear3) * volume, rel=1e-5)


def test_an_uneven_block_balances_better_with_smaller_increments(any_block, make_material, native):
    missing = []
    for steps in (4, 16):
        slab, _ = any_block(strain=0.03, steps=steps, bonded=True)
        modulus = np.random.default_rng(3).uniform(500, 1500, slab.mesh.n_cells)
        material = make_material(len(modulus), modulus, 0.3, [8.0, 12.0], [0.0, 0.02])
        missing.append(native(slab.mesh, material, slab.load).solver["energy_imbalance"])
    assert missing[1] < missing[0] / 3
    assert missing[1] < 1e-2


@pytest.mark.parametrize("scheme", ["secant-converged", "secant-lagged"])
def test_what_falling_moduli_do_not_store_is_gone(any_block, make_material, native, scheme):
    bar, volume = any_block(strain=0.04, steps=400)
    facts = native(bar.mesh, make_material(bar.mesh.n_cells, stress=8.0), bar.load, scheme=scheme).solver
    assert facts["stored_energy_nmm"] == pytest.approx(0.5 * 8 * 0.04 * volume, rel=1e-2)
    assert facts["external_work_nmm"] == pytest.approx(8 * (0.04 - 0.004) * volume, rel=1e-2)
    gone = facts["external_work_nmm"] - facts["stored_energy_nmm"]
    assert facts["dissipated_energy_nmm"] == pytest.approx(gone, rel=1e-12)


def test_threads_change_no_bit_of_the_energies(any_block, make_material, native):
    slab, _ = any_block(strain=0.03, bonded=True)
    material = make_material(slab.mesh.n_cells, stress=8.0)
    one, two = (native(slab.mesh, material, slab.load, threads=n).solver for n in (1, 2))
    assert {n: v for n, v in one.items() if "energy" in n} == {n: v for n, v in two.items() if "energy" in n}
