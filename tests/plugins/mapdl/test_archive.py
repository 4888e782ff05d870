"""The deck, read back by mapdl-archive and compared with the model one by one. No Ansys has read it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from mapdl_deck import read_deck
from mapdl_models import TILTED, blob

from culmann import Mesh, Solid
from culmann.data import Orthotropy
from culmann.errors import InputError
from culmann_mapdl.export import export_mapdl
from culmann_mapdl.options import DeckConfig


def exported(folder, model, **options):
    files = {name: content.decode("ascii") for name, content in export_mapdl(*model, DeckConfig(**options)).files.items()}
    return read_deck(files["model.cdb"], files["solve.inp"], folder), files


def test_mesh_materials_and_displacements_one_by_one(tmp_path):
    mesh, materials, load = blob()
    deck, files = exported(tmp_path, (mesh, materials, load), bin_width_mpa=0)
    assert deck.element == 185
    np.testing.assert_allclose(deck.points_mm, mesh.points_mm, atol=1e-9)
    np.testing.assert_array_equal(deck.cells, mesh.cells + 1)
    for cell, number in enumerate(deck.material):
        assert deck.elastic[number]["EX"] == pytest.approx(materials.youngs_modulus_mpa[cell], rel=1e-11)
        assert deck.elastic[number]["PRXY"] == pytest.approx(0.3)
        strain, stress = np.array(deck.curves[number]).T
        assert stress == pytest.approx(materials.stress_mpa[cell], rel=1e-11)
        assert strain == pytest.approx(materials.plastic_strain[cell], rel=1e-11)
    for number, (name, held) in enumerate(load.prescribed.items(), start=1):
        np.testing.assert_array_equal(np.sort(held.nodes) + 1, deck.components[f"SET_{number}"], err_msg=name)
    wanted = {}
    for held in reversed(load.prescribed.values()):
        for node in held.nodes.tolist():
            for axis, value in zip("XYZ", held.displacement_mm, strict=True):
                if value is not None:
                    wanted[node + 1, f"U{axis}"] = value
    told = {(n, label): v for (name, label), v in deck.displacements.items() for n in deck.components[name].tolist()}
    assert told == pytest.approx(wanted)
    assert deck.shares == list(load.load_steps)
    assert "KEYOPT,1,2,0" in files["model.cdb"]


def test_bins_count_down_from_the_stiffest_and_hold_the_mean_of_their_cells(tmp_path):
    mesh, materials, load = blob()
    deck, _ = exported(tmp_path, (mesh, materials, load), bin_width_mpa=500)
    modulus = materials.youngs_modulus_mpa
    step = np.floor((modulus.max() - modulus) / 500)
    for here in np.unique(step):
        cells = step == here
        (number,) = set(deck.material[cells].tolist())
        assert deck.elastic[number]["EX"] == pytest.approx(modulus[cells].mean(), rel=1e-9)
        assert deck.curves[number][0][1] == pytest.approx(materials.stress_mpa[cells, 0].mean(), rel=1e-9)
    assert deck.elastic[1]["EX"] > deck.elastic[2]["EX"]
    assert len(deck.elastic) == len(np.unique(step))


def test_a_perfectly_plastic_law_is_bilinear_without_hardening(tmp_path):
    mesh, materials, load = blob()
    flat = replace(materials, stress_mpa=materials.stress_mpa[:, :1], plastic_strain=materials.plastic_strain[:, :1])
    deck, files = exported(tmp_path, (mesh, flat, load), bin_width_mpa=0)
    assert "TB,PLASTIC" not in files["model.cdb"]
    assert [deck.curves[n] for n in deck.material[:5]] == [[(0.0, pytest.approx(s))] for s in flat.stress_mpa[:5, 0]]


def test_quadratic_tetrahedra(tmp_path):
    corners = np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1]], dtype=float)
    edges = [(0, 1), (1, 2), (2, 0), (0, 3), (1, 3), (2, 3)]  # the order of SOLID187: M N O P Q R
    points = np.concatenate([corners, [(corners[a] + corners[b]) / 2 for a, b in edges]])
    _, materials, load = blob()
    mesh = Mesh(points, np.arange(10)[None], "tet10", np.ones(1, dtype=np.int64), {1: "bone"})
    one = replace(
        materials,
        **{
            name: getattr(materials, name)[:1]
            for name in ("youngs_modulus_mpa", "poisson_ratio", "stress_mpa", "plastic_strain", "density_g_cm3")
        },
    )
    sets = {name: replace(held, nodes=np.array([n])) for n, (name, held) in enumerate(load.prescribed.items())}
    deck, _ = exported(tmp_path, (mesh, one, replace(load, prescribed=sets)))
    assert deck.element == 187
    np.testing.assert_array_equal(deck.cells, [np.arange(1, 11)])


def test_orthotropic_bone_has_its_axes_and_solids_have_none(tmp_path):
    mesh, materials, load = blob()
    bone = Orthotropy((1 / 3, 1 / 3, 1.0), (0.121, 0.157, 0.157), (0.3, 0.11, 0.33), TILTED)
    region = np.where(mesh.cells.min(axis=1) < 10, 2, 1)
    mesh = replace(mesh, region=region, region_names={1: "bone", 2: "cement"}, solids={2: Solid(2500.0)})
    deck, _ = exported(tmp_path, (mesh, replace(materials, orthotropy=bone), load), bin_width_mpa=0)
    np.testing.assert_array_equal(deck.axes, np.where(region == 1, 11, 0))
    np.testing.assert_allclose(deck.local[11], TILTED, atol=1e-9)
    for cell in np.flatnonzero(region == 1)[:7]:
        told, modulus = deck.elastic[deck.material[cell]], materials.youngs_modulus_mpa[cell]
        compliance = np.array(
            [
                [1 / told["EX"], -told["PRXY"] / told["EX"], -told["PRXZ"] / told["EX"]],
                [0, 1 / told["EY"], -told["PRYZ"] / told["EY"]],
                [0, 0, 1 / told["EZ"]],
            ]
        )
        compliance = np.triu(compliance) + np.triu(compliance, 1).T  # MP's PR.. are the major ratios: nu_xy / E_x
        wanted = np.diag(1 / (np.array(bone.e_ratio) * modulus))
        for i, j, nu in ((0, 1, bone.poisson[0]), (1, 2, bone.poisson[1]), (2, 0, bone.poisson[2])):
            wanted[i, j] = wanted[j, i] = -nu / (bone.e_ratio[i] * modulus)
        np.testing.assert_allclose(compliance, wanted, rtol=1e-9)
        assert [told[name] / modulus for name in ("GXY", "GYZ", "GXZ")] == pytest.approx(bone.g_ratio)
    assert "EY" not in deck.elastic[deck.material[np.flatnonzero(region == 2)[0]]]


def test_the_axes_of_the_load_turn_the_nodes_that_it_holds(tmp_path):
    deck, files = exported(tmp_path, blob(axes=TILTED))
    np.testing.assert_allclose(deck.local[12], TILTED, atol=1e-9)
    assert files["solve.inp"].count("NROTAT,ALL") == len([name for name in deck.components if name.startswith("HELD")])
    _, plain = exported(tmp_path, blob())
    assert "NROTAT" not in plain["solve.inp"]


def test_loops_and_blocks_of_the_scripts_are_closed(tmp_path):
    mesh, materials, load = blob()
    secant = replace(materials, unloading="secant", stress_mpa=materials.stress_mpa * [1.0, 0.5])
    for model in ((mesh, materials, load), (mesh, secant, load)):
        _, files = exported(tmp_path, model)
        lines = files["solve.inp"].splitlines()
        assert sum(line.startswith("*DO") for line in lines) == sum(line.startswith("*ENDDO") for line in lines)
        blocks = sum(line.startswith("*IF") and line.endswith("THEN") for line in lines)
        assert blocks == sum(line.startswith("*ENDIF") for line in lines)
        assert sum(line.startswith("*CFOPEN") for line in lines) == sum(line.startswith("*CFCLOS") for line in lines)
        words = [part for line in lines for part in line.replace("=", ",").replace("(", ",").split(",")]
        assert all(len(word) <= 32 for word in words if word.startswith("culm_"))
        assert all(len(line) <= 640 for line in lines)  # Ansys reads no more of a line


def test_the_table_of_the_secant_loop_holds_strains_and_stresses(tmp_path):
    mesh, materials, load = blob()
    secant = replace(materials, unloading="secant", stress_mpa=materials.stress_mpa * [1.0, 0.5])
    deck, files = exported(tmp_path, (mesh, secant, load))
    np.testing.assert_array_equal(deck.material, np.arange(1, mesh.n_cells + 1))
    table = np.array(files["law.csv"].split(), dtype=float).reshape(mesh.n_cells, 4)
    np.testing.assert_allclose(table[:, 2:], secant.stress_mpa)
    np.testing.assert_allclose(table[:, 0], secant.stress_mpa[:, 0] / secant.youngs_modulus_mpa)
    np.testing.assert_allclose(table[:, 1], 0.02 + secant.stress_mpa[:, 1] / secant.youngs_modulus_mpa)
    assert "TB," not in files["model.cdb"]


@pytest.mark.parametrize(
    ("change", "options", "told"),
    [
        ({"stress_mpa": "falls"}, {}, "takes no falling curve"),
        ({"unloading": "secant"}, {"scheme": "plastic"}, "loses stiffness as it yields"),
        ({"criterion": "tresca"}, {}, "yields after tresca"),
    ],
)
def test_what_ansys_cannot_take_is_refused_with_the_way_out(change, options, told):
    mesh, materials, load = blob()
    if "stress_mpa" in change:
        change = {"stress_mpa": materials.stress_mpa * [1.0, 0.5]}
    with pytest.raises(InputError, match=told) as caught:
        export_mapdl(mesh, replace(materials, **change), load, DeckConfig(**options))
    assert caught.value.hint
