"""The DICOM series that a run belongs to: its headers in the order of the slices, and its grid."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pydicom
import SimpleITK as sitk
from pydicom.dataset import Dataset
from pydicom.errors import InvalidDicomError
from pydicom.uid import generate_uid

from culmann.data import Grid
from culmann.data.arrays import FloatArray
from culmann.errors import InputError
from culmann.image_files import quiet_itk

#: Slices may stray from a regular stack by this share of their distance.
_STRAY = 0.1
#: What every DICOM file has of patient and study, if only as an empty text.
_MAY_BE_EMPTY = (
    "PatientID",
    "PatientName",
    "PatientBirthDate",
    "PatientSex",
    "StudyID",
    "StudyDate",
    "StudyTime",
    "AccessionNumber",
    "ReferringPhysicianName",
)


@dataclass(frozen=True, slots=True)
class Series:
    """A CT series.

    Parameters
    ----------
    folder
        Where it lies.
    headers
        Of its slices, without pixels, in the order of the grid.
    files
        Of its slices, in the same order.
    grid
        Where the voxels are.
    made_up
        Identifiers that the files lack, as badly anonymised ones do, and that were put in their place.
    """

    folder: Path
    headers: tuple[Dataset, ...]
    files: tuple[Path, ...]
    grid: Grid
    made_up: tuple[str, ...] = ()

    @property
    def cautions(self) -> list[str]:
        """What follows from identifiers that were made up."""
        if not self.made_up:
            return []
        told = f"the files of the series have no {', '.join(self.made_up)}: new ones stand in their place"
        return [f"{told}, so that a viewer cannot find the series by them, only lay both over each other"]

    @property
    def uid(self) -> str:
        """SeriesInstanceUID."""
        return str(self.headers[0].SeriesInstanceUID)

    def fact(self, name: str) -> str:
        """What the header says under a keyword, as text; empty where it says nothing."""
        return str(self.headers[0].get(name, "") or "").strip()

    def hu(self, slices: Sequence[int]) -> FloatArray:
        """(n, rows, columns): Hounsfield units of some slices."""
        with quiet_itk():
            read = [sitk.ReadImage(str(self.files[n]), sitk.sitkFloat32, "GDCMImageIO") for n in slices]
        return np.stack([np.asarray(sitk.GetArrayFromImage(image)[0], dtype=float) for image in read])


def read_series(folder: Path, wanted: str | None = None) -> Series:
    """Read the headers of a series.

    Parameters
    ----------
    folder
        Holds the files; folders in it are not searched, and files that are no DICOM images are passed over.
    wanted
        The SeriesInstanceUID, or the end of it, where there are several.

    Raises
    ------
    InputError
        When there is no series, or several and none is chosen, or it is no regular stack of slices.
    """
    if not folder.is_dir():
        raise InputError(f"there is no folder {folder}", hint="give the folder with the slices of the DICOM series")
    found: dict[str, list[tuple[Dataset, Path]]] = {}
    for path in sorted(path for path in folder.iterdir() if path.is_file()):
        try:
            header = pydicom.dcmread(path, stop_before_pixels=True)
        except (InvalidDicomError, OSError):
            continue
        if "ImagePositionPatient" in header and "Rows" in header:
            found.setdefault(str(header.get("SeriesInstanceUID", "")), []).append((_completed(header), path))
    chosen = [uid for uid in found if wanted is None or uid.endswith(wanted)]
    if not found:
        raise InputError(f"no DICOM image in {folder}", hint="give the folder that holds the slices themselves")
    if len(chosen) != 1:
        listed = "".join(
            f"\n    {uid}: {str(slices[0][0].get('SeriesDescription', '')) or 'no description'}, {len(slices)} slices"
            for uid, slices in found.items()
        )
        raise InputError(
            f"{len(chosen)} of the {len(found)} series in {folder} are meant:{listed}",
            hint="say --series with the end of a UID",
        )
    return _stacked(folder, found[chosen[0]])


def _identified(slices: Sequence[tuple[Dataset, Path]]) -> tuple[str, ...]:
    """Put identifiers where there are none: the same ones each time that a series is read. Gives back which were missing."""
    made_up = list[str]()
    place = slices[0][1].parent.name
    for name in ("SOPInstanceUID", "SeriesInstanceUID", "StudyInstanceUID", "FrameOfReferenceUID"):
        for header, path in slices:
            if not header.get(name):
                made_up.append(name)
                setattr(header, name, generate_uid(entropy_srcs=[place, name, path.name if name == "SOPInstanceUID" else ""]))
    for header, path in slices:
        if not header.SOPClassUID:
            raise InputError(f"{path} does not say what kind of DICOM file it is (SOPClassUID)")
    return tuple(dict.fromkeys(made_up))


def _completed(header: Dataset) -> Dataset:
    """A header with what DICOM asks for, where an anonymised file lacks it: UIDs stand in the preamble as well."""
    for name in ("SOPClassUID", "SOPInstanceUID"):
        if not header.get(name):
            setattr(header, name, header.file_meta.get(f"MediaStorage{name}", ""))
    for name in _MAY_BE_EMPTY:
        if name not in header:
            setattr(header, name, "")
    return header


def _stacked(folder: Path, slices: list[tuple[Dataset, Path]]) -> Series:
    first = slices[0][0]
    for header, path in slices:
        for name in ("ImageOrientationPatient", "PixelSpacing", "Rows", "Columns"):
            if header.get(name) != first.get(name):
                raise InputError(f"the series in {folder} mixes slices: {name} is another in {path.name}")
    if len(slices) < 2:
        raise InputError(f"the series in {folder} has one slice, and a scan has two at least")
    across, down = np.asarray(first.ImageOrientationPatient, dtype=float).reshape(2, 3)
    normal = np.cross(across, down)
    position = np.array([[float(v) for v in header.ImagePositionPatient] for header, _ in slices])
    order = np.argsort(position @ normal, kind="stable")
    position = position[order]
    step = float((position[-1] - position[0]) @ normal) / (len(slices) - 1)
    stray = np.linalg.norm(position - position[0] - np.outer(np.arange(len(slices)), step * normal), axis=1)
    if step < 1e-3 or stray.max() > max(_STRAY * step, 0.06):
        raise InputError(
            f"the slices in {folder} are no regular stack: one strays by {stray.max():.2f} mm, at a distance of {step:.2f} mm",
            hint="is a slice missing, are there two reconstructions, or was the gantry tilted?",
        )
    row_mm, column_mm = (float(v) for v in first.PixelSpacing)
    x, y, z = (float(v) for v in position[0])
    try:
        grid = Grid(
            (int(first.Columns), int(first.Rows), len(slices)),
            (column_mm, row_mm, step),
            (x, y, z),
            tuple(float(v) for v in np.stack([across, down, normal], axis=1).ravel()),
        )
    except ValueError as problem:
        raise InputError(f"the series in {folder}: {problem}") from problem
    made_up = _identified(slices)
    return Series(folder, tuple(slices[n][0] for n in order), tuple(slices[n][1] for n in order), grid, made_up)
