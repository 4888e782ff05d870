"""DICOM segmentation objects, made by highdicom on a series, into labels and datasets."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from culmann.dataset import check_dataset, read_dataset
from culmann.errors import InputError
from culmann_datasets.commands import dataset as app
from culmann_datasets.readers import ReadSegmentationConfig, read_dicom_seg

SHAPE = (6, 9, 8)
SPACING_MM = (0.7, 0.9, 2.5)
#: Rows run along the patient's back, columns to the left, as in a CT; the table was turned a little around x.
ROW, COLUMN = np.array([1.0, 0.0, 0.0]), np.array([0.0, 0.8, 0.6])


def _series(folder: Path) -> list[Any]:
    """A CT series of six slices."""
    import pydicom
    from pydicom.dataset import FileMetaDataset
    from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, generate_uid

    study, series, frame = generate_uid(), generate_uid(), generate_uid()
    folder.mkdir(parents=True)
    normal = np.cross(ROW, COLUMN)
    values = np.random.default_rng(0).integers(-1000, 1500, SHAPE).astype(np.int16)
    slices = []
    for k in range(SHAPE[0]):
        item = pydicom.Dataset()
        item.file_meta = FileMetaDataset()
        item.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
        item.file_meta.MediaStorageSOPClassUID = CTImageStorage
        item.SOPClassUID, item.SOPInstanceUID = CTImageStorage, generate_uid()
        item.file_meta.MediaStorageSOPInstanceUID = item.SOPInstanceUID
        item.StudyInstanceUID, item.SeriesInstanceUID, item.FrameOfReferenceUID = study, series, frame
        item.Modality, item.PatientID, item.PatientName = "CT", "Jane 1957", "Doe^Jane"
        item.PatientBirthDate, item.PatientSex, item.AccessionNumber, item.StudyID = "", "", "", ""
        item.StudyDate, item.StudyTime, item.ReferringPhysicianName, item.PositionReferenceIndicator = "", "", "", ""
        item.Manufacturer, item.SeriesNumber, item.InstanceNumber = "made up", 1, k + 1
        item.ImageType = ["ORIGINAL", "PRIMARY", "AXIAL"]
        item.ImagePositionPatient = [float(v) for v in np.array([-10.0, 5.0, 100.0]) + k * SPACING_MM[2] * normal]
        item.ImageOrientationPatient = [*ROW, *COLUMN]
        item.PixelSpacing, item.SliceThickness = [SPACING_MM[1], SPACING_MM[0]], SPACING_MM[2]
        item.Rows, item.Columns = SHAPE[1], SHAPE[2]
        item.SamplesPerPixel, item.PhotometricInterpretation = 1, "MONOCHROME2"
        item.BitsAllocated, item.BitsStored, item.HighBit, item.PixelRepresentation = 16, 16, 15, 1
        item.RescaleSlope, item.RescaleIntercept, item.RescaleType = 1, 0, "HU"
        item.PixelData = values[k].tobytes()
        item.save_as(folder / f"{k}.dcm", enforce_file_format=True)
        slices.append(item)
    return slices


def _object(path: Path, series: list[Any], masks: dict[str, np.ndarray]) -> Path:
    """A segmentation object of the masks (z, y, x)."""
    import highdicom as hd
    from pydicom.sr.codedict import codes
    from pydicom.uid import generate_uid

    described = [
        hd.seg.SegmentDescription(
            number,
            name,
            codes.SCT.Bone,
            codes.SCT.Bone,
            hd.seg.SegmentAlgorithmTypeValues.MANUAL,
        )
        for number, name in enumerate(masks, 1)
    ]
    made = hd.seg.Segmentation(
        series,
        np.stack(list(masks.values()), axis=-1).astype(np.uint8),
        hd.seg.SegmentationTypeValues.BINARY,
        described,
        generate_uid(),
        2,
        generate_uid(),
        1,
        "culmann tests",
        "none",
        "1",
        "0",
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    made.save_as(path)
    return path


def _masks() -> dict[str, np.ndarray]:
    first, second = np.zeros((2, *SHAPE), dtype=bool)
    first[1:4, 2:5, 1:4] = True
    second[2:4, 2:5, 5:7] = True
    return {"femur": first, "implant": second}


def test_names_places_and_voxels(tmp_path: Path) -> None:
    series = _series(tmp_path / "ct")
    path = _object(tmp_path / "seg.dcm", series, _masks())
    labels = read_dicom_seg(path, ReadSegmentationConfig())
    assert labels.present() == {1: "femur", 2: "implant"}
    first, second = _masks().values()
    # Empty slices are not in the file: only their place is compared, with where DICOM says that a voxel is.
    for number, mask in ((1, first), (2, second)):
        k, j, i = np.argwhere(mask).T
        normal = np.cross(ROW, COLUMN)
        place = np.array([-10.0, 5.0, 100.0])[:, None] + (
            ROW[:, None] * i * SPACING_MM[0] + COLUMN[:, None] * j * SPACING_MM[1] + normal[:, None] * k * SPACING_MM[2]
        )
        found = labels.grid.to_world(np.argwhere(labels.label == number)[:, ::-1])
        assert sorted(map(tuple, np.round(found, 3))) == sorted(map(tuple, np.round(place.T, 3)))
    renamed = read_dicom_seg(path, ReadSegmentationConfig(names={1: "femur left"}))
    assert renamed.present() == {1: "femur left", 2: "implant"}


def test_import_of_objects_with_their_series(tmp_path: Path) -> None:
    series = _series(tmp_path / "in" / "jane" / "ct")
    _object(tmp_path / "in" / "jane" / "seg.dcm", series, _masks())
    done = CliRunner().invoke(app, ["import", "dicom-seg", str(tmp_path / "in"), "--out", str(tmp_path / "out")])
    assert done.exit_code == 0, (done.output, done.exception)
    made = read_dataset(tmp_path / "out")
    assert made.labels == {"femur": 1, "implant": 2}
    assert made.cases[0].case == "jane-seg"
    assert made.cases[0].patient.startswith("p-")
    assert "jane" not in made.cases[0].patient.lower()
    assert check_dataset(made) == ()
    scan, labels = made.load(made.cases[0])
    assert sorted(scan.grid.size) == sorted(SHAPE)
    first, second = _masks().values()
    assert [(labels.label == n).sum() for n in (1, 2)] == [first.sum(), second.sum()]
    k, j, i = np.argwhere(first)[0]
    expected = series[k].pixel_array[j, i]
    place = np.array(series[k].ImagePositionPatient, dtype=float) + ROW * i * SPACING_MM[0] + COLUMN * j * SPACING_MM[1]
    a, b, c = np.round(labels.grid.to_index(place[None])[0]).astype(int)
    assert labels.label[c, b, a] == 1
    assert scan.hu[c, b, a] == expected


def test_what_is_wrong_is_told(tmp_path: Path) -> None:
    series = _series(tmp_path / "ct")
    with pytest.raises(InputError, match="no DICOM segmentation object"):
        read_dicom_seg(tmp_path / "ct" / "0.dcm", ReadSegmentationConfig())
    masks = _masks()
    masks["implant"] = masks["femur"]
    path = _object(tmp_path / "seg.dcm", series, masks)
    with pytest.raises(InputError, match="'femur' and 'implant' overlap in 27 voxels"):
        read_dicom_seg(path, ReadSegmentationConfig())
    assert read_dicom_seg(path, ReadSegmentationConfig(overlap="last")).present() == {2: "implant"}
    (tmp_path / "other").mkdir()
    path.rename(tmp_path / "other" / "seg.dcm")
    done = CliRunner().invoke(app, ["import", "dicom-seg", str(tmp_path / "other"), "--out", str(tmp_path / "out")])
    assert isinstance(done.exception, InputError)
    assert "was drawn on is not there" in done.exception.message


def test_a_series_that_lost_its_uid_is_taken_when_it_is_alone(tmp_path: Path) -> None:
    series = _series(tmp_path / "in" / "jane" / "ct")
    _object(tmp_path / "in" / "jane" / "seg.dcm", series, _masks())
    for path in (tmp_path / "in" / "jane" / "ct").iterdir():
        import pydicom

        item = pydicom.dcmread(path)
        item.SeriesInstanceUID = "1.2.3"
        item.save_as(path)
    done = CliRunner().invoke(app, ["import", "dicom-seg", str(tmp_path / "in"), "--out", str(tmp_path / "out")])
    assert done.exit_code == 0, done.exception
    assert "is not there; ct, beside it, is taken" in done.output
    assert check_dataset(read_dataset(tmp_path / "out")) == ()
    _series(tmp_path / "in" / "jane" / "another")
    done = CliRunner().invoke(app, ["import", "dicom-seg", str(tmp_path / "in"), "--out", str(tmp_path / "out2")])
    assert isinstance(done.exception, InputError)
