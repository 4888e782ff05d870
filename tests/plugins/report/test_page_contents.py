"""What the page is made of: sampled, made coarser and told as it is, for turned, mirrored, tetrahedral and missing data."""

from __future__ import annotations

import json
import re
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy import ndimage
from scipy.spatial import Delaunay

from culmann.data import DensityMap, Fields, Grid, Labels, LoadCase, Mesh, Prescribed, Response, Scan, Solid, Strength
from culmann.data.placement import UNMOVED, Placement
from culmann.pipeline import Run, Silent, read_pipeline, reopen, run
from culmann.plugins import load_catalogue
from culmann.shipped import find_pipeline
from culmann.surface import outer_surface
from culmann.voxels import hexahedra
from culmann_report.page import page
from culmann_report.rasterising import tetrahedra_on
from culmann_report.slices import cells_at
from culmann_report.solid import bone, fewer, nodes, shade
from culmann_report.volume import BONE_CELL, MASK, Volume, block
from culmann_report.words import calibration_text, methods, option_text

TURN = np.array([[2.0, -2, 1], [1, 2, 2], [-2, -1, 2]]) / 3
MIRRORED = UNMOVED.moved(np.diag([-1.0, 1, 1, 1]), "mirrored left to right")


def ball(axes: np.ndarray | None = None, placement: Placement = UNMOVED) -> tuple[Labels, Mesh]:
    axes = np.eye(3) if axes is None else axes
    grid = Grid((22, 20, 18), (1.5, 1.5, 1.5), (30.0, -20.0, 400.0), tuple(axes.ravel()))
    k, j, i = np.indices(grid.shape)
    label = (((i - 11) / 8) ** 2 + ((j - 9.5) / 7) ** 2 + ((k - 8.5) / 6) ** 2 < 1).astype(np.int32)
    labels = Labels(grid, label, {1: "bone"}, placement=placement)
    return labels, replace(hexahedra(grid, label, {1: "bone"}), placement=placement)


def response(mesh: Mesh, phase: np.ndarray | None = None) -> Response:
    zero = np.zeros(mesh.n_cells)
    fields = Fields(np.zeros((mesh.n_points, 3)), zero + 0.01, zero, zero, zero if phase is None else phase)
    cells = {"density_g_cm3": mesh.cell_centres_mm()[:, 2] - mesh.points_mm[:, 2].min()}
    return Response(mesh, np.array([0.0, 0.4]), np.array([0.0, 4000.0]), 20.0, fields, fields, {}, cells=cells)


def places(volume: Volume) -> np.ndarray:
    z, y, x = np.indices(volume.grey.shape).reshape(3, -1)
    return volume.first_mm + volume.step_mm * np.stack([x, y, z], axis=1)


@pytest.mark.parametrize("placement", [UNMOVED, MIRRORED], ids=["as scanned", "mirrored"])
@pytest.mark.parametrize("axes", [np.eye(3), TURN, np.diag([1.0, -1.0, 1.0])], ids=["straight", "turned", "flipped"])
def test_block_has_the_values_of_the_image_in_the_patients_places(axes: np.ndarray, placement: Placement) -> None:
    labels, mesh = ball(axes, placement)
    hu = np.random.default_rng(3).uniform(-100, 800, labels.grid.shape).astype(np.float32)
    phase = np.arange(mesh.n_cells) % 3
    made = block(Scan(labels.grid, hu, placement=placement), labels, response(mesh, phase), response(mesh, phase).end)
    assert made is not None
    index = labels.grid.to_index(placement.point_from_patient(places(made)))
    inside = ((index > 0) & (index < np.array(labels.grid.size) - 1)).all(axis=1)
    wanted = ndimage.map_coordinates(hu, index[inside, ::-1].T, order=1)
    low, high = made.window
    np.testing.assert_allclose(made.grey.ravel()[inside], 255 * (wanted - low) / (high - low), atol=0.51)
    # Half a voxel from a border, rounding decides; away from it, mask and phase are those of the nearest voxel.
    clear = inside & (np.abs(index - np.floor(index) - 0.5).min(axis=1) > 0.01)
    nearest = tuple(np.round(index[clear]).astype(int)[:, ::-1].T)
    codes = made.codes.ravel()[clear]
    np.testing.assert_array_equal((codes & MASK) > 0, labels.label[nearest] > 0)
    number = np.full(labels.grid.shape, -1)
    number[tuple(mesh.lattice.cell_index[:, ::-1].T)] = np.arange(mesh.n_cells)
    cell = number[nearest]
    np.testing.assert_array_equal(codes & 127, np.where(cell >= 0, BONE_CELL + phase[cell], 0))
    assert ((made.codes & MASK) > 0).sum() * made.step_mm**3 == pytest.approx(labels.foreground.sum() * 1.5**3, rel=0.03)


def test_block_is_no_larger_than_asked_and_tells_its_step() -> None:
    labels, mesh = ball()
    made = block(
        Scan(labels.grid, np.zeros(labels.grid.shape, np.float32)), labels, response(mesh), response(mesh).end, most=20_000
    )
    assert made is not None
    assert made.grey.size < 24_000
    assert made.step_mm > 1.4  # 0.75 mm where there is room


def test_block_of_a_density_is_in_its_own_unit_and_needs_no_response() -> None:
    labels, _ = ball()
    rho = np.linspace(0, 1.2, labels.label.size, dtype=np.float32).reshape(labels.grid.shape)
    made = block(DensityMap(labels.grid, rho, "ash"), labels, None, None)
    assert made is not None
    assert made.unit == "g/cm³"
    assert 0 <= made.window[0] < made.window[1] <= 1.2
    assert set(np.unique(made.codes)) == {0, MASK}
    assert block(DensityMap(labels.grid, rho, "ash"), None, None, None) is None


def test_tetrahedra_are_found_where_the_search_among_the_nearest_finds_them() -> None:
    rng = np.random.default_rng(8)
    points = rng.uniform(1, 17, (160, 3))
    cells = Delaunay(points).simplices.astype(np.int64)
    shape = (16, 18, 17)
    found = tetrahedra_on(points[cells], shape)
    z, y, x = np.indices(shape).reshape(3, -1)
    mesh = Mesh(points, cells, "tet4", np.ones(len(cells), dtype=np.int64))
    wanted = Delaunay(points).find_simplex(np.stack([x, y, z], axis=1).astype(float))
    np.testing.assert_array_equal(found.ravel() >= 0, wanted >= 0)
    agree = found.ravel() == wanted
    assert agree.mean() > 0.999  # a grid point on a side belongs to either
    near = cells_at(mesh, np.stack([x, y, z], axis=1)[None].astype(float))[0]
    assert (near[near >= 0] == found.ravel()[near >= 0]).mean() > 0.999


def test_fewer_triangles_hold_the_volume_and_are_told() -> None:
    _, mesh = ball()
    whole = outer_surface(mesh, mesh.is_bone, smoothing_mm=0.0)
    coarse, merged = fewer(whole, 800)
    assert len(whole.triangles) > 1500
    assert 200 < len(coarse.triangles) <= 800
    assert merged > 0
    assert coarse.volume_mm3() == pytest.approx(whole.volume_mm3(), rel=0.06)
    same, none = fewer(whole, 100_000)
    assert same is whole
    assert none == 0


def test_bone_lies_where_the_patient_has_it_with_its_values_beside_it() -> None:
    _, mesh = ball(placement=MIRRORED)
    made = bone(response(mesh), response(mesh).end)
    centre = MIRRORED.point_to_patient(mesh.cell_centres_mm()).mean(axis=0)
    assert np.abs(made.points_mm.mean(axis=0) - centre).max() < 0.5
    a, b, c = (made.points_mm[made.triangles[:, n]] - made.points_mm[0] for n in range(3))
    assert np.einsum("nx,nx->", a, np.cross(b, c)) > 0  # normals point outwards, although it was mirrored
    height = made.points_mm[:, 2] - mesh.points_mm[:, 2].min()
    assert made.density_g_cm3 is not None
    assert np.abs(made.density_g_cm3 - height).max() < 2.5


def test_nodes_are_told_by_their_role_and_counted_in_full() -> None:
    _, mesh = ball()
    z = mesh.points_mm[:, 2]
    low, high = np.flatnonzero(z < z.min() + 8), np.flatnonzero(z > z.max() - 2)
    load = LoadCase(
        {"top": Prescribed(high, (0.0, 0.0, -1.0)), "base": Prescribed(low, (0.0, 0.0, None))}, "top", (0, 0, -1.0), 20
    )
    top, base = nodes(mesh, load)
    assert (top.name, top.role, top.total) == ("top", "loaded", len(high))
    assert (base.name, base.role) == ("base", "held")


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ([2.0, 2.0, 4.0], "2 × 2 × 4"),
        ([500.0, 15000.0], "500 to 15000"),
        (True, "yes"),
        ("/home/jane/ct.nii.gz", "ct.nii.gz"),
        ([22], "22"),
    ],
)
def test_options_read_as_people_write_them(value: object, said: str) -> None:
    assert option_text(value) == said


def test_calibration_is_told_as_it_was_made() -> None:
    line = {"slope_g_cm3_per_hu": 0.0007, "intercept_g_cm3": -0.0036}
    assert (
        calibration_text({"method": "assumed line", **line})
        == "The line was assumed, not measured: density = 0.0007 · HU − 0.0036 g/cm³."
    )
    assert "measured: density" in calibration_text({"method": "phantom", "r2": 0.9991, **line})
    assert calibration_text({"method": "identity"}) == ""


def test_methods_tell_what_was_done_with_numbers_and_sources(vertebra_run: Run) -> None:
    from culmann_report.found import find

    found = find(vertebra_run)
    told = methods(vertebra_run, found)
    text = " ".join(told.paragraphs).replace("\u202f", " ")
    response_, strength = vertebra_run.value("response"), vertebra_run.value("strength")
    assert f"{response_.mesh.n_cells:,} hexahedra".replace(",", " ") in text
    assert f"was {strength.failure_load_n:,.0f} N at a displacement of".replace(",", " ") in text
    assert "kopperdahl (yield strain 0.015)" in text
    assert "voxel-mesh (size 3 mm)" in text
    assert "with mesh.size_mm=3 set" in text
    assert "assumed, not measured" in text
    numbers = {int(n) for marks in re.findall(r"\[([\d, ]+)\]", text) for n in marks.split(",")}
    assert numbers == set(range(1, len(told.references) + 1))
    assert any(source.address == "https://doi.org/10.1038/s41598-024-66934-w" for source in told.references)


def test_page_is_small_whole_and_names_no_folder(vertebra_run: Run) -> None:
    html = (vertebra_run.out / "report.html").read_text(encoding="utf-8")
    assert len(html) < 4e6
    assert "jane-doe" not in html  # folders may hold names of patients
    assert "ct.nii.gz" in html
    sources = re.findall(r"""<(?:img|script|link)[^>]*?(?:src|href)=["']([^"']{1,40})""", html)
    assert sources
    assert all(source.startswith(("data:", "#")) for source in sources)


def test_page_escapes_what_a_pipeline_says(tmp_path: Path, vertebra_run: Run) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(vertebra_run.out, copy)
    manifest = json.loads((copy / "manifest.json").read_text())
    manifest["about"] = "</script><script>alert(1)</script>"
    (copy / "manifest.json").write_text(json.dumps(manifest))
    html = page(reopen(copy)).files["report.html"].decode()
    assert "<script>alert(1)" not in html
    assert "&lt;script&gt;alert(1)" in html


def test_run_whose_values_are_gone_still_has_a_page_that_says_so(tmp_path: Path, vertebra_run: Run) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(vertebra_run.out, copy)
    manifest = json.loads((copy / "manifest.json").read_text())
    manifest["inputs"]["scan"]["path"] = str(tmp_path / "gone.nii.gz")
    (copy / "manifest.json").write_text(json.dumps(manifest))
    html = page(reopen(copy, tmp_path / "no-store")).files["report.html"].decode()
    strength: Strength = vertebra_run.value("strength")
    assert f"{strength.failure_load_n:,.0f}".replace(",", "\u202f") in html
    assert "gone.nii.gz any more" in html


def test_pipeline_without_a_failure_load_has_a_page(tmp_path: Path) -> None:
    data = find_pipeline("vertebra_voxel").parent / "data" / "vertebra_l3_ct"
    (tmp_path / "p.yaml").write_text(
        f"name: labels-only\ninputs:\n  scan: {{type: Scan, path: {data / 'ct.nii.gz'}}}\n"
        f"  labels: {{type: Labels, path: {data / 'vertebrae.nii.gz'}}}\n"
        "steps:\n  bone: {use: pick-labels, with: {labels: [22]}}\noutputs: [bone]\n"
    )
    done = run(
        read_pipeline(tmp_path / "p.yaml", load_catalogue()), out=tmp_path / "out", store=tmp_path / "s", listener=Silent()
    )
    assert done.manifest["run_reports"]["html-report"] == {"files": ["report.html"]}
    html = (done.out / "report.html").read_text(encoding="utf-8")
    assert "This pipeline gives no failure load" in html
    assert 'id="slices-data"' in html
    assert 'id="solid-data"' not in html


def test_variants_have_pages_and_one_together(levels_run: Run) -> None:
    done = levels_run
    html = (done.out / "report.html").read_text(encoding="utf-8")
    load = done.variants["L3"].value("strength").failure_load_n
    assert 'href="L3/report.html"' in html
    assert f"{load:,.0f}".replace(",", "\u202f") in html
    assert 'href="L2/report.html"' not in html
    assert "the bone is cut there" in html
    assert "assumed, not measured" in html
    assert 'href="../report.html"' in (done.out / "L3" / "report.html").read_text(encoding="utf-8")


def test_failure_load_of_another_curve_is_told_and_not_drawn_on_this_one(tmp_path: Path) -> None:
    data = find_pipeline("vertebra_voxel").parent / "data" / "vertebra_l3_ct"
    text = find_pipeline("vertebra_voxel").read_text(encoding="utf-8").replace("path: data/vertebra_l3_ct", f"path: {data}")
    text = text.replace("{use: force-at-strain", "{use: force-at-strain, from: response").replace(
        "  pictures: {use: figures}\n", ""
    )
    text = text.replace(
        "outputs: [strength, response, pictures, load]",
        "  linear: {use: native-solver, with: {scheme: linear}}\n  rule: {use: stiffness-rule, from: linear}\n"
        "outputs: {a: strength, b: rule, c: response}",
    )
    (tmp_path / "p.yaml").write_text(text, encoding="utf-8")
    graph = read_pipeline(tmp_path / "p.yaml", load_catalogue(), ["mesh.size_mm=4"])
    done = run(graph, out=tmp_path / "out", store=tmp_path / "store", listener=Silent())
    html = (done.out / "report.html").read_text(encoding="utf-8")
    facts = json.loads(re.search(r'id="facts">(.*?)</script>', html, flags=re.DOTALL)[1])
    assert [mark["name"] for mark in facts["curve"]["marks"]] == ["strength"]
    other = done.value("rule")
    assert f"{other.failure_load_n:,.0f}".replace(",", "\u202f") in html
    assert "(of another curve)" in html
    assert "no cell yields" in html  # its own caution stands beside it


def test_what_is_not_bone_is_drawn_beside_it_and_not_coloured() -> None:
    labels, mesh = ball()
    upper = labels.label * np.where(np.indices(labels.grid.shape)[0] > 11, 2, 1)
    mesh = replace(hexahedra(labels.grid, upper, {1: "bone", 2: "cement"}), solids={2: Solid(2500.0)})
    veil = shade(mesh)
    made = bone(response(mesh), response(mesh).end)
    assert veil is not None
    assert veil.points_mm[:, 2].min() > made.points_mm[:, 2].mean()
    assert made.points_mm[:, 2].max() < veil.points_mm[:, 2].max() - 3
    assert shade(ball()[1]) is None
