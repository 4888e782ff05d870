"""Label maps compared: matching of labels, grids, the parts of a femur, and the step in a pipeline."""

from __future__ import annotations

import csv
import io
from dataclasses import replace

import numpy as np
import pytest
from analytic_femur import HEAD, HEAD_RADIUS, LESSER, LESSER_RADIUS, UPRIGHT, femur

from culmann import Grid, InputError, Labels
from culmann.data import Landmarks
from culmann_study.compare_labels import CompareLabelsConfig, compare_labels
from culmann_study.comparison import Matched, compare_maps, matched, on_one_grid
from culmann_study.femur_regions import planes_from


def two_boxes(first: int = 1, second: int = 2, names=None, size: int = 24) -> Labels:
    label = np.zeros((size, size, size), dtype=np.int32)
    label[4:10, 4:10, 4:10] = first
    label[14:20, 4:10, 4:10] = second
    return Labels(Grid((size, size, size), (1.0, 1.0, 1.0)), label, names or {})


def landmarks_of_the_analytic_femur() -> Landmarks:
    end = UPRIGHT.point(np.array([0.0, 0.0, -100.0]))
    return Landmarks(
        points_mm={"shaft-end": tuple(end), "head-centre": tuple(UPRIGHT.point(HEAD))},
        directions={"shaft": (0.0, 0.0, 1.0)},
        lengths_mm={"head-radius": HEAD_RADIUS, "shaft-length": 100.0 + LESSER[2] - LESSER_RADIUS},
    )


def test_labels_go_by_name_where_both_maps_have_names() -> None:
    here, there = two_boxes(1, 2, {1: "L2", 2: "L3"}), two_boxes(21, 22, {21: "L2", 22: "L3"})
    assert matched(here, there, "auto", {}, ()) == [Matched(1, 21, "L2"), Matched(2, 22, "L3")]
    assert matched(here, there, "number", {}, ())[0] == Matched(1, 0, "L2")


def test_labels_go_by_number_or_as_paired() -> None:
    here, there = two_boxes(1, 2), two_boxes(2, 75)
    assert matched(here, there, "auto", {}, ()) == [
        Matched(1, 0, "label-1"),
        Matched(2, 2, "label-2"),
        Matched(0, 75, "label-75"),
    ]
    assert matched(here, there, "auto", {1: 75}, ()) == [Matched(1, 75, "label-1"), Matched(2, 2, "label-2")]
    assert matched(here, there, "auto", {}, (2,)) == [Matched(2, 2, "label-2")]
    with pytest.raises(InputError, match="the reference has no label L3; present are 1"):
        matched(here, there, "auto", {}, ("L3",))
    with pytest.raises(InputError, match="some have none"):
        matched(here, there, "name", {}, ())


def test_each_label_is_compared_with_its_own_partner() -> None:
    here, there = two_boxes(1, 2), two_boxes(2, 75)
    rows = compare_maps(here, there, matched(here, there, "auto", {1: 2, 2: 75}, ()), 1.0)
    assert [row.metrics.dice for row in rows] == [1, 1]
    crossed = compare_maps(here, there, matched(here, there, "auto", {}, ()), 1.0)
    assert [row.metrics.dice for row in crossed] == [0, 0, 0]
    assert crossed[1].metrics.hausdorff_mm == 10  # label 2 of one map lies where label 1 of the other does


def test_other_grids_are_refused_unless_they_are_to_be_resampled() -> None:
    fine = two_boxes()
    coarse = Labels(Grid((12, 12, 12), (2.0, 2.0, 2.0), (0.5, 0.5, 0.5)), fine.label[::2, ::2, ::2].copy())
    with pytest.raises(InputError, match="different grids") as caught:
        on_one_grid(fine, coarse, resample=False)
    assert "--resample" in caught.value.hint
    laid = on_one_grid(fine, coarse, resample=True)
    assert laid.grid == fine.grid
    dice = compare_maps(fine, laid, matched(fine, laid, "auto", {}, ()), 1.0)[0].metrics.dice
    assert dice == pytest.approx(2 * 208 / (216 + 208))  # between voxels the eight corners are less than half covered
    far = replace(coarse, grid=replace(coarse.grid, origin_mm=(500.0, 0.0, 0.0)))
    with pytest.raises(InputError, match="nothing of the prediction lies in the image"):
        on_one_grid(fine, far, resample=True)


@pytest.mark.parametrize("axes", [(0, 1, 2), (2, 0, 1)])
def test_parts_of_a_femur_lie_between_planes_across_the_shaft(axes: tuple[int, ...]) -> None:
    """Also where the axes of the image are not those of the body."""
    bone = femur(1.5)
    i, j, k = axes
    turned = Grid(
        tuple(bone.grid.size[n] for n in axes),
        bone.grid.spacing_mm,
        bone.grid.origin_mm,
        tuple(np.eye(3)[:, list(axes)].ravel().tolist()),
    )
    label = bone.label.transpose(2, 1, 0).transpose(i, j, k).transpose(2, 1, 0)
    bone = Labels(turned, np.ascontiguousarray(label), {1: "femur-left"})
    planes = planes_from(landmarks_of_the_analytic_femur())
    height = bone.grid.to_world(np.argwhere(bone.label)[:, ::-1])[:, 2] - UPRIGHT.at_mm[2]
    regions = planes.regions(bone.grid)
    sizes = {name: int((where & bone.foreground).sum()) for name, where in regions.items()}
    head, lesser = HEAD[2] - HEAD_RADIUS, LESSER[2] - LESSER_RADIUS
    assert sizes == {
        "shaft": int((height <= lesser).sum()),
        "middle": int(((height > lesser) & (height < head)).sum()),
        "head": int((height >= head).sum()),
    }


def test_a_fault_in_the_head_is_told_of_the_head() -> None:
    bone = femur(1.5)
    worn = bone.label.copy()
    index = np.argwhere(bone.label)
    high = bone.grid.to_world(index[:, ::-1])[:, 2] > UPRIGHT.at_mm[2] + HEAD[2] + 15
    worn[tuple(index[high].T)] = 0
    planes = {1: planes_from(landmarks_of_the_analytic_femur())}
    rows = compare_maps(bone, replace(bone, label=worn), [Matched(1, 1, "femur")], 1.0, planes)
    found = {row.region: row.metrics for row in rows}
    assert list(found) == ["whole", "shaft", "middle", "head"]
    assert found["shaft"].dice == found["middle"].dice == 1
    assert found["shaft"].hausdorff_mm == 0
    assert found["head"].dice < found["whole"].dice < 1
    assert found["head"].hausdorff_mm == found["whole"].hausdorff_mm > 5


def test_the_step_writes_a_table_and_a_picture() -> None:
    here = two_boxes(1, 2, {1: "L2", 2: "L3"})
    grown = replace(here, label=here.label.copy())
    grown.label[4:10, 4:10, 10] = 1
    report = compare_labels(grown, here, CompareLabelsConfig())
    assert report.files["distance.png"].startswith(b"\x89PNG")
    rows = list(csv.DictReader(io.StringIO(report.files["metrics.csv"].decode())))
    assert [(row["name"], row["region"], row["hausdorff_surface_mm"]) for row in rows] == [
        ("L2", "whole", "1"),
        ("L3", "whole", "0"),
    ]
    assert float(rows[0]["dice"]) == pytest.approx(2 * 216 / (216 + 252), abs=1e-9)
    with pytest.raises(InputError, match="the reference is empty"):
        compare_labels(here, replace(here, label=np.zeros_like(here.label)), CompareLabelsConfig())


def test_an_empty_prediction_has_a_dice_of_zero_and_no_distances() -> None:
    here = two_boxes()
    report = compare_labels(replace(here, label=np.zeros_like(here.label)), here, CompareLabelsConfig())
    row = next(csv.DictReader(io.StringIO(report.files["metrics.csv"].decode())))
    assert (row["dice"], row["hausdorff_surface_mm"], row["prediction_mm3"]) == ("0", "", "0")
    assert "distance.png" not in report.files
