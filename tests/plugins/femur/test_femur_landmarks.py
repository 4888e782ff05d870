"""Landmarks of a femur of spheres and cylinders, in any pose, against what it was made of; and of bones that are none."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
from analytic_femur import (
    HEAD,
    HEAD_RADIUS,
    NECK,
    NECK_RADIUS,
    SHAFT_RADIUS,
    TROCHANTER,
    TROCHANTER_RADIUS,
    UPRIGHT,
    Pose,
    femur,
)
from scipy import ndimage
from scipy.spatial.transform import Rotation

from culmann.data import Grid, Labels, Landmarks, Placement
from culmann.errors import InputError
from culmann.journal import QuietJournal
from culmann_femur.landmarks import FemurLandmarksConfig, femur_landmarks

UP = np.array([0, 0, 1])


def found_in(labels: Labels, journal: QuietJournal | None = None, **options: object) -> Landmarks:
    return femur_landmarks(labels, FemurLandmarksConfig(**options), journal or QuietJournal())


def angle(a: np.ndarray, b: np.ndarray) -> float:
    return float(np.degrees(np.arccos(np.clip(a @ b, -1, 1))))


def turned(axis: str, degrees: float) -> Pose:
    return Pose(Rotation.from_euler(axis, degrees, degrees=True).as_matrix(), UPRIGHT.at_mm)


@pytest.fixture(scope="module")
def upright() -> Landmarks:
    return found_in(femur())


POSES = [
    (1.5, UPRIGHT),
    (0.9, turned("x", 17)),
    (2.0, turned("x", -30)),
    (1.5, turned("y", 30)),
    (1.5, turned("z", -30)),
    (2.0, turned("xyz", (17, 17, 17))),
    ((1.2, 1.2, 3.5), turned("y", -17)),
]


@pytest.mark.parametrize(("spacing_mm", "pose"), POSES)
def test_landmarks_are_those_that_the_femur_was_made_of(spacing_mm, pose):
    found = found_in(femur(spacing_mm, pose=pose))
    coarse = float(np.max(spacing_mm)) / 1.5
    assert np.linalg.norm(found.point("head-centre") - pose.point(HEAD)) < 0.3 * coarse
    # A Gaussian of s mm moves the surface of a ball of radius r inwards by s^2 / r: 0.1 mm here.
    assert found.length("head-radius") == pytest.approx(HEAD_RADIUS, abs=0.35 * coarse)
    assert angle(found.direction("neck"), pose.rotation @ NECK) < 1.0
    assert angle(found.direction("shaft"), pose.rotation[:, 2]) < 1.0
    assert angle(found.direction("medial"), -pose.rotation[:, 0]) < 1.5
    assert angle(found.direction("anterior"), -pose.rotation[:, 1]) < 1.5
    assert found.angles_deg["neck-shaft"] == pytest.approx(125, abs=1.5)
    assert found.length("neck-radius") == pytest.approx(NECK_RADIUS, abs=0.6 * coarse)
    assert found.length("shaft-radius") == pytest.approx(SHAFT_RADIUS, abs=0.6 * coarse)
    assert found.length("femoral-offset") == pytest.approx(-HEAD[0], abs=1.0)
    # Below the lesser trochanter the shaft goes on from -47 to -100.
    assert 48 < found.length("shaft-length") < 62
    assert np.linalg.norm(found.point("shaft-end") - pose.point(np.array([0, 0, -100.0]))) < 2.5 * coarse
    most_lateral = TROCHANTER + TROCHANTER_RADIUS * np.array([1, 0, 0])
    assert np.linalg.norm(found.point("greater-trochanter") - pose.point(most_lateral)) < 2.5 * coarse
    tip = TROCHANTER + TROCHANTER_RADIUS * UP
    assert np.linalg.norm(found.point("greater-trochanter-tip") - pose.point(tip)) < 2.5 * coarse
    top = HEAD + HEAD_RADIUS * UP
    assert np.linalg.norm(found.point("most-proximal") - pose.point(top)) < 2.0 * coarse
    assert found.facts["side"] == "left"
    assert found.facts["shaft_axis_from"] == "sections"


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_a_mirrored_femur_has_the_mirrored_landmarks_to_rounding(axis, upright):
    labels = femur()
    flipped = replace(labels, label=np.flip(labels.label, 2 - axis).copy(), names={1: "femur"})
    found = found_in(flipped, superior=(0, 0, -1) if axis == 2 else (0, 0, 1))
    mirror = np.eye(3)
    mirror[axis, axis] = -1
    middle = labels.grid.to_world((np.array([labels.grid.size]) - 1) / 2)[0]
    for name in upright.points_mm:
        assert found.point(name) == pytest.approx(middle + mirror @ (upright.point(name) - middle), abs=1e-8), name
    for name in ("neck", "shaft", "medial"):
        assert found.direction(name) == pytest.approx(mirror @ upright.direction(name), abs=1e-9), name
    assert found.lengths_mm == pytest.approx(dict(upright.lengths_mm), abs=1e-8)
    assert found.angles_deg == pytest.approx(dict(upright.angles_deg), abs=1e-7)
    assert found.facts["side"] == {0: "right", 1: "left", 2: "unknown"}[axis]


def test_the_order_of_the_voxels_in_the_file_plays_no_part(upright):
    labels = femur()
    grid = labels.grid
    end = grid.to_world(np.array([[grid.size[0] - 1, 0, 0]]))[0]
    # i backwards in a mirrored frame: the same voxels at the same places.
    other = Grid(grid.size, grid.spacing_mm, tuple(float(c) for c in end), (-1, 0, 0, 0, 1, 0, 0, 0, 1))
    found = found_in(Labels(other, labels.label[:, :, ::-1].copy(), labels.names))
    for name in upright.points_mm:
        assert found.point(name) == pytest.approx(upright.point(name), abs=1e-8)
    assert found.facts == upright.facts


@pytest.mark.parametrize("voxels", [-2, -1, 1, 2])
def test_masks_that_are_too_small_or_too_large_keep_centre_and_axes(voxels, upright):
    labels = femur()
    change = ndimage.binary_erosion if voxels < 0 else ndimage.binary_dilation
    mask = change(labels.label > 0, ndimage.generate_binary_structure(3, 1), iterations=abs(voxels))
    found = found_in(replace(labels, label=mask.astype(np.int32)))
    assert np.linalg.norm(found.point("head-centre") - upright.point("head-centre")) < 0.5
    # Steps across faces reach 1.5 mm along an axis and less along a diagonal.
    assert 0.5 < (found.length("head-radius") - upright.length("head-radius")) / (1.5 * voxels) < 1.0
    assert angle(found.direction("neck"), upright.direction("neck")) < 1.0
    assert angle(found.direction("shaft"), upright.direction("shaft")) < 1.0


def test_a_shaft_that_is_too_short_is_told_and_stood_in_for():
    labels = femur(shaft_mm=55)
    journal = QuietJournal()
    found = found_in(labels, journal)
    assert found.facts["shaft_axis_from"] == "lower-part"
    assert any("of shaft lie below the lesser trochanter" in text for text in journal.warnings)
    assert angle(found.direction("shaft"), np.array([0, 0, 1.0])) < 6
    stump = found_in(femur(shaft_mm=25), superior=(0, 0.1, 1))
    assert stump.facts["shaft_axis_from"] == "vertical"
    assert stump.direction("shaft") == pytest.approx(np.array([0, 0.1, 1]) / np.sqrt(1.01))
    upwards = found_in(labels, superior=(0.1, 0, 1), short_shaft="vertical")
    assert upwards.direction("shaft") == pytest.approx(np.array([0.1, 0, 1]) / np.sqrt(1.01))
    assert upwards.facts["shaft_axis_from"] == "vertical"
    with pytest.raises(InputError, match=r"only \d+ mm of the shaft are in the labels, and its axis needs 25 mm"):
        found_in(labels, short_shaft="refuse")


def kept(labels: Labels, below_mm: float = np.inf, above_mm: float = -np.inf) -> Labels:
    """The labels between two heights of the femur's own frame; the image stays."""
    z = (
        labels.grid.to_world(np.stack([np.zeros(labels.grid.size[2])] * 2 + [np.arange(labels.grid.size[2])], axis=1))[:, 2]
        - 400
    )
    return replace(labels, label=labels.label * ((z < below_mm) & (z > above_mm))[:, None, None])


def cropped(labels: Labels, below_mm: float) -> Labels:
    """The image ends at a height of the femur's own frame."""
    n = int((below_mm + 400 - labels.grid.origin_mm[2]) / labels.grid.spacing_mm[2])
    return replace(labels, grid=replace(labels.grid, size=(*labels.grid.size[:2], n)), label=labels.label[:n])


def test_a_head_that_the_image_cuts_is_refused_with_where():
    top = HEAD[2] + HEAD_RADIUS
    labels = cropped(femur(), top - 8)
    with pytest.raises(InputError, match=r"femoral head is cut: .* beyond its superior side") as error:
        found_in(labels)
    beyond = float(str(error.value).split("up to ")[1].split(" mm")[0])
    end = labels.grid.extent_mm()[1][2]
    assert beyond == pytest.approx(UPRIGHT.point(HEAD)[2] + HEAD_RADIUS - end, abs=0.4)
    assert "largest_cut_share" in error.value.hint
    assert found_in(cropped(femur(), top - 4), largest_cut_share=1).length("head-radius") == pytest.approx(HEAD_RADIUS, abs=0.5)


def test_a_head_that_the_labels_cut_is_refused_with_where():
    with pytest.raises(InputError, match=r"femoral head is not whole: .* superior side"):
        found_in(kept(femur(), below_mm=HEAD[2] + 14.5))
    with pytest.raises(InputError, match=r"a ball of radius .* lies .* mm from the axis of the shaft"):
        found_in(kept(femur(), below_mm=HEAD[2] + 8))


@pytest.mark.parametrize(
    ("labels", "why"),
    [
        (lambda: replace(femur(), label=np.zeros(femur().grid.shape, dtype=np.int32)), "no voxel is labelled"),
        (lambda: replace(femur(), label=kept(femur(), -60).label + kept(femur(), above_mm=-50).label), "two large parts, of"),
        (lambda: kept(femur(), above_mm=20), "no neck|ends within|hardly any bone|reaches only|no shaft"),
        (lambda: kept(femur(), above_mm=0), "reaches only|hardly any bone|ends within"),
    ],
    ids=["empty", "two parts", "cut at the neck", "no shaft"],
)
def test_what_is_no_whole_femur_is_refused(labels, why):
    with pytest.raises(InputError, match=why) as error:
        found_in(labels())
    assert error.value.hint


def test_other_shapes_are_no_femur():
    grid = Grid((60, 60, 60), (1.5, 1.5, 1.5))
    at = np.argwhere(np.ones(grid.shape, dtype=bool)) - 29.5
    ball = (np.linalg.norm(at, axis=1) < 16).reshape(grid.shape)
    bar = (np.abs(at) < [28, 8, 8]).all(axis=1).reshape(grid.shape)
    for mask in (ball, bar):
        with pytest.raises(InputError):
            found_in(Labels(grid, mask.astype(np.int32)))


def test_a_femur_that_lies_otherwise_than_stated_is_refused():
    with pytest.raises(InputError, match="lies 90 degrees from the direction taken as superior"):
        found_in(femur(), superior=(0, 1, 0))
    with pytest.raises(InputError, match="not a direction"):
        found_in(femur(), superior=(0, 0, 0))


def test_islands_and_misnamed_labels_are_told():
    labels = femur()
    label = labels.label.copy()
    label[-12:-2, :12, -12:-2] = 1
    journal = QuietJournal()
    found = found_in(Labels(labels.grid, label, {1: "femur-right"}), journal)
    assert found.facts["side"] == "left"
    assert any("was left out" in text for text in journal.warnings)
    assert any("'femur-right', and the head points as that of a left femur" in text for text in journal.warnings)
    assert journal.attachments["landmarks.png"].startswith(b"\x89PNG")


def test_a_right_femur_that_was_mirrored_onto_the_left_keeps_its_name_without_a_warning():
    labels = femur()
    reflected = Placement().moved(np.diag([-1.0, 1.0, 1.0, 1.0]), "mirror")
    journal = QuietJournal()
    found_in(Labels(labels.grid, labels.label, {1: "femur-right"}, placement=reflected), journal)
    assert not any("misnamed" in text for text in journal.warnings)


def test_the_side_can_be_stated(upright):
    found = found_in(femur(), side="right")
    assert found.facts["side"] == "right"
    assert found.direction("anterior") == pytest.approx(-upright.direction("anterior"))


def test_landmarks_are_saved_and_loaded_and_name_what_is_missing(tmp_path, upright):
    upright.save(tmp_path)
    again = Landmarks.load(tmp_path)
    assert again == upright
    with pytest.raises(InputError, match="no point 'elbow'; theirs are: greater-trochanter, "):
        again.point("elbow")


@pytest.mark.parametrize(
    "wrong",
    [
        {"points_mm": {"a": (0.0, np.nan, 0.0)}},
        {"points_mm": {}, "directions": {"a": (0.0, 0.0, 1.1)}},
        {"points_mm": {}, "lengths_mm": {"a": -1.0}},
        {"points_mm": {}, "angles_deg": {"a": np.inf}},
    ],
)
def test_landmarks_refuse_numbers_that_are_none(wrong):
    with pytest.raises(ValueError):
        Landmarks(**wrong)


def test_the_descriptors_import_nothing_heavy():
    code = "import sys, culmann_femur; print('numpy' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, encoding="utf-8", check=True)
    assert done.stdout.strip() == "False"
