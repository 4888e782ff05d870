"""The sideways fall on a femur of spheres and cylinders: directions against rotations, caps against closed forms."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from analytic_femur import HEAD, HEAD_RADIUS, NECK, TROCHANTER, TROCHANTER_RADIUS, UPRIGHT, Pose, femur
from scipy.spatial.transform import Rotation

from culmann.data import Landmarks, LoadCase, Mesh
from culmann.errors import InputError
from culmann.journal import QuietJournal
from culmann.voxels import hexahedra
from culmann_femur.caps import FallCapsConfig, fall_caps
from culmann_femur.fall import SidewaysFallConfig, sideways_fall
from culmann_femur.stance import StanceConfig, stance

END = np.array([0.0, 0, -60])


def made_femur(spacing_mm: float = 2.0, pose: Pose = UPRIGHT) -> tuple[Mesh, Landmarks]:
    """The mesh with its exact landmarks."""
    labels = femur(spacing_mm, 60, pose)
    points = {
        "head-centre": HEAD,
        "neck-centre": 26 * NECK,
        "shaft-end": END,
        "greater-trochanter": TROCHANTER + np.array([18.0, 0, 0]),
    }
    directions = {"neck": NECK, "shaft": [0, 0, 1], "medial": [-1, 0, 0], "anterior": [0, -1, 0]}
    landmarks = Landmarks(
        {name: tuple(float(c) for c in pose.point(np.asarray(at, dtype=float))) for name, at in points.items()},
        {name: tuple(float(c) for c in pose.rotation @ np.asarray(v, dtype=float)) for name, v in directions.items()},
        {"head-radius": HEAD_RADIUS},
        {"neck-shaft": 125.0},
        {"side": "left"},
    )
    return hexahedra(labels.grid, labels.label, {1: "femur"}), landmarks


@pytest.fixture(autouse=True)
def _no_pictures(request, monkeypatch):
    """Drawing takes longer than all the rest."""
    if "picture" not in request.node.name:
        monkeypatch.setattr("culmann_femur.fall.load_picture", lambda *_, **__: b"")


def fall(mesh: Mesh, landmarks: Landmarks, caps: dict | None = None, **options: object) -> tuple[Mesh, LoadCase]:
    angles = {name: options[name] for name in ("internal_rotation_deg", "adduction_deg", "anteversion_deg") if name in options}
    cast = fall_caps(mesh, landmarks, FallCapsConfig(**angles, **(caps or {})), QuietJournal())
    return cast, sideways_fall(cast, landmarks, SidewaysFallConfig(**options), QuietJournal())


@pytest.mark.parametrize(("rotation", "adduction", "anteversion"), [(15, 10, 0), (0, 0, 0), (30, 0, 12), (-10, 20, 0)])
def test_the_ground_pushes_as_onto_a_femur_that_is_turned_in_the_body(rotation, adduction, anteversion):
    """A left femur is first rotated inwards about its shaft, then adducted about the sagittal axis of the body."""
    inwards = Rotation.from_rotvec(np.radians(rotation - anteversion) * np.array([0, 0, -1])).as_matrix()
    assert (inwards @ [0, -1, 0])[0] * (rotation - anteversion) <= 0  # the front of the femur turns to the right, -x
    adducted = Rotation.from_rotvec(np.radians(adduction) * np.array([0, 1, 0])).as_matrix()
    assert (adducted @ [0, 0, -1])[0] * adduction <= 0
    medial_as_the_femur_sees_it = inwards.T @ adducted.T @ [-1, 0, 0]
    angles = {"internal_rotation_deg": rotation, "adduction_deg": adduction, "anteversion_deg": anteversion}
    _, load = fall(*made_femur(3.0), **angles)
    assert load.direction == pytest.approx(medial_as_the_femur_sees_it, abs=1e-12)


@pytest.mark.parametrize(
    "pose", [UPRIGHT, Pose(Rotation.from_euler("xyz", (17, -17, 17), degrees=True).as_matrix(), UPRIGHT.at_mm)]
)
def test_caps_hold_the_bone_between_two_planes_across_the_load(pose):
    mesh, landmarks = made_femur(1.5, pose)
    cast, load = fall(mesh, landmarks)
    push = np.array(load.direction)
    # The bone reaches from the trochanter's ball to that of the head, and a cap 10 - 6 mm beyond either.
    own = pose.rotation.T @ push
    bone = (HEAD - TROCHANTER) @ own + HEAD_RADIUS + TROCHANTER_RADIUS
    assert load.reference_height_mm == pytest.approx(bone + 8, abs=2.5)
    assert load.audit["displacement_mm"] == pytest.approx(0.04 * load.reference_height_mm, abs=1e-4)
    moved = load.prescribed["fall-cap-trochanter"].displacement_mm
    assert moved == pytest.approx(0.04 * load.reference_height_mm * push)
    assert load.prescribed["fall-cap-head"].displacement_mm == (0, 0, 0)
    for name, sign, radius in (("fall-cap-trochanter", -1, TROCHANTER_RADIUS), ("fall-cap-head", 1, HEAD_RADIUS)):
        height = sign * (cast.points_mm[cast.node_sets[name]] @ push)
        assert np.ptp(height) <= 1.5 * 1.5 * np.abs(push).sum() + 1e-9  # the steps of slanting cells
        # The cap has the outline of what sticks in it: a ball to a depth of 6 mm.
        outline = np.pi * (2 * radius * 6 - 6**2)
        assert load.audit[f"{name}_projected_area_mm2"] == pytest.approx(outline, rel=0.3)
        number = next(n for n, known in cast.region_names.items() if known == name)
        spherical_cap = np.pi * 6**2 * (radius - 2)
        assert (cast.region == number).sum() * 1.5**3 == pytest.approx(10 * outline - spherical_cap, rel=0.25)
        assert cast.solids[number].youngs_modulus_mpa == 2500
        assert cast.solids[number].poisson_ratio == 0.3
    assert cast.is_bone.sum() == mesh.n_cells
    bone_before = {tuple(c) for c in mesh.cell_centres_mm().round(4)}
    assert {tuple(c) for c in cast.cell_centres_mm()[cast.is_bone].round(4)} == bone_before


def test_the_lower_end_turns_about_a_line_stays_or_is_free():
    mesh, landmarks = made_femur()
    _, load = fall(mesh, landmarks)
    up, push = np.array([0, 0, 1.0]), np.array(load.direction)
    hinge = np.cross(up, push) / np.linalg.norm(np.cross(up, push))
    ray = mesh.points_mm[load.prescribed["distal"].nodes] - UPRIGHT.point(END + np.array([0, 0, 5]))
    assert np.linalg.norm(np.cross(ray, hinge), axis=1).max() <= 0.87 * 2
    # It goes right through the shaft, whose diameter is 28 mm.
    assert np.ptp(ray @ hinge) == pytest.approx(28, abs=4)
    _, fixed = fall(mesh, landmarks, distal="fixed")
    assert len(fixed.prescribed["distal"].nodes) > 5 * len(ray)
    _, free = fall(mesh, landmarks, distal="free")
    assert set(free.prescribed) == {"fall-cap-trochanter", "fall-cap-head"}


def test_the_head_can_be_pressed_in_place_of_the_trochanter():
    mesh, landmarks = made_femur()
    _, a = fall(mesh, landmarks)
    _, b = fall(mesh, landmarks, moved="head")
    assert b.loaded == "fall-cap-head"
    assert b.direction == pytest.approx(-np.array(a.direction))
    assert b.prescribed["fall-cap-trochanter"].displacement_mm == (0, 0, 0)
    assert b.reference_height_mm == pytest.approx(a.reference_height_mm)


def test_a_right_femur_falls_as_the_mirror_image():
    mesh, landmarks = made_femur()
    flip = np.array([-1.0, 1, 1])
    mirrored = replace(
        landmarks,
        points_mm={name: tuple(flip * at) for name, at in landmarks.points_mm.items()},
        directions={name: tuple(flip * v) for name, v in landmarks.directions.items()},
    )
    grid = mesh.lattice.grid
    region = np.zeros(grid.shape, dtype=int)
    i, j, k = mesh.lattice.cell_index.T
    region[k, j, grid.size[0] - 1 - i] = 1
    low = grid.to_world(np.array([[grid.size[0] - 1, 0, 0]]))[0] * flip
    other = hexahedra(replace(grid, origin_mm=tuple(float(c) for c in low)), region, {1: "femur"})
    _, a = fall(mesh, landmarks)
    _, b = fall(other, mirrored)
    assert b.direction == pytest.approx(flip * np.array(a.direction))
    same = [name for name in a.audit if "nodes" in name or "area" in name or name.endswith("_mm") or "_to_" in name]
    assert len(same) > 8
    assert {n: b.audit[n] for n in same} == pytest.approx({n: a.audit[n] for n in same}, rel=1e-6, abs=1e-6)


def test_caps_of_another_fall_and_no_caps_are_refused():
    mesh, landmarks = made_femur()
    cast = fall_caps(mesh, landmarks, FallCapsConfig(adduction_deg=-15), QuietJournal())
    with pytest.raises(InputError, match=r"plane of fall-cap-\w+ is about \d+ degrees off .* cast for another fall") as error:
        sideways_fall(cast, landmarks, SidewaysFallConfig(), QuietJournal())
    assert "the same rotation" in error.value.hint
    with pytest.raises(InputError, match="no node set fall-cap-trochanter") as error:
        sideways_fall(mesh, landmarks, SidewaysFallConfig(), QuietJournal())
    assert "`fall-caps`" in error.value.hint
    sideless = replace(landmarks, directions={n: v for n, v in landmarks.directions.items() if n != "anterior"})
    with pytest.raises(InputError, match="its side of the body is unknown"):
        fall_caps(mesh, sideless, FallCapsConfig(), QuietJournal())
    assert fall_caps(mesh, sideless, FallCapsConfig(internal_rotation_deg=0), QuietJournal()).n_cells > mesh.n_cells
    with pytest.raises(ValueError, match="must be more than `intrusion_mm`"):
        FallCapsConfig(thickness_mm=5, intrusion_mm=6)


def test_both_load_cases_leave_a_picture():
    mesh, landmarks = made_femur(4.0)
    journal = QuietJournal()
    stance(mesh, landmarks, StanceConfig(), journal)
    cast = fall_caps(mesh, landmarks, FallCapsConfig(), journal)
    sideways_fall(cast, landmarks, SidewaysFallConfig(), journal)
    assert {name: content[:4] for name, content in journal.attachments.items()} == {
        "stance.png": b"\x89PNG",
        "sideways_fall.png": b"\x89PNG",
    }
