"""The VTU read back by meshio, and the ParOSol file by h5py, both against the model they came from."""

from __future__ import annotations

from dataclasses import replace

import h5py
import meshio
import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from culmann import InputError, Mesh, Orthotropy
from culmann.journal import QuietJournal
from culmann_export.parosol import ExportParosolConfig, export_parosol
from culmann_export.vtu_model import ExportVtuConfig, export_vtu


def test_vtu_holds_the_model(model, wanted, tmp_path):
    mesh, materials, load = model
    path = tmp_path / "model.vtu"
    path.write_bytes(export_vtu(mesh, materials, load, ExportVtuConfig()).files["model.vtu"])
    read = meshio.vtu.read(path)
    assert np.array_equal(read.points, mesh.points_mm)
    assert np.array_equal(read.cells_dict["hexahedron"], mesh.cells)
    for name in ("youngs_modulus_mpa", "poisson_ratio", "density_g_cm3", "stress_mpa", "plastic_strain"):
        assert np.array_equal(read.cell_data[name][0], getattr(materials, name)), name
    assert np.array_equal(read.cell_data["region"][0], mesh.region)
    assert np.array_equal(np.flatnonzero(read.point_data["set:bottom"]), load.prescribed["bottom"].nodes)
    assert np.array_equal(np.flatnonzero(read.point_data["set:field of view"]), mesh.node_sets["field of view"])
    assert read.point_data["prescribed_mm"] == pytest.approx(wanted, nan_ok=True)
    head = path.read_text(encoding="utf-8")[:2000]
    assert "Not carried over: names of regions" in head
    assert "Units: mm, N, MPa" in head


def parosol(model, tmp_path, journal=None):
    path = tmp_path / "parosol.h5"
    path.write_bytes(export_parosol(*model, ExportParosolConfig(), journal or QuietJournal()).files["parosol.h5"])
    with h5py.File(path) as file:
        return {name: item[()] for name, item in file["Image_Data"].items()}, dict(file.attrs)


def test_parosol_file_holds_every_voxel_and_every_prescribed_freedom(model, wanted, tmp_path):
    mesh, materials, _ = model
    journal = QuietJournal()
    data, facts = parosol(model, tmp_path, journal)
    assert data["Voxelsize"] == 1.5
    assert data["Poisons_ratio"] == 0.3
    assert "yielding" in facts["not_carried_over"]
    assert journal.warnings
    axes, corner = facts["voxel_axes_lps"], facts["corner_lps_mm"]
    # From the file alone: where each voxel and node is in the patient.
    k, j, i = np.nonzero(data["Image"])
    centre = corner + (np.stack([i, j, k], axis=1) + 0.5) * 1.5 @ axes
    distance = np.linalg.norm(centre[:, None] - mesh.cell_centres_mm()[None], axis=2)
    cell = distance.argmin(axis=1)
    assert distance.min(axis=1).max() < 1e-9
    assert sorted(cell) == list(range(mesh.n_cells))
    assert 1000 * data["Image"][k, j, i] == pytest.approx(materials.youngs_modulus_mpa[cell], rel=1e-6)
    found = np.full((mesh.n_points, 3), np.nan)
    for (z, y, x, direction), value in zip(
        data["Fixed_Displacement_Coordinates"].astype(int), data["Fixed_Displacement_Values"], strict=True
    ):
        at = corner + np.array([x, y, z]) * 1.5 @ axes
        (node,) = np.flatnonzero(np.linalg.norm(mesh.points_mm - at, axis=1) < 1e-9)
        lps = int(np.argmax(np.abs(axes[direction])))
        assert np.isnan(found[node, lps])
        found[node, lps] = value * axes[direction, lps]
    assert found == pytest.approx(wanted, abs=1e-7, nan_ok=True)


def test_parosol_file_is_the_same_each_time(model):
    first, second = (export_parosol(*model, ExportParosolConfig(), QuietJournal()).files["parosol.h5"] for _ in range(2))
    assert first == second


def test_what_parosol_does_not_take(model, tmp_path):
    mesh, materials, load = model
    tets = Mesh(mesh.points_mm, mesh.cells[:, :4], "tet4", mesh.region)
    flat = replace(mesh, lattice=replace(mesh.lattice, grid=replace(mesh.lattice.grid, spacing_mm=(1.5, 1.5, 3.0))))
    two = np.where(mesh.region == 2, 0.4, 0.3)
    bone = Orthotropy((1, 1, 1), (0.4, 0.4, 0.4), (0.2, 0.2, 0.2))
    oblique = replace(load, axes=Rotation.from_euler("z", 20, degrees=True).as_matrix())
    for case, told in (
        ((tets, materials, load), "takes voxels, not tet4"),
        ((flat, materials, load), "takes cubes, and the voxels are 1.5 x 1.5 x 3 mm"),
        ((mesh, replace(materials, poisson_ratio=two), load), "one Poisson's ratio for all cells, and the model has 0.3, 0.4"),
        ((mesh, replace(materials, orthotropy=bone), load), "isotropic materials"),
        ((mesh, materials, oblique), "askew to the voxels"),
    ):
        with pytest.raises(InputError, match=told):
            parosol(case, tmp_path)
