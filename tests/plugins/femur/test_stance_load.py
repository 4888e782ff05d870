"""Stance on a femur of spheres and cylinders: nodes and areas against closed forms, directions against rotations."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from analytic_femur import HEAD, HEAD_RADIUS, NECK, SHAFT_RADIUS, UPRIGHT, Pose, femur
from scipy.spatial.transform import Rotation

from culmann.data import Landmarks, LoadCase, Mesh, Placement
from culmann.errors import InputError
from culmann.journal import QuietJournal
from culmann.voxels import exterior_faces, hexahedra
from culmann_femur.cup import FemoralHeadCupConfig, femoral_head_cup
from culmann_femur.pot import DistalPotConfig, distal_pot
from culmann_femur.stance import StanceConfig, stance

TURNED = Pose(Rotation.from_euler("xyz", (17, -17, 17), degrees=True).as_matrix(), UPRIGHT.at_mm)


def exact_landmarks(pose: Pose = UPRIGHT, shaft_mm: float = 70.0) -> Landmarks:
    """What `femur-landmarks` would find, without its small errors."""

    def at(own: object) -> tuple[float, float, float]:
        x, y, z = (float(c) for c in pose.point(np.asarray(own, dtype=float)))
        return x, y, z

    def along(own: object) -> tuple[float, float, float]:
        x, y, z = (float(c) for c in pose.rotation @ np.asarray(own, dtype=float))
        return x, y, z

    return Landmarks(
        {
            "head-centre": at(HEAD),
            "neck-centre": at(26 * NECK),
            "shaft-point": at([0, 0, -60]),
            "shaft-end": at([0, 0, -shaft_mm]),
            "greater-trochanter": at([25, 4, 0]),
        },
        {"neck": along(NECK), "shaft": along([0, 0, 1]), "medial": along([-1, 0, 0]), "anterior": along([0, -1, 0])},
        {"head-radius": HEAD_RADIUS},
        {"neck-shaft": 125.0},
        {"side": "left", "shaft_axis_from": "sections"},
    )


def mesh_of(spacing_mm: float = 1.5, pose: Pose = UPRIGHT, shaft_mm: float = 70.0) -> Mesh:
    labels = femur(spacing_mm, shaft_mm, pose)
    return hexahedra(labels.grid, labels.label, {1: "femur-left"})


@pytest.fixture(scope="module")
def mesh() -> Mesh:
    return mesh_of()


@pytest.fixture(autouse=True)
def _no_pictures(monkeypatch):
    """Drawing takes longer than all the rest; `test_sideways_fall_load` has the pictures drawn."""
    monkeypatch.setattr("culmann_femur.stance.load_picture", lambda *_, **__: b"")


def load_of(mesh: Mesh, journal: QuietJournal | None = None, landmarks: Landmarks | None = None, **options: object) -> LoadCase:
    return stance(mesh, landmarks or exact_landmarks(), StanceConfig(**options), journal or QuietJournal())


def free_rigid_motions(mesh: Mesh, load: LoadCase) -> int:
    """How many of the six rigid motions no prescribed component forbids."""
    rows = []
    for held in load.prescribed.values():
        for node in held.nodes[:: max(1, len(held.nodes) // 50)]:
            x, y, z = mesh.points_mm[node] - mesh.points_mm.mean(axis=0)
            motions = np.array([[1, 0, 0, 0, z, -y], [0, 1, 0, -z, 0, x], [0, 0, 1, y, -x, 0]], dtype=float)
            rows += [load.axes[n] @ motions for n, value in enumerate(held.displacement_mm) if value is not None]
    return 6 - int(np.linalg.matrix_rank(np.array(rows), tol=1e-6))


def test_sas_pushes_4_mm_in_160_steps_with_no_slip(mesh):
    load = load_of(mesh)
    assert load.direction == pytest.approx((0, 0, -1), abs=1e-12)
    assert load.loaded == "head"
    assert len(load.load_steps) == 160
    assert np.diff([0, *load.load_steps]) == pytest.approx(np.full(160, 1 / 160))
    moved = load.prescribed["head"].displacement_mm @ load.axes
    assert moved == pytest.approx((0, 0, -4), abs=1e-12)
    assert load.prescribed["distal"].displacement_mm == (0, 0, 0)
    assert free_rigid_motions(mesh, load) == 0


def test_a_last_increment_is_shorter_where_the_displacement_is_no_multiple(mesh):
    load = load_of(mesh, displacement_mm=1.0, increment_mm=0.3)
    assert load.load_steps == pytest.approx((0.3, 0.6, 0.9, 1.0))


@pytest.mark.parametrize(("spacing_mm", "pose"), [(1.25, UPRIGHT), (2.0, UPRIGHT), (1.5, TURNED)])
def test_loaded_and_held_nodes_have_the_areas_and_numbers_of_closed_forms(spacing_mm, pose):
    mesh, landmarks = mesh_of(spacing_mm, pose), exact_landmarks(pose)
    rim = 2 * np.pi * spacing_mm  # half a voxel of the rim has faces that are not whole in the set

    d, r = 5.0, HEAD_RADIUS
    audit = load_of(mesh, landmarks=landmarks, distance_mm=d).audit
    cap_radius = np.sqrt(2 * r * d - d**2)
    assert audit["head_projected_area_mm2"] == pytest.approx(np.pi * cap_radius**2, abs=0.7 * rim * cap_radius)

    audit = load_of(mesh, landmarks=landmarks, head_nodes="sphere-cap", half_angle_deg=40).audit
    cap_radius = r * np.sin(np.radians(40))
    assert audit["head_projected_area_mm2"] == pytest.approx(np.pi * cap_radius**2, abs=0.7 * rim * cap_radius)

    load = load_of(mesh, landmarks=landmarks, fixed_length_mm=12)
    height = pose.rotation[:, 2] @ (mesh.points_mm - pose.at_mm).T + 70
    assert np.array_equal(np.sort(load.prescribed["distal"].nodes), np.flatnonzero(height <= 12 + 1e-9))
    # Layers of nodes of a disc; each has about half a ring of nodes more than cells.
    per_layer = np.pi * (SHAFT_RADIUS / spacing_mm + 0.5) ** 2
    assert load.audit["distal_nodes"] == pytest.approx(per_layer * (12 / spacing_mm + 1), rel=0.12)
    assert load.audit["fixed_length_mm"] == pytest.approx(12, abs=1.8 * spacing_mm)
    assert load.audit["lever_arm_mm"] == pytest.approx(-HEAD[0], abs=1e-3)
    assert load.reference_height_mm == pytest.approx(HEAD[2] + r + 70 - 12, abs=1.8 * spacing_mm)


def test_only_the_surface_of_the_head_is_loaded_however_deep(mesh):
    """At 30 mm under the top of the head the trochanter is reached as well, and a hollow in the head is surface too."""
    labels = femur(shaft_mm=70)
    label = labels.label.copy()
    k, j, i = np.rint(labels.grid.to_index(UPRIGHT.point(HEAD)[None])[0]).astype(int)[::-1]
    label[k : k + 3, j : j + 3, i : i + 3] = 0
    hollow = hexahedra(labels.grid, label, {1: "femur-left"})
    load = load_of(hollow, distance_mm=35)
    nodes = load.prescribed["head"].nodes
    distance = np.linalg.norm(hollow.points_mm[nodes] - UPRIGHT.point(HEAD), axis=1)
    assert distance.min() > 0.7 * HEAD_RADIUS - 1.3
    assert distance.max() < 1.15 * HEAD_RADIUS + 1.3
    assert np.isin(nodes, np.unique(exterior_faces(hollow)[0])).all()


@pytest.mark.parametrize(("adduction", "flexion"), [(0, 0), (6, 0), (-10, 0), (0, 20), (12, 35)])
def test_angles_are_those_of_a_femur_that_is_turned_under_a_vertical_load(adduction, flexion):
    """A left femur: adduction turns its lower end to the right about the sagittal axis, flexion turns it forwards."""
    add = Rotation.from_rotvec(np.radians(adduction) * np.array([0, 1, 0])).as_matrix()
    flex = Rotation.from_rotvec(np.radians(flexion) * np.array([-1, 0, 0])).as_matrix()
    lower_end = np.array([0.0, 0, -1])
    assert (add @ lower_end)[0] * adduction <= 0  # to the right is -x
    assert (flex @ lower_end)[1] * flexion <= 0  # forwards is -y
    vertical_as_the_femur_sees_it = add.T @ flex.T @ lower_end
    load = load_of(mesh_of(3.0), direction="angles", adduction_deg=adduction, flexion_deg=flexion)
    assert load.direction == pytest.approx(vertical_as_the_femur_sees_it, abs=1e-12)
    assert load.audit["load_to_shaft_deg"] == pytest.approx(np.degrees(np.arccos(-load.direction[2])), abs=1e-3)


def test_a_turned_femur_is_loaded_as_the_upright_one():
    a = load_of(mesh_of(), direction="angles", flexion_deg=10)
    b = load_of(mesh_of(pose=TURNED), landmarks=exact_landmarks(TURNED), direction="angles", flexion_deg=10)
    assert b.direction == pytest.approx(TURNED.rotation @ a.direction, abs=1e-12)
    for name in ("head_projected_area_mm2", "distal_nodes", "head_nodes"):
        assert b.audit[name] == pytest.approx(a.audit[name], rel=0.15), name
    assert b.audit["lever_arm_mm"] == pytest.approx(a.audit["lever_arm_mm"], abs=0.5)
    vertical = load_of(mesh_of(pose=TURNED), landmarks=exact_landmarks(TURNED), direction="vertical")
    assert vertical.direction == (0, 0, -1)


def test_free_sides_follow_the_lattice_and_say_how_far_that_is_off(mesh):
    journal = QuietJournal()
    load = load_of(mesh, journal, lateral="free")
    assert load.prescribed["head"].displacement_mm == (None, None, 4)
    assert load.axes[2] == pytest.approx((0, 0, -1))
    assert not journal.warnings
    load = load_of(mesh, journal, lateral="free", direction="angles", adduction_deg=20)
    assert load.axes[2] == pytest.approx((0, 0, -1))
    assert "along the lattice axis, 20.0 degrees from the direction asked for" in journal.warnings[0]
    assert free_rigid_motions(mesh, load) == 0


def test_a_cup_is_a_shell_sector_and_the_bone_under_it_is_strengthened():
    mesh, journal = mesh_of(1.0), QuietJournal()
    config = FemoralHeadCupConfig(half_angle_deg=40, thickness_mm=4, influence_depth_mm=3)
    made = femoral_head_cup(mesh, exact_landmarks(), config, journal)
    number = {name: n for n, name in made.region_names.items()}
    sector = 2 * np.pi / 3 * (1 - np.cos(np.radians(40)))
    r = HEAD_RADIUS
    assert (made.region == number["head-cup"]).sum() == pytest.approx(sector * ((r + 4) ** 3 - r**3), rel=0.06)
    strengthened = made.cell_centres_mm()[made.region == number["head-influence"]] - UPRIGHT.point(HEAD)
    depth = r - np.linalg.norm(strengthened, axis=1)
    assert depth.min() > -0.9
    assert depth.max() < 3 + 0.9
    # Around the rim it reaches a little under the cup's side, so that it is somewhat larger than the sector below.
    assert 1.0 < len(strengthened) / (sector * (r**3 - (r - 3) ** 3)) < 1.5
    assert made.solids[number["head-cup"]].youngs_modulus_mpa == 2000
    assert made.solids[number["head-influence"]].yield_stress_mpa == 200
    assert made.is_bone.sum() + len(strengthened) == mesh.n_cells

    load = load_of(made, journal, head_nodes="cup")
    outer = made.points_mm[load.prescribed["head"].nodes] - UPRIGHT.point(HEAD)
    assert np.linalg.norm(outer, axis=1) == pytest.approx(r + 4, abs=1.3)
    assert load.audit["head_projected_area_mm2"] == pytest.approx(np.pi * ((r + 4) * np.sin(np.radians(40))) ** 2, rel=0.12)
    assert not journal.warnings
    load_of(made, journal, head_nodes="cup", direction="angles", adduction_deg=20)
    assert "give `femoral-head-cup` and `stance` the same direction" in journal.warnings[0]


def test_a_cup_leaves_the_field_of_view_by_making_room_and_keeps_node_sets(mesh):
    top = np.flatnonzero(mesh.points_mm[:, 2] == mesh.points_mm[:, 2].max())
    held = replace(mesh, node_sets={"top": top, "none": np.zeros(0, dtype=np.int64)})
    made = femoral_head_cup(held, exact_landmarks(), FemoralHeadCupConfig(thickness_mm=20), QuietJournal())
    assert made.points_mm[:, 2].max() > mesh.lattice.grid.extent_mm()[1][2] + 10
    assert made.points_mm[made.node_sets["top"]] == pytest.approx(mesh.points_mm[top])
    assert len(made.node_sets["none"]) == 0
    for name, low in (("i", 0), ("j", 1), ("k", 2)):
        index = made.lattice.cell_index[:, low]
        assert index.min() >= 0, name
        assert index.max() < made.lattice.grid.size[low], name
    assert made.lattice.grid.to_world(made.lattice.cell_index) == pytest.approx(made.cell_centres_mm())
    assert femoral_head_cup(mesh, exact_landmarks(), FemoralHeadCupConfig(influence_depth_mm=0), QuietJournal()).n_cells


@pytest.mark.parametrize("shape", ["layer", "around"])
def test_a_pot_is_a_disc_or_a_ring_and_holds_the_femur(shape):
    mesh, up = mesh_of(1.25), 15.0
    made = distal_pot(mesh, exact_landmarks(), DistalPotConfig(length_mm=up, shape=shape, wall_mm=6), QuietJournal())
    volume = (made.region == max(made.region_names)).sum() * 1.25**3
    exact = np.pi * SHAFT_RADIUS**2 if shape == "layer" else np.pi * ((SHAFT_RADIUS + 6) ** 2 - SHAFT_RADIUS**2)
    layers = len(np.unique(made.cell_centres_mm()[made.region == max(made.region_names)][:, 2].round(4)))
    assert abs(layers * 1.25 - up) <= 1.25
    assert volume == pytest.approx(exact * layers * 1.25, rel=0.06)
    assert made.is_bone.sum() == mesh.n_cells - (round(volume / 1.25**3) if shape == "layer" else 0)
    load = load_of(made, fixation="pot")
    nodes = load.prescribed["distal"].nodes
    assert not np.isin(nodes, made.cells[made.is_bone]).any()
    assert (made.points_mm[nodes][:, 2] - UPRIGHT.point(np.array([0, 0, -70.0]))[2]).max() <= up + 1.0
    assert free_rigid_motions(made, load) == 0


def test_meshes_and_landmarks_that_do_not_fit_are_refused(mesh):
    with pytest.raises(InputError, match="no node set head-cup; its node sets are: none") as error:
        load_of(mesh, head_nodes="cup")
    assert "`femoral-head-cup`" in error.value.hint
    with pytest.raises(InputError, match="no node set distal-pot") as error:
        load_of(mesh, fixation="pot")
    assert "`distal-pot`" in error.value.hint
    far = exact_landmarks(Pose(np.eye(3), UPRIGHT.at_mm + 200))
    with pytest.raises(InputError, match=r"head lies .* mm from the mesh: they are those of another bone"):
        load_of(mesh, landmarks=far)
    moved = replace(exact_landmarks(), placement=Placement().moved(np.diag([-1.0, 1, 1, 1]), "mirrored"))
    with pytest.raises(InputError, match="lie in different spaces"):
        load_of(mesh, landmarks=moved)
    with pytest.raises(InputError, match="nodes would be loaded and held at once"):
        load_of(mesh, fixed_length_mm=120)
    with pytest.raises(InputError, match=r"only \d nodes would be loaded"):
        load_of(mesh, head_nodes="sphere-cap", half_angle_deg=1)
    with pytest.raises(InputError, match="no point 'head-centre'"):
        load_of(mesh, landmarks=Landmarks({"elbow": (0.0, 0.0, 0.0)}))
    sideless = replace(exact_landmarks(), directions={n: v for n, v in exact_landmarks().directions.items() if n != "anterior"})
    with pytest.raises(InputError, match="its side of the body is unknown") as error:
        load_of(mesh, landmarks=sideless, direction="angles", flexion_deg=10)
    assert "`side: left`" in error.value.hint
    with pytest.raises(InputError, match="a pot of 90 mm would reach the femoral head"):
        distal_pot(mesh, exact_landmarks(), DistalPotConfig(length_mm=90), QuietJournal())
    with pytest.raises(InputError, match="cast on voxel meshes only"):
        femoral_head_cup(replace(mesh, lattice=None), exact_landmarks(), FemoralHeadCupConfig(), QuietJournal())


def test_a_cut_head_and_a_coarse_mesh_are_caveats(mesh):
    top = np.flatnonzero(mesh.points_mm[:, 2] == mesh.points_mm[:, 2].max())
    journal = QuietJournal()
    load_of(replace(mesh, node_sets={"field-of-view-border": top}), journal)
    assert f"{len(top)} of" in journal.warnings[0]
    assert "where the image ends" in journal.warnings[0]
    load_of(mesh_of(6.0), journal, distance_mm=2)
    assert "too coarse for a failure load" in journal.warnings[-1]


def test_middle_nodes_of_tetrahedra_move_with_their_corners():
    """Every cell of a coarse lattice cut into five tetrahedra, with middle nodes."""
    mesh = mesh_of(4.0)
    corners = mesh.cells[:, [[0, 1, 3, 4], [1, 2, 3, 6], [1, 3, 4, 6], [1, 4, 5, 6], [3, 4, 6, 7]]].reshape(-1, 4)
    pairs = np.sort(corners[:, [[0, 1], [1, 2], [2, 0], [0, 3], [1, 3], [2, 3]]], axis=2)
    edges, number = np.unique(pairs.reshape(-1, 2), axis=0, return_inverse=True)
    cells = np.hstack([corners, mesh.n_points + number.reshape(-1, 6)])
    points = np.vstack([mesh.points_mm, mesh.points_mm[edges].mean(axis=1)])
    tets = Mesh(points, cells, "tet10", np.ones(len(cells), dtype=np.int64), {1: "femur-left"})
    load = load_of(tets, distance_mm=8)
    chosen = np.zeros(len(points), dtype=bool)
    chosen[load.prescribed["head"].nodes] = True
    both = chosen[edges].all(axis=1)
    assert chosen[mesh.n_points :][both].all()
    assert both.sum() > 10
    assert not chosen[mesh.n_points :][~both].any()
