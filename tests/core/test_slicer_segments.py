"""Segmentations of 3D Slicer, in the layouts that its versions write."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from segmentation_files import write_seg_nrrd

from culmann.errors import InputError
from culmann.image_files import read_label_file
from culmann.slicer_segments import read_segmentation


def _masks() -> tuple[np.ndarray, np.ndarray]:
    first, second = np.zeros((2, 4, 5, 6), dtype=np.uint8)
    first[1:3, 1:4, 1:4] = 1
    second[1:3, 1:4, 4:6] = 1
    return first, second


def test_segments_that_share_one_label_map(tmp_path: Path) -> None:
    first, second = _masks()
    path = write_seg_nrrd(tmp_path / "a.seg.nrrd", [3 * first + 7 * second], [("L3", 0, 7), ("L4", 0, 3), ("none", 0, 9)])
    labels = read_segmentation(path)
    assert labels.names == {7: "L3", 3: "L4", 9: "none"}
    assert np.array_equal(labels.label, 3 * first.astype(int) + 7 * second)
    again = read_label_file(path)
    assert np.array_equal(again.label, labels.label)
    assert again.names == labels.names


def test_layers_of_segments(tmp_path: Path) -> None:
    first, second = _masks()
    path = write_seg_nrrd(
        tmp_path / "a.seg.nrrd",
        [first, second],
        [("femur", 0, 1), ("implant", 1, 1)],
        spacing_mm=(0.5, 0.6, 2.0),
        origin_mm=(-12.5, 3.0, 40.0),
        offset=(3, 4, 5),
    )
    labels = read_label_file(path)
    assert labels.names == {1: "femur", 2: "implant"}  # both have the value 1: they are counted
    assert np.array_equal(labels.label, first.astype(int) + 2 * second)
    assert labels.grid.spacing_mm == pytest.approx((0.5, 0.6, 2.0))
    assert labels.grid.origin_mm == pytest.approx((-12.5, 3.0, 40.0))
    assert labels.grid.size == (6, 5, 4)


def test_layers_of_old_versions(tmp_path: Path) -> None:
    path = write_seg_nrrd(tmp_path / "a.seg.nrrd", list(_masks()), [("femur", 0, 1), ("implant", 1, 1)], old=True)
    assert read_segmentation(path).present() == {1: "femur", 2: "implant"}


def test_overlap_is_refused_until_it_is_said_who_wins(tmp_path: Path) -> None:
    first, second = _masks()
    second[:, :, 3] = first[:, :, 3]
    path = write_seg_nrrd(tmp_path / "a.seg.nrrd", [first, 2 * second], [("femur", 0, 1), ("lesion", 1, 2)])
    with pytest.raises(InputError, match=r"'femur' and 'lesion' overlap in 6 voxels"):
        read_segmentation(path)
    assert (read_segmentation(path, "first").label == 1).sum() == first.sum()
    assert (read_segmentation(path, "last").label == 2).sum() == second.sum()


def test_what_is_wrong_is_told(tmp_path: Path) -> None:
    first, second = _masks()
    path = tmp_path / "a.seg.nrrd"
    with pytest.raises(InputError, match="several segments of the name L3"):
        read_segmentation(write_seg_nrrd(path, [first + 2 * second], [("L3", 0, 1), ("L3", 0, 2)]))
    with pytest.raises(InputError, match="all segments are empty"):
        read_segmentation(write_seg_nrrd(path, [first * 0], [("none", 0, 9)]))
    write_seg_nrrd(path, [first, second], [("L3", 1, 1)])
    path.write_bytes(path.read_bytes().replace(b"Segment0_Layer:=1", b"Segment0_Layer:=2"))
    with pytest.raises(InputError, match="is in layer 2, and the file has 2"):
        read_segmentation(path)


def test_a_plain_nrrd_is_no_segmentation(tmp_path: Path) -> None:
    path = write_seg_nrrd(tmp_path / "a.nrrd", [_masks()[0]], [])
    with pytest.raises(InputError, match="names no segment"):
        read_segmentation(path)
    assert read_label_file(path).present() == {1: "label-1"}
