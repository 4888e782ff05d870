"""Decks read back: the mesh by meshio, materials and boundary conditions by a small parser of keyword files."""

from __future__ import annotations

import re
from dataclasses import replace

import meshio
import numpy as np
import pytest

from culmann import Materials, Orthotropy, Prescribed, Solid
from culmann.journal import QuietJournal
from culmann.testing.samples import elastic
from culmann_calculix.export import ExportAbaqusConfig, ExportCalculixConfig, export_abaqus, export_calculix
from culmann_calculix.naming import keyword_names

STEPS = {"calculix": (export_calculix, ExportCalculixConfig), "abaqus": (export_abaqus, ExportAbaqusConfig)}


def export(which, mesh, materials, load, journal=None, **options) -> str:
    function, config = STEPS[which]
    report = function(mesh, materials, load, config(**options), journal or QuietJournal())
    return report.files[f"{which}.inp"].decode("ascii")


def blocks(text: str) -> list[tuple[str, dict[str, str], list[list[str]]]]:
    """(keyword, parameters, rows of data) of a keyword file."""
    found = []
    for line in text.splitlines():
        if line.startswith("**"):
            continue
        if line.startswith("*"):
            keyword, *given = (part.strip() for part in line.split(","))
            found.append((keyword, {p.partition("=")[0].strip(): p.partition("=")[2].strip() for p in given}, []))
        else:
            found[-1][2].append([part.strip() for part in line.split(",") if part.strip()])
    return found


def sets_in(text: str, keyword: str) -> dict[str, list[int]]:
    name = keyword.strip("*")
    return {p[name]: [int(n) - 1 for row in rows for n in row] for k, p, rows in blocks(text) if k == keyword}


@pytest.fixture
def model(make_bar):
    """A bar with a modulus for each cell, a cap of cement on top and a curve of three points."""
    mesh, load = make_bar(size=(2, 2, 4), steps=4)
    cap = mesh.cell_centres_mm()[:, 2] > mesh.cell_centres_mm()[:, 2].max() - 1e-9
    mesh = replace(
        mesh, region=np.where(cap, 2, 1), region_names={1: "L3 body", 2: "cement"}, solids={2: Solid(2500.0)}, lattice=None
    )
    n = mesh.n_cells
    modulus = np.where(cap, 2500.0, np.linspace(300, 900, n))
    stress = np.stack([0.008 * modulus, 0.009 * modulus, 0.009 * modulus], axis=1)
    strain = np.tile([0.0, 0.01, 0.02], (n, 1))
    return mesh, Materials(modulus, np.full(n, 0.3), stress, strain, np.full(n, 0.2), law="made-up"), load


@pytest.mark.parametrize("which", STEPS)
@pytest.mark.parametrize("cell_type", ["hex8", "tet4", "tet10"])
def test_mesh_comes_back_through_meshio(which, cell_type, make_bar, tmp_path):
    mesh, load = make_bar(cell_type)
    path = tmp_path / "model.inp"
    path.write_text(export(which, mesh, elastic(mesh, np.full(mesh.n_cells, 500.0), 0.3), load), encoding="ascii")
    read = meshio.abaqus.read(path)
    assert np.abs(read.points - mesh.points_mm).max() < 1e-9
    name = {"hex8": "hexahedron", "tet4": "tetra", "tet10": "tetra10"}[cell_type]
    assert np.array_equal(read.cells_dict[name], mesh.cells)
    assert np.array_equal(np.sort(read.point_sets["ABOVE"]), np.sort(load.prescribed["above"].nodes))


@pytest.mark.parametrize("which", STEPS)
def test_every_cell_has_its_material(which, model):
    mesh, materials, load = model
    text = export(which, mesh, materials, load)
    cells = sets_in(text, "*ELSET")
    seen = np.zeros(mesh.n_cells, dtype=int)
    found = blocks(text)
    laws = {p["NAME"]: n for n, (k, p, _) in enumerate(found) if k == "*MATERIAL"}
    for keyword, given, _ in found:
        if keyword != "*SOLID SECTION":
            continue
        at = laws[given["MATERIAL"]]
        assert [k for k, _, _ in found[at + 1 : at + 3]] == ["*ELASTIC", "*PLASTIC"]
        constants, curve = (np.array(rows, dtype=float) for _, _, rows in found[at + 1 : at + 3])
        for cell in cells[given["ELSET"]]:
            seen[cell] += 1
            assert constants[0] == pytest.approx([materials.youngs_modulus_mpa[cell], 0.3], rel=1e-11)
            assert curve == pytest.approx(
                np.stack([materials.stress_mpa[cell], materials.plastic_strain[cell]], axis=1), rel=1e-11
            )
    assert (seen == 1).all()
    assert np.array_equal(cells["REGION_L3_BODY"], np.flatnonzero(mesh.region == 1))
    assert np.array_equal(cells["REGION_CEMENT"], np.flatnonzero(mesh.region == 2))


@pytest.mark.parametrize("which", STEPS)
def test_every_step_prescribes_what_the_load_case_says(which, model):
    mesh, materials, load = model
    # A node in two sets keeps what the first prescribes.
    shared = Prescribed(load.prescribed["below"].nodes[:2], (0.5, None, 0.25))
    load = replace(load, prescribed={**load.prescribed, "second": shared})
    wanted = np.full((mesh.n_points, 3), np.nan)
    for held in reversed(load.prescribed.values()):
        for axis, value in enumerate(held.displacement_mm):
            if value is not None:
                wanted[held.nodes, axis] = value
    text = export(which, mesh, materials, load)
    nodes = sets_in(text, "*NSET")
    steps = [rows for k, _, rows in blocks(text) if k == "*BOUNDARY"]
    assert len(steps) == 4
    for factor, rows in zip(load.load_steps, steps, strict=True):
        found = np.full((mesh.n_points, 3), np.nan)
        for name, first, last, value in rows:
            assert first == last
            assert np.isnan(found[nodes[name], int(first) - 1]).all(), "a freedom is prescribed twice"
            found[nodes[name], int(first) - 1] = float(value)
        assert found == pytest.approx(factor * wanted, abs=1e-12, nan_ok=True)
    periods = [float(rows[0][1]) for k, _, rows in blocks(text) if k == "*STATIC"]
    assert np.cumsum(periods) == pytest.approx(load.load_steps)


def test_turned_load_has_a_transform_and_a_bonded_one_needs_none(make_bar):
    turn = np.linalg.qr(np.random.default_rng(3).normal(size=(3, 3)))[0]
    mesh, load = make_bar(turn=turn)
    materials = elastic(mesh, np.full(mesh.n_cells, 500.0), 0.3)
    rows = [rows[0] for k, _, rows in blocks(export("calculix", mesh, materials, load)) if k == "*TRANSFORM"]
    # corner, edge, the rest below, above: the corner is held along all three axes.
    assert len(rows) == 3
    assert np.array(rows[0], dtype=float) == pytest.approx(load.axes[:2].ravel())
    bonded = {
        name: replace(load.prescribed[name], displacement_mm=(0.1, 0.2, z)) for name, z in (("below", 0.0), ("above", 0.3))
    }
    text = export("calculix", mesh, materials, replace(load, prescribed=bonded))
    assert "*TRANSFORM" not in text
    nodes = sets_in(text, "*NSET")
    (boundary,) = (rows for k, _, rows in blocks(text) if k == "*BOUNDARY")
    moved = [float(v) for name, _, _, v in boundary if nodes[name][0] in bonded["above"].nodes]
    assert moved == pytest.approx(np.array([0.1, 0.2, 0.3]) @ load.axes)


def test_head_says_what_it_is_and_what_is_left_out(model):
    mesh, materials, load = model
    journal = QuietJournal()
    text = export("abaqus", mesh, replace(materials, criterion="tresca", unloading="secant"), load, journal)
    head = text[: text.index("*NODE")]
    assert "Units: mm, N, MPa" in head
    assert "Not carried over: the densities" in head
    assert "Not carried over: the criterion tresca" in head
    assert "Not carried over: unloading along a secant modulus" in head
    assert len(journal.warnings) == 2
    orthotropic = replace(materials, orthotropy=Orthotropy((0.4, 0.4, 1), (0.2, 0.2, 0.2), (0.2, 0.2, 0.2)))
    text = export("abaqus", mesh, orthotropic, load, journal)
    assert "*PLASTIC\n" not in text
    assert "*PLASTIC of Abaqus wants isotropic elasticity" in text
    # Cement stays isotropic.
    assert text.count("TYPE=ENGINEERING CONSTANTS") == int((mesh.region == 1).sum())
    assert re.search(r"\*ELASTIC\n2500, 0.3\n", text)


def test_linear_deck_has_one_step_and_one_material_for_each_modulus(model):
    mesh, materials, load = model
    materials = replace(materials, youngs_modulus_mpa=np.where(mesh.region == 2, 2500.0, 700.0))
    text = export("calculix", mesh, materials, load, scheme="linear")
    assert text.count("*STEP") == 1
    assert text.count("*MATERIAL") == 2
    assert "*PLASTIC" not in text


def test_names_are_made_to_fit_and_stay_apart():
    names = keyword_names(["field-of-view-border", "Field of view border", "2nd plate", "ρ", "held1", "allnodes", "x" * 100])
    assert list(names.values()) == [
        "FIELD_OF_VIEW_BORDER", "FIELD_OF_VIEW_BORDER_2", "S_2ND_PLATE", "SET", "S_HELD1", "ALLNODES_2", "X" * 60
    ]  # fmt: skip


def test_files_are_kept_when_asked_for(needs_ccx, model, solve):
    journal = QuietJournal()
    response = solve(*model, journal, keep_files=True)
    assert response.stop_reason == ""
    assert set(journal.attachments) == {f"calculix.{suffix}" for suffix in ("inp", "sta", "log", "frd")}
    assert b"Job finished" in journal.attachments["calculix.log"]
    assert journal.attachments["calculix.frd"].count(b"DISP") >= len(response.force_n) - 1
    quiet = QuietJournal()
    solve(*model, quiet)
    assert quiet.attachments == {}
