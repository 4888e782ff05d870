"""Image files come in as they lie in the patient, and bad ones end in a sentence that names them."""

from __future__ import annotations

import struct
from itertools import permutations, product
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import SimpleITK as sitk

from culmann import DensityMap, Grid, InputError, Labels, Scan
from culmann.image_files import read_image_file, read_label_file, write_image_file
from culmann.nifti_length import expect_whole

PERMUTATIONS = [np.eye(3)[list(p)] * s for p in permutations(range(3)) for s in product((1.0, -1.0), repeat=3)]


def some_scan(axes: Any = PERMUTATIONS[0]) -> Scan:
    grid = Grid((3, 4, 5), (0.5, 1.5, 2.5), (-7.0, 11.0, 30.0), tuple(axes.ravel()))
    return Scan(grid, np.arange(60, dtype=np.float32).reshape(grid.shape) - 7.25)


@pytest.mark.parametrize("suffix", [".nii", ".nii.gz", ".NII.GZ", ".nrrd", ".mha"])
@pytest.mark.parametrize("n", range(0, 48, 5))
def test_what_is_written_is_read_at_the_same_place(suffix: str, n: int, tmp_path: Path) -> None:
    scan = some_scan(PERMUTATIONS[n])
    write_image_file(tmp_path / f"scan{suffix}", scan)
    file = read_image_file(tmp_path / f"scan{suffix}")
    assert file.grid.same_as(scan.grid, 1e-4)
    assert np.array_equal(file.array, scan.hu)
    assert [p.name for p in tmp_path.iterdir()] == [f"scan{suffix}"]


def test_metaimage_with_a_separate_data_file(tmp_path: Path) -> None:
    scan = some_scan()
    image = sitk.GetImageFromArray(scan.hu)
    sitk.WriteImage(image, str(tmp_path / "scan.mhd"))
    assert np.array_equal(read_image_file(tmp_path / "scan.mhd").array, scan.hu)


def test_nifti_scale_and_intercept_are_applied(tmp_path: Path) -> None:
    sitk.WriteImage(sitk.GetImageFromArray(np.arange(24, dtype=np.int16).reshape(2, 3, 4)), str(tmp_path / "a.nii"))
    raw = bytearray((tmp_path / "a.nii").read_bytes())
    struct.pack_into("<ff", raw, 112, 2.5, -1000.0)
    (tmp_path / "a.nii").write_bytes(raw)
    assert np.allclose(read_image_file(tmp_path / "a.nii").array.ravel(), 2.5 * np.arange(24) - 1000)


def test_a_fourth_axis_of_length_one_is_no_hindrance(tmp_path: Path) -> None:
    image = sitk.GetImageFromArray(np.arange(24, dtype=np.int16).reshape(2, 3, 4))
    sitk.WriteImage(sitk.JoinSeries([image]), str(tmp_path / "a.nii.gz"))
    assert read_image_file(tmp_path / "a.nii.gz").array.shape == (2, 3, 4)


def nifti_with(path: Path, offset: int, form: str, *values: float) -> Path:
    sitk.WriteImage(sitk.GetImageFromArray(np.arange(24, dtype=np.int16).reshape(2, 3, 4)), str(path))
    raw = bytearray(path.read_bytes())
    struct.pack_into(form, raw, offset, *values)
    path.write_bytes(raw)
    return path


def bad_file(name: str, folder: Path) -> Path:
    image = sitk.GetImageFromArray(np.arange(24, dtype=np.int16).reshape(2, 3, 4))
    path = folder / name
    match name:
        case "four.nii.gz":
            sitk.WriteImage(sitk.JoinSeries([image, image]), str(path))
        case "flat.nii.gz":
            sitk.WriteImage(image[:, :, 0], str(path))
        case "colour.nii.gz":
            sitk.WriteImage(sitk.Compose(image, image, image), str(path))
        case "complex.mha" | "complex.nii.gz":
            sitk.WriteImage(sitk.RealAndImaginaryToComplex(*[sitk.Cast(image, sitk.sitkFloat32)] * 2), str(path))
        case "sheared.nii":
            nifti_with(path, 252, "<hh", 0, 1)
            raw = bytearray(path.read_bytes())
            struct.pack_into("<12f", raw, 280, 1, 0, 0, 0, 0.2, 1, 0, 0, 0, 0, 1, 0)
            path.write_bytes(raw)
        case "sheared.mha":
            path.write_text(
                "ObjectType = Image\nNDims = 3\nBinaryData = False\nTransformMatrix = 1 0.2 0 0 1 0 0 0 1\nOffset = 0 0 0\n"
                "ElementSpacing = 1 1 1\nDimSize = 2 2 2\nElementType = MET_SHORT\nElementDataFile = LOCAL\n1 2 3 4 5 6 7 8\n"
            )
        case "sheared.nrrd":
            path.write_text(
                "NRRD0004\ntype: short\ndimension: 3\nspace: left-posterior-superior\nsizes: 2 2 2\n"
                "space directions: (1,0,0) (0.2,1,0) (0,0,1)\nkinds: domain domain domain\nencoding: ascii\n"
                "space origin: (0,0,0)\n\n1 2 3 4 5 6 7 8\n"
            )
        case "nan.nrrd":
            values = np.zeros((2, 3, 4), dtype=np.float32)
            values[1, 2, 3] = np.nan
            sitk.WriteImage(sitk.GetImageFromArray(values), str(path))
        case "junk.nii.gz" | "junk.nrrd" | "junk.mha":
            path.write_bytes(b"this is no image")
        case "cut.nii" | "cut.nii.gz" | "cut.nrrd" | "cut.mha":
            noise = np.random.default_rng(0).integers(-1000, 1000, (20, 20, 20)).astype(np.int16)
            sitk.WriteImage(sitk.GetImageFromArray(noise), str(path))
            path.write_bytes(path.read_bytes()[:-5000])
        case "folder.nii":
            path.mkdir()
    return path


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("missing.nii.gz", "there is no file"),
        ("folder.nii", "is a folder"),
        ("four.nii.gz", r"is a 4-D image \(4 x 3 x 2 x 2 voxels\)"),
        ("flat.nii.gz", r"is a 2-D image \(4 x 3 voxels\)"),
        ("colour.nii.gz", "3 numbers a voxel"),
        ("complex.nii.gz", "complex"),
        ("sheared.nii", "right angles"),
        ("sheared.mha", "right angles"),
        ("sheared.nrrd", "right angles"),
        ("nan.nrrd", r"1 voxels are not finite numbers, the first at \(i, j, k\) = \(3, 2, 1\)"),
        ("junk.nii.gz", "no image that can be read"),
        ("junk.nrrd", "no image that can be read"),
        ("junk.mha", "no image that can be read"),
        ("cut.nii", "cannot be read"),
        ("cut.nii.gz", "cannot be read"),
        ("cut.nrrd", "cannot be read"),
        ("cut.mha", "cannot be read"),
    ],
)
def test_a_bad_file_is_refused_by_name(name: str, says: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    path = bad_file(name, tmp_path)
    with pytest.raises(InputError, match=says) as caught:
        read_image_file(path)
    assert str(path) in caught.value.message
    assert "\n" not in caught.value.message
    assert "ITK" not in caught.value.message
    if name != "cut.mha":  # there ITK writes past its own switch for warnings
        assert capfd.readouterr().err == ""


def write_labels(path: Path, values: Any, **header: str) -> Path:
    image = sitk.GetImageFromArray(np.asarray(values))
    for key, value in header.items():
        image.SetMetaData(key, value)
    sitk.WriteImage(image, str(path))
    return path


@pytest.mark.parametrize("kind", [np.uint8, np.int16, np.int32, np.float32, np.float64])
def test_whole_numbers_of_any_type_are_labels(kind: Any, tmp_path: Path) -> None:
    values = np.zeros((2, 3, 4), dtype=kind)
    values[0, 1, 2] = 22
    labels = read_label_file(write_labels(tmp_path / "a.nii.gz", values))
    assert labels.label.dtype == np.int32
    assert labels.present() == {22: "label-22"}
    assert labels.label[0, 1, 2] == 22


def test_segment_names_of_slicer(tmp_path: Path) -> None:
    values = np.zeros((2, 3, 4), dtype=np.uint8)
    values[0, 0, :2] = 3, 7
    header = {"Segment0_Name": "L3", "Segment0_LabelValue": "7", "Segment1_Name": "L4", "Segment1_LabelValue": "3"}
    labels = read_label_file(write_labels(tmp_path / "a.seg.nrrd", values, **header))
    assert labels.present() == {3: "L4", 7: "L3"}


@pytest.mark.parametrize(
    ("value", "says"),
    [(0.5, r"1 voxels are not whole numbers .* the first is 0.5 at \(i, j, k\) = \(2, 1, 0\)"), (-3.0, "the first is -3"),
     (3e9, "the first is 3e\\+09"), (0.0, "no voxel is labelled")],
)  # fmt: skip
def test_what_is_no_label_map_is_refused(value: float, says: str, tmp_path: Path) -> None:
    values = np.zeros((2, 3, 4))
    values[0, 1, 2] = value
    with pytest.raises(InputError, match=says) as caught:
        read_label_file(write_labels(tmp_path / "a.nii.gz", values))
    assert "a.nii.gz" in caught.value.message


def test_labels_and_densities_are_written_too(tmp_path: Path) -> None:
    grid = some_scan().grid
    label = np.arange(60, dtype=np.int32).reshape(grid.shape)
    write_image_file(tmp_path / "a.nrrd", Labels(grid, label))
    assert np.array_equal(read_label_file(tmp_path / "a.nrrd").label, label)
    density = DensityMap(grid, label.astype(np.float32) / 7, "ash")
    write_image_file(tmp_path / "b.mha", density)
    assert np.array_equal(read_image_file(tmp_path / "b.mha").array, density.g_cm3)


@pytest.mark.parametrize(("name", "says"), [("a.png", "cannot tell the format"), ("no/a.nii.gz", "cannot be written")])
def test_what_cannot_be_written_leaves_nothing(name: str, says: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=says):
        write_image_file(tmp_path / name, some_scan())
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(("factor", "unit"), [(1e-3, "metres"), (1e3, "micrometres")])
def test_a_header_in_another_unit_is_told(factor: float, unit: str, tmp_path: Path) -> None:
    image = sitk.GetImageFromArray(np.zeros((60, 70, 80), np.int16))
    image.SetSpacing([factor * 1.5] * 3)
    sitk.WriteImage(image, str(tmp_path / "a.nrrd"))
    with pytest.raises(InputError, match=f"probably in {unit}, and millimetres are wanted"):
        read_image_file(tmp_path / "a.nrrd")


@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize(("missing", "whole"), [(0, True), (1, False)])
def test_length_of_nifti_2_files(order: str, missing: int, whole: bool, tmp_path: Path) -> None:
    header = bytearray(544)
    struct.pack_into(order + "i8shh8q", header, 0, 540, b"n+2\0\r\n\x1a\n", 4, 16, 3, 5, 4, 3, 1, 1, 1, 1)
    struct.pack_into(order + "q", header, 168, 544)
    (tmp_path / "a.nii").write_bytes(bytes(header) + bytes(2 * 60 - missing))
    if whole:
        expect_whole(tmp_path / "a.nii")
    else:
        with pytest.raises(InputError, match="663 of 664 bytes"):
            expect_whole(tmp_path / "a.nii")
