"""The scene of 3D Slicer: what Slicer would show lies where the patient has it."""

from __future__ import annotations

from xml.etree import ElementTree

import numpy as np
import pytest
import SimpleITK as sitk

from culmann.data import Labels, Response, Scan
from culmann.errors import InputError
from culmann.image_files import read_label_file
from culmann.pipeline import read_pipeline, run
from culmann.plugins import load_catalogue
from culmann_interchange.cases import one_case
from culmann_interchange.painted_surface import painted_surface
from culmann_interchange.slicer import write_scene

RAS = np.diag([-1.0, -1.0, 1.0])


@pytest.fixture(scope="module", params=["left", "right"])
def exported(request, run_folder, tmp_path_factory):
    out = tmp_path_factory.mktemp("scene") / "scene"
    case = one_case(run_folder, request.param, None)
    assert write_scene(case, out) == []
    return case, out


def nodes(out):
    return {node.get("id"): node for node in ElementTree.parse(out / "scene.mrml").getroot()}


def read_vtk(path):
    """A reader of its own for what legacy VTK says: the points, the faces and the fields of a binary POLYDATA file."""
    data = path.read_bytes()
    head = data[:200].split(b"\n")[:4]
    at = data.index(b"POINTS")
    n = int(data[at:].split(b"\n", 1)[0].split()[1])
    start = data.index(b"\n", at) + 1
    points = np.frombuffer(data, ">f4", 3 * n, start).reshape(n, 3)
    at = data.index(b"POLYGONS", start + 12 * n)
    _, m, size = data[at:].split(b"\n", 1)[0].split()
    start = data.index(b"\n", at) + 1
    faces = np.frombuffer(data, ">i4", int(size), start).reshape(int(m), -1)
    at, fields = start + 4 * int(size), {}
    for what in (b"CELL_DATA", b"POINT_DATA"):
        at = data.index(what, at)
        line = data[at:].split(b"\n", 2)[1]
        at = data.index(line, at) + len(line) + 1
        for _ in range(int(line.split()[2])):
            name, width, count, _ = data[at:].split(b"\n", 1)[0].split()
            at = data.index(b"\n", at) + 1
            values = np.frombuffer(data, ">f4", int(width) * int(count), at)
            fields[what.decode(), name.decode()] = values.reshape(int(count), int(width))
            at += values.nbytes + 1
    return head, points.astype(float), faces, fields


def test_every_node_names_files_and_nodes_that_are_there(exported):
    _, out = exported
    found = nodes(out)
    for node in found.values():
        if node.get("fileName"):
            assert (out / node.get("fileName")).is_file()
        for word in (node.get("references") or "").strip(";").split(";"):
            if word:
                assert word.split(":")[1] in found
        for attribute in ("displayNodeRef", "storageNodeRef", "backgroundVolumeID"):
            if node.get(attribute):
                assert node.get(attribute) in found
    assert {node.tag for node in found.values()} >= {"Volume", "Segmentation", "Model"}


def test_the_image_lies_as_the_scan_does_and_as_the_scene_says(exported):
    case, out = exported
    scan: Scan = case.run.value("scan")
    image = sitk.ReadImage(str(out / "scan.nrrd"))
    assert np.array_equal(sitk.GetArrayFromImage(image), scan.hu)
    node = nodes(out)["vtkMRMLScalarVolumeNode1"]
    numbers = {name: np.array(node.get(name).split(), dtype=float) for name in ("origin", "spacing", "ijkToRASDirections")}
    to_ras = numbers["ijkToRASDirections"].reshape(3, 3) * numbers["spacing"]
    for index in [(0, 0, 0), (25, 3, 7), (4, 21, 17)]:
        in_file = RAS @ np.array(image.TransformIndexToPhysicalPoint(index))
        assert np.allclose(to_ras @ np.array(index) + numbers["origin"], in_file, atol=1e-4)


def test_segments_have_their_names_and_lie_where_the_label_map_has_them(exported, case_folder):
    _, out = exported
    read = read_label_file(out / "labels.seg.nrrd")
    whole = read_label_file(case_folder / "labels.nii.gz")
    assert read.present() == {1: "L3"}
    assert read.grid.same_as(whole.grid)
    same = (read.label == 1) == (whole.label == 3)
    assert same.mean() > 0.995  # a mirrored label map goes back through two half voxels at most


def test_the_surface_lies_on_the_labels_and_carries_the_fields_of_its_cells(exported):
    case, out = exported
    head, points, faces, fields = read_vtk(out / "surface.vtk")
    assert b"SPACE=LPS" in head[1]
    labels: Labels = case.labels_in_patient()
    index = labels.grid.to_index(points)
    where = np.argwhere(labels.foreground)[:, ::-1]
    reach = 3.0 / np.asarray(labels.grid.spacing_mm)  # cells of 3 mm on voxels of 2 mm
    assert (index >= where.min(axis=0) - 0.5 - reach).all()
    assert (index <= where.max(axis=0) + 0.5 + reach).all()
    middle = (where.min(axis=0) + where.max(axis=0)) / 2
    assert np.abs((index.min(axis=0) + index.max(axis=0)) / 2 - middle).max() < 0.8
    response: Response = case.run.value("response")
    centre = response.mesh.placement.point_to_patient(response.mesh.cell_centres_mm())
    middle_of_face = points[faces[:, 1:]].mean(axis=1)
    cell = np.linalg.norm(middle_of_face[:, None] - centre[None], axis=2).argmin(axis=1)
    painted = fields["CELL_DATA", "equivalent_strain"][:, 0]
    assert np.allclose(painted, response.peak.equivalent_strain[cell], rtol=1e-5)
    assert set(np.unique(fields["CELL_DATA", "phase"])) <= set(np.unique(response.peak.phase))


def test_faces_look_outwards_also_when_the_bone_was_mirrored(exported):
    _, out = exported
    _, points, faces, _ = read_vtk(out / "surface.vtk")
    a, b, c, d = (points[faces[:, n]] for n in (1, 2, 3, 4))
    area = np.cross(c - a, d - b) / 2
    middle = (a + b + c + d) / 4 - points.mean(axis=0)
    assert np.einsum("ij,ij->", middle, area) / 3 == pytest.approx(_volume(points), rel=0.02)


def _volume(points):
    """Of the box in its own axes, which are those of a turn by 0.35 one way or, mirrored, the other."""
    return min(float(np.prod(np.ptp(points @ axes(angle), axis=0))) for angle in (0.35, -0.35))


def axes(angle):
    c, s = np.cos(angle), np.sin(angle)
    return np.array([[c, -s, 0.0], [s, c, 0.0], [0.0, 0.0, 1.0]])


@pytest.mark.parametrize("variant", ["left", "right"])
def test_displacements_turn_with_the_surface(run_folder, variant):
    response: Response = one_case(run_folder, variant, None).run.value("response")
    surface = painted_surface(response)
    moved, at = surface.on_points["displacement_mm"], surface.points_mm - surface.points_mm.mean(axis=0)
    assert (moved[at[:, 2] > 0.99 * at[:, 2].max(), 2] < -0.1).all()  # pressed towards the feet
    waist = np.abs(at[:, 2]) < 0.5 * at[:, 2].max()
    assert (moved[waist] * at[waist])[:, 0].sum() > 0  # and bulging, to the left on the left
    assert (moved[waist] * at[waist])[:, 1].sum() > 0


def run_on_density(folder, case_folder):
    """A run that began with a density map and made no mesh."""
    scan = sitk.ReadImage(str(case_folder / "ct.nii.gz"))
    sitk.WriteImage(sitk.Cast(scan, sitk.sitkFloat32), str(folder / "density.nii.gz"))
    (folder / "p.yaml").write_text(
        "name: dense\ninputs:\n  density: {type: DensityMap, path: density.nii.gz, with: {unit: mg/cm3, kind: qct-k2hpo4}}\n"
        f"  labels: {{type: Labels, path: {case_folder / 'labels.nii.gz'}}}\nsteps:\n  bone: {{use: pick-labels}}\n"
        "  ash: {use: convert-density, with: {conversion: k2hpo4-to-ash}}\noutputs: [bone, ash]\n"
    )
    run(read_pipeline(folder / "p.yaml", load_catalogue()), out=folder / "run", store=folder / "store")
    return folder / "run"


def test_a_run_that_began_with_a_density_shows_that(case_folder, tmp_path):
    case = one_case(run_on_density(tmp_path, case_folder), None, None)
    assert write_scene(case, tmp_path / "scene") == ["the run has no response: no mesh is shown"]
    shown = sitk.GetArrayFromImage(sitk.ReadImage(str(tmp_path / "scene" / "density.nrrd")))
    assert np.allclose(shown, case.run.value("density").g_cm3)
    assert {node.tag for node in nodes(tmp_path / "scene").values()} >= {"Volume", "Segmentation"}
    assert "vtkMRMLModelNode1" not in nodes(tmp_path / "scene")


def test_an_input_that_changed_since_is_told_and_nothing_is_written(case_folder, tmp_path):
    folder = run_on_density(tmp_path, case_folder)
    image = sitk.ReadImage(str(tmp_path / "density.nii.gz"))
    sitk.WriteImage(image + 1, str(tmp_path / "density.nii.gz"))
    with pytest.raises(InputError, match=r"'density' of the run .* has changed since"):
        write_scene(one_case(folder, None, None), tmp_path / "scene")
    assert not (tmp_path / "scene").exists()


def test_a_variant_must_be_named_and_known(run_folder, tmp_path):
    with pytest.raises(InputError, match="has several variants") as problem:
        one_case(run_folder, None, None)
    assert "left, right" in problem.value.hint
    with pytest.raises(InputError, match="has no variant 'upper'"):
        one_case(run_folder, "upper", None)
    case = one_case(run_folder / "left", None, None)
    with pytest.raises(InputError, match="has no Labels 'density'"):
        write_scene(case, tmp_path / "scene", "density")
    assert not any(tmp_path.iterdir())


def test_what_is_there_already_is_not_touched(run_folder, tmp_path):
    (tmp_path / "scene").mkdir()
    (tmp_path / "scene" / "mine.txt").write_text("mine")
    with pytest.raises(InputError, match="is there already"):
        write_scene(one_case(run_folder, "left", None), tmp_path / "scene")
    assert [path.name for path in tmp_path.rglob("*")] == ["scene", "mine.txt"]
