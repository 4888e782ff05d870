"""DICOM: segmentations read back by highdicom and ITK voxel by voxel, PDFs byte by byte, and what does not belong refused."""

from __future__ import annotations

import shutil
from pathlib import Path

import highdicom as hd
import numpy as np
import pydicom
import pytest
import SimpleITK as sitk
from pydicom.uid import generate_uid

from culmann.errors import EngineError, InputError
from culmann.pipeline import read_pipeline, run
from culmann.plugins import find, load_catalogue, load_target
from culmann.ports import ports_of
from culmann.regridding import labels_onto
from culmann_interchange.anatomy import side, structure
from culmann_interchange.cases import one_case
from culmann_interchange.dicom_pdf import write_dicom_pdf
from culmann_interchange.dicom_seg import expect_source, write_dicom_seg
from culmann_interchange.dicom_source import read_series
from culmann_interchange.printing import print_report, read_pdf

TRUNK = Path(__file__).parents[4] / "shared" / "data" / "trunk_dicom"
PIPELINE = """\
name: bone-only
inputs: {scan: {type: Scan}, labels: {type: Labels}}
steps:
  bone: {use: pick-labels}
outputs: [bone]
"""


def write_dicom(folder: Path, image: sitk.Image, **facts: str) -> Path:
    """An image as a DICOM series, a file a slice, in an order of names that is not that of the slices."""
    folder.mkdir(parents=True)
    array, direction = sitk.GetArrayFromImage(image), np.array(image.GetDirection()).reshape(3, 3)
    shared = {name: generate_uid() for name in ("StudyInstanceUID", "SeriesInstanceUID", "FrameOfReferenceUID")}
    told = {
        "PatientID": "P1",
        "PatientName": "One^Patient",
        "PatientBirthDate": "",
        "PatientSex": "",
        "StudyID": "1",
        **shared,
        **facts,
    }
    for k in range(array.shape[0]):
        data = pydicom.Dataset()
        data.file_meta = pydicom.dataset.FileMetaDataset()
        data.file_meta.TransferSyntaxUID = pydicom.uid.ExplicitVRLittleEndian
        data.SOPClassUID, data.SOPInstanceUID, data.Modality = pydicom.uid.CTImageStorage, generate_uid(), "CT"
        for name, value in told.items():
            setattr(data, name, value)
        data.ImagePositionPatient = [float(v) for v in image.TransformIndexToPhysicalPoint((0, 0, k))]
        data.ImageOrientationPatient = [float(v) for v in direction[:, :2].T.ravel()]
        data.PixelSpacing = [image.GetSpacing()[1], image.GetSpacing()[0]]
        data.SliceThickness, data.InstanceNumber = image.GetSpacing()[2], k + 1
        data.Rows, data.Columns = array.shape[1:]
        data.SamplesPerPixel, data.PhotometricInterpretation = 1, "MONOCHROME2"
        data.BitsAllocated, data.BitsStored, data.HighBit, data.PixelRepresentation = 16, 16, 15, 1
        data.RescaleSlope, data.RescaleIntercept = 1, 0
        data.PixelData = array[k].astype("<i2").tobytes()
        data.save_as(folder / f"{(7 * k) % 101:03d}.dcm", enforce_file_format=True)
    return folder


def ct_of(case_folder: Path) -> sitk.Image:
    return sitk.ReadImage(str(case_folder / "ct.nii.gz"))


def case_of(place: Path, scan: Path, labels: Path, names: str = ""):
    (place / "p.yaml").write_text(
        PIPELINE.replace("{type: Labels}", f"{{type: Labels, with: {{names: {{{names}}}}}}}") if names else PIPELINE
    )
    graph = read_pipeline(place / "p.yaml", load_catalogue())
    run(graph, {"scan": scan, "labels": labels}, out=place / "run", store=place / "store")
    return one_case(place / "run", None, None)


@pytest.fixture
def dicom_case(case_folder, tmp_path):
    """A run on a DICOM series with labels on its grid: the case and its series."""
    series = write_dicom(tmp_path / "series", ct_of(case_folder))
    return case_of(tmp_path, series, case_folder / "labels.nii.gz", "3: vertebrae_L3, 5: femur_left"), series


def world_of(path: Path) -> dict[str, set[tuple[float, ...]]]:
    """{segment: the centres of its voxels, LPS, to a hundredth of a millimetre}, as highdicom has it."""
    seg = hd.seg.segread(path)
    found = {}
    for number in seg.segment_numbers:
        volume = seg.get_volume(segment_numbers=[number], combine_segments=True)
        at = np.argwhere(volume.array > 0) @ volume.affine[:3, :3].T + volume.affine[:3, 3]
        found[seg.get_segment_description(number).segment_label] = {tuple(point) for point in at.round(2).tolist()}
    return found


def world_of_labels(path: Path, value: int) -> set[tuple[float, ...]]:
    image = sitk.ReadImage(str(path))
    index = np.argwhere(sitk.GetArrayFromImage(image) == value)[:, ::-1]
    return {tuple(np.round(image.TransformIndexToPhysicalPoint(point), 2).tolist()) for point in index.tolist()}


def test_every_voxel_has_its_segment_in_an_oblique_series(dicom_case, case_folder, tmp_path):
    case, series = dicom_case
    assert write_dicom_seg(case, read_series(series), tmp_path / "seg.dcm") == ()
    found = world_of(tmp_path / "seg.dcm")
    assert found == {
        "vertebrae_L3": world_of_labels(case_folder / "labels.nii.gz", 3),
        "femur_left": world_of_labels(case_folder / "labels.nii.gz", 5),
    }


def test_itk_reads_the_same_frames_and_they_refer_to_their_slices(dicom_case, case_folder, tmp_path):
    case, series = dicom_case
    write_dicom_seg(case, read_series(series), tmp_path / "seg.dcm")
    frames = sitk.GetArrayFromImage(sitk.ReadImage(str(tmp_path / "seg.dcm")))
    label = sitk.GetArrayFromImage(sitk.ReadImage(str(case_folder / "labels.nii.gz")))
    data = pydicom.dcmread(tmp_path / "seg.dcm")
    slices = {str(read.SOPInstanceUID): read for read in map(pydicom.dcmread, series.iterdir())}
    first = ct_of(case_folder).TransformIndexToPhysicalPoint((0, 0, 0))
    voxels = 0
    for frame, told in zip(frames, data.PerFrameFunctionalGroupsSequence, strict=True):
        source = slices[told.DerivationImageSequence[0].SourceImageSequence[0].ReferencedSOPInstanceUID]
        k = round((source.ImagePositionPatient[2] - first[2]) / 2.0)
        value = {1: 3, 2: 5}[told.SegmentIdentificationSequence[0].ReferencedSegmentNumber]
        assert np.array_equal(frame > 0, label[k] == value)
        voxels += int((frame > 0).sum())
    assert voxels == (label > 0).sum()
    assert data.FrameOfReferenceUID == next(iter(slices.values())).FrameOfReferenceUID
    assert (data.PatientID, data.StudyInstanceUID) == ("P1", next(iter(slices.values())).StudyInstanceUID)


def test_segments_have_codes_where_their_names_leave_no_doubt(dicom_case, tmp_path):
    case, series = dicom_case
    write_dicom_seg(case, read_series(series), tmp_path / "seg.dcm")
    spine, femur = pydicom.dcmread(tmp_path / "seg.dcm").SegmentSequence
    assert spine.SegmentedPropertyTypeCodeSequence[0].CodeValue == "36470004"
    code = femur.SegmentedPropertyTypeCodeSequence[0]
    assert (code.CodeValue, code.SegmentedPropertyTypeModifierCodeSequence[0].CodeMeaning) == ("71341001", "Left")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("L3", "36470004"),
        ("vertebrae_T12", "23215003"),
        ("C1", "14806007"),
        ("femur-left", "71341001"),
        ("vertebra", "51282000"),
        ("sacrum", "54735007"),
        ("L6", None),
        ("T13", None),
        ("label-3", None),
        ("L3 disc", None),
        ("femur head", None),
        ("cement", None),
    ],
)
def test_codes_by_name(name, value):
    found = structure(name)
    assert (found and found.value) == value
    assert side("femur_right").meaning == "Right"
    assert side("leftover") is None


def test_labels_on_another_grid_go_to_the_nearest_voxel_and_that_is_said(case_folder, tmp_path):
    coarse = sitk.Resample(
        sitk.ReadImage(str(case_folder / "labels.nii.gz")), (12, 11, 9), sitk.Transform(), sitk.sitkNearestNeighbor,
        (17.3, -139.6, -799.5), (4.1, 4.0, 3.9), ct_of(case_folder).GetDirection(),
    )  # fmt: skip
    sitk.WriteImage(coarse, str(tmp_path / "coarse.nii.gz"))
    case = case_of(tmp_path, case_folder / "ct.nii.gz", tmp_path / "coarse.nii.gz")
    series = write_dicom(tmp_path / "series", ct_of(case_folder))
    cautions = write_dicom_seg(case, read_series(series), tmp_path / "seg.dcm", "labels")
    assert any("lay on another grid" in text for text in cautions)
    assert any("judged by its grey values (correlation 1.000)" in text for text in cautions)
    onto = sitk.Resample(coarse, ct_of(case_folder), sitk.Transform(), sitk.sitkNearestNeighbor, 0, sitk.sitkUInt8)
    sitk.WriteImage(onto, str(tmp_path / "onto.nii.gz"))
    assert world_of(tmp_path / "seg.dcm")["label-3"] == world_of_labels(tmp_path / "onto.nii.gz", 3)


def test_labels_of_a_mirrored_bone_come_back_to_the_patient(run_folder, case_folder, tmp_path):
    series = write_dicom(tmp_path / "series", ct_of(case_folder))
    write_dicom_seg(one_case(run_folder, "right", None), read_series(series), tmp_path / "seg.dcm")
    found, true = world_of(tmp_path / "seg.dcm")["L3"], world_of_labels(case_folder / "labels.nii.gz", 3)
    assert len(found & true) > 0.98 * len(found | true)


def test_a_series_of_another_patient_frame_or_body_is_refused(dicom_case, case_folder, tmp_path):
    case, series = dicom_case
    own = pydicom.dcmread(next(series.iterdir()))
    other = write_dicom(tmp_path / "other", ct_of(case_folder), PatientID="P2", FrameOfReferenceUID=own.FrameOfReferenceUID)
    with pytest.raises(InputError, match="of another patient than the scan of the run: PatientID differs"):
        write_dicom_seg(case, read_series(other), tmp_path / "seg.dcm", trust=True)
    moved = write_dicom(tmp_path / "moved", ct_of(case_folder))
    with pytest.raises(InputError, match="another frame of reference") as problem:
        write_dicom_seg(case, read_series(moved), tmp_path / "seg.dcm")
    assert "--trust-source" in problem.value.hint
    assert any("another frame" in text for text in write_dicom_seg(case, read_series(moved), tmp_path / "ok.dcm", trust=True))
    again = write_dicom(tmp_path / "again", ct_of(case_folder), FrameOfReferenceUID=own.FrameOfReferenceUID)
    assert write_dicom_seg(case, read_series(again), tmp_path / "too.dcm") == (
        "the run was computed from another series of the same frame of reference",
    )
    assert not (tmp_path / "seg.dcm").exists()


def test_a_scan_without_identifiers_is_compared_with_the_series(case_folder, tmp_path):
    case = case_of(tmp_path, case_folder / "ct.nii.gz", case_folder / "labels.nii.gz")
    image = ct_of(case_folder)
    noise = sitk.GetImageFromArray(np.random.default_rng(0).normal(0, 100, (18, 22, 26)).astype(np.int16))
    noise.CopyInformation(image)
    with pytest.raises(InputError, match=r"show different images \(correlation -?0\.0"):
        write_dicom_seg(case, read_series(write_dicom(tmp_path / "noise", noise)), tmp_path / "seg.dcm")
    image.SetOrigin((900.0, 0.0, 0.0))
    far = write_dicom(tmp_path / "far", image)
    with pytest.raises(InputError, match="too little of the scan"):
        write_dicom_seg(case, read_series(far), tmp_path / "seg.dcm")
    with pytest.raises(InputError, match="no label of run lies in the series"):
        write_dicom_seg(case, read_series(far), tmp_path / "seg.dcm", trust=True)
    part = write_dicom(tmp_path / "part", ct_of(case_folder)[:, :, :9])
    cautions = write_dicom_seg(case, read_series(part), tmp_path / "part.dcm")
    assert any("% of the labelled volume lies outside the series" in text for text in cautions)


def test_a_run_without_a_scan_says_that_nothing_ties_it_to_the_series(case_folder, tmp_path):
    labels = case_folder / "labels.nii.gz"
    (tmp_path / "p.yaml").write_text(
        "name: masks\ninputs: {labels: {type: Labels}}\nsteps: {bone: {use: pick-labels}}\noutputs: [bone]\n"
    )
    graph = read_pipeline(tmp_path / "p.yaml", load_catalogue())
    run(graph, {"labels": labels}, out=tmp_path / "run", store=tmp_path / "store")
    case, series = one_case(tmp_path / "run", None, None), read_series(write_dicom(tmp_path / "series", ct_of(case_folder)))
    with pytest.raises(InputError, match="did not begin with a scan"):
        write_dicom_seg(case, series, tmp_path / "seg.dcm")
    (caution,) = write_dicom_seg(case, series, tmp_path / "seg.dcm", trust=True)
    assert "did not begin with a scan" in caution
    assert world_of(tmp_path / "seg.dcm")["label-3"] == world_of_labels(labels, 3)


def test_folders_that_hold_no_one_series_are_told(case_folder, tmp_path):
    with pytest.raises(InputError, match="there is no folder"):
        read_series(tmp_path / "nowhere")
    (tmp_path / "empty").mkdir()
    (tmp_path / "empty" / "notes.txt").write_text("no DICOM")
    with pytest.raises(InputError, match="no DICOM image in"):
        read_series(tmp_path / "empty")
    one = write_dicom(tmp_path / "one", ct_of(case_folder))
    for path in write_dicom(tmp_path / "two", ct_of(case_folder)).iterdir():
        shutil.copy(path, one / f"b{path.name}")
    with pytest.raises(InputError, match="2 of the 2 series"):
        read_series(one)
    uid = str(pydicom.dcmread(one / "b000.dcm").SeriesInstanceUID)
    assert read_series(one, uid[-6:]).uid == uid
    gap = write_dicom(tmp_path / "gap", ct_of(case_folder))
    (gap / "035.dcm").unlink()
    with pytest.raises(InputError, match="no regular stack"):
        read_series(gap)


def test_identifiers_that_anonymising_took_are_made_up_and_that_is_said(case_folder, tmp_path):
    series = write_dicom(tmp_path / "series", ct_of(case_folder), StudyInstanceUID="", SeriesInstanceUID="")
    case = case_of(tmp_path, series, case_folder / "labels.nii.gz")
    (caution,) = write_dicom_seg(case, read_series(series), tmp_path / "seg.dcm")
    assert "no SeriesInstanceUID, StudyInstanceUID" in caution
    assert pydicom.dcmread(tmp_path / "seg.dcm").StudyInstanceUID == read_series(series).headers[0].StudyInstanceUID != ""


def test_the_pdf_comes_out_as_it_went_in_with_patient_and_study_of_the_series(dicom_case, tmp_path):
    case, series = dicom_case
    for content in (b"%PDF-1.4\nodd", b"%PDF-1.4\neven"):
        out = tmp_path / f"{len(content)}.dcm"
        write_dicom_pdf(case, read_series(series), content, out)
        data = pydicom.dcmread(out)
        assert data.EncapsulatedDocument[: data.EncapsulatedDocumentLength] == content
        assert len(data.EncapsulatedDocument) % 2 == 0
        source = pydicom.dcmread(next(series.iterdir()))
        assert (data.PatientID, data.StudyInstanceUID) == (source.PatientID, source.StudyInstanceUID)
        assert data.SeriesInstanceUID != source.SeriesInstanceUID
        assert data.SOPClassUID == pydicom.uid.EncapsulatedPDFStorage
        assert data.VerificationFlag == "UNVERIFIED"


def test_the_report_is_printed_by_a_browser_and_what_is_missing_is_told(tmp_path, monkeypatch):
    with pytest.raises(InputError, match=r"has no report\.html"):
        print_report(tmp_path)
    (tmp_path / "report.html").write_text("<h1>Failure load 4321 N</h1>")
    monkeypatch.setenv("CULMANN_BROWSER", "no-such-browser")
    with pytest.raises(EngineError, match="no Chromium or Chrome was found") as problem:
        print_report(tmp_path)
    assert "--pdf" in problem.value.hint
    stand_in = tmp_path / "browser"
    stand_in.write_text(
        '#!/bin/sh\nfor a in "$@"; do case $a in --print-to-pdf=*) printf "%%PDF-1.4 of $0" > "${a#*=}";; esac; done\n'
    )
    stand_in.chmod(0o755)
    monkeypatch.setenv("CULMANN_BROWSER", str(stand_in))
    assert print_report(tmp_path).startswith(b"%PDF-1.4 of")
    stand_in.write_text("#!/bin/sh\necho no display >&2\nexit 3\n")
    with pytest.raises(EngineError, match=r"did not print .*: no display"):
        print_report(tmp_path)
    with pytest.raises(InputError, match="is no PDF file"):
        read_pdf(tmp_path / "report.html")


@pytest.mark.skipif(not TRUNK.is_dir(), reason="needs ../shared/data")
def test_a_real_series_gets_its_segmentation(tmp_path):
    image = sitk.Cast(sitk.ReadImage(sitk.ImageSeriesReader.GetGDCMSeriesFileNames(str(TRUNK))), sitk.sitkInt16)
    bone = sitk.Cast(image > 250, sitk.sitkUInt8)
    sitk.WriteImage(bone, str(tmp_path / "bone.nii.gz"))
    case = case_of(tmp_path, TRUNK, tmp_path / "bone.nii.gz", "1: bone")
    cautions = write_dicom_seg(case, read_series(TRUNK), tmp_path / "seg.dcm")
    assert len(cautions) == 1  # its files have no identifiers of series and study
    assert world_of(tmp_path / "seg.dcm") == {"bone": world_of_labels(tmp_path / "bone.nii.gz", 1)}
    assert len(expect_source(case, read_series(TRUNK), trust=False)) == 1


def test_culmann_reads_its_own_segmentation_back(dicom_case, tmp_path):
    case, series = dicom_case
    write_dicom_seg(case, read_series(series), tmp_path / "seg.dcm")
    load = load_target(find(load_catalogue(), "read-dicom-seg"))
    config = ports_of(find(load_catalogue(), "read-dicom-seg")).config
    read = load(path=tmp_path / "seg.dcm", config=config())
    labels = case.labels_in_patient()
    assert read.present() == {1: "vertebrae_L3", 2: "femur_left"}
    again = labels_onto(read, labels.grid, "nearest")
    assert np.array_equal(again.label, np.searchsorted([0, 3, 5], labels.label))
