"""The FEBio file read back by an XML parser: mesh, materials, sets and boundary conditions. No FEBio is at hand to run it."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from dataclasses import replace

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from culmann import InputError, Orthotropy, SolverError
from culmann.journal import QuietJournal
from culmann_export.febio import ExportFebioConfig, export_febio


def export(model, journal=None, **options):
    report = export_febio(*model, ExportFebioConfig(**options), journal or QuietJournal())
    return ET.fromstring(report.files["model.feb"])


def numbers(text, kind=float):
    return [kind(part) for part in text.split(",")]


def test_sections_stand_in_the_order_of_the_format(model):
    root = export(model)
    assert root.tag == "febio_spec"
    assert root.get("version") == "4.0"
    order = ["Module", "Control", "Material", "Mesh", "MeshDomains", "Boundary", "LoadData", "Output"]
    assert [part.tag for part in root] == order
    assert root.find("Module").get("type") == "solid"


def test_mesh_is_the_same(model):
    mesh, _, _ = model
    root = export(model)
    nodes = {int(node.get("id")): numbers(node.text) for node in root.find("Mesh/Nodes")}
    assert np.array([nodes[n + 1] for n in range(mesh.n_points)]) == pytest.approx(mesh.points_mm, abs=1e-9)
    cells = {int(cell.get("id")): numbers(cell.text, int) for cell in root.iter("elem")}
    assert len(list(root.iter("elem"))) == mesh.n_cells
    assert np.array_equal([cells[c + 1] for c in range(mesh.n_cells)], mesh.cells + 1)
    assert {part.get("type") for part in root.iter("Elements")} == {"hex8"}


def moduli(root, n_cells):
    materials = {m.get("name"): m for m in root.find("Material")}
    of_domain = {d.get("name"): materials[d.get("mat")] for d in root.find("MeshDomains")}
    result = np.full(n_cells, np.nan)
    for part in root.iter("Elements"):
        for cell in part:
            result[int(cell.get("id")) - 1] = float(of_domain[part.get("name")].find("E").text)
    return result


def test_every_cell_has_its_modulus(model):
    mesh, materials, _ = model
    exact = export(model, bin_width_mpa=0.0)
    assert moduli(exact, mesh.n_cells) == pytest.approx(materials.youngs_modulus_mpa, rel=1e-11)
    assert {m.get("type") for m in exact.find("Material")} == {"isotropic elastic"}
    assert {float(v.text) for v in exact.iter("v")} == {0.3}
    binned = export(model, bin_width_mpa=100.0, material="neo-Hookean")
    assert np.abs(moduli(binned, mesh.n_cells) - materials.youngs_modulus_mpa).max() <= 100
    assert len(binned.find("Material")) <= 21
    assert {m.get("type") for m in binned.find("Material")} == {"neo-Hookean"}


def test_every_node_is_held_as_the_load_case_says(model, wanted):
    mesh, _, load = model
    root = export(model)
    sets = {s.get("name"): np.array(numbers(s.text, int)) - 1 for s in root.iter("NodeSet")}
    for name, held in load.prescribed.items():
        assert np.array_equal(sets[name], held.nodes)
    assert np.array_equal(sets["field of view"], mesh.node_sets["field of view"])
    found = np.full((mesh.n_points, 3), np.nan)
    for condition in root.find("Boundary"):
        if condition.get("type") == "zero displacement":
            axes, value = [n for n, axis in enumerate("xyz") if condition.find(f"{axis}_dof").text == "1"], 0.0
        else:
            assert condition.get("type") == "prescribed displacement"
            assert condition.find("relative").text == "0"
            assert condition.find("value").get("lc") == "1"
            axes, value = ["xyz".index(condition.find("dof").text)], float(condition.find("value").text)
        for axis in axes:
            assert np.isnan(found[sets[condition.get("node_set")], axis]).all(), "a freedom is prescribed twice"
            found[sets[condition.get("node_set")], axis] = value
    assert found == pytest.approx(wanted, nan_ok=True)
    ramp = root.find("LoadData/load_controller")
    assert ramp.get("id") == "1"
    assert [point.text for point in ramp.find("points")] == ["0,0", "1,1"]
    control = root.find("Control")
    assert int(control.find("time_steps").text) * float(control.find("step_size").text) >= 1


def test_turned_frame_is_said_along_lps_and_an_oblique_one_refused(model):
    mesh, materials, load = model
    turned = np.array([[0.0, 1, 0], [0, 0, -1], [1, 0, 0]])
    root = export((mesh, materials, replace(load, axes=turned)))
    bottom = {c.find("dof").text: float(c.find("value").text) for c in root.find("Boundary") if c.find("dof") is not None}
    # Along the axes of the load the top moves by (0.05, 0, -0.2): 0.05 along y and -0.2 along x.
    assert bottom == {"y": 0.05, "x": -0.2}
    oblique = replace(load, axes=Rotation.from_euler("z", 20, degrees=True).as_matrix())
    with pytest.raises(InputError, match="askew to x, y, z"):
        export((mesh, materials, oblique))


def test_head_and_warning_say_that_yielding_is_left_out(model):
    mesh, materials, load = model
    journal = QuietJournal()
    text = export_febio(mesh, materials, load, ExportFebioConfig(), journal).files["model.feb"].decode("utf-8")
    assert "Not carried over: yielding" in text
    assert "Units: mm, N, MPa" in text
    assert journal.warnings == ["not carried over into model.feb: yielding; all materials are elastic"]


def test_orthotropic_bone_and_isotropic_cement(model):
    mesh, materials, load = model
    bone = Orthotropy((0.4, 0.5, 1.0), (0.15, 0.2, 0.25), (0.3, 0.15, 0.35), np.array([[0.0, 1, 0], [1, 0, 0], [0, 0, 1]]))
    root = export((mesh, replace(materials, orthotropy=bone), load), bin_width_mpa=0.0)
    kinds = [m.get("type") for m in root.find("Material")]
    assert kinds.count("orthotropic elastic") == int((mesh.region == 1).sum())
    assert kinds.count("isotropic elastic") == 1
    one = next(m for m in root.find("Material") if m.get("type") == "orthotropic elastic")
    e3 = float(one.find("E3").text)
    assert [float(one.find(n).text) / e3 for n in ("E1", "E2", "G12", "G23", "G31")] == pytest.approx(
        [0.4, 0.5, 0.15, 0.2, 0.25]
    )
    assert [float(one.find(n).text) for n in ("v12", "v23", "v31")] == [0.3, 0.15, 0.35]
    assert numbers(one.find("mat_axis/a").text) == [0, 1, 0]
    assert numbers(one.find("mat_axis/d").text) == [1, 0, 0]


def test_mesh_and_materials_that_do_not_belong_together(model):
    mesh, materials, load = model
    keep = np.arange(mesh.n_cells) > 0
    with pytest.raises(InputError, match="the materials describe"):
        export((mesh.part(keep), materials, load))
    loose = replace(mesh, points_mm=np.concatenate([mesh.points_mm, [[0, 0, 0]]]))
    held = replace(load.prescribed["top"], nodes=np.array([mesh.n_points]))
    with pytest.raises(SolverError, match="belong to no cell"):
        export((loose, materials, replace(load, prescribed={**load.prescribed, "top": held})))
