"""DICOM segmentation objects into labels, by highdicom."""

from __future__ import annotations

import importlib.util
import warnings
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from culmann.data import Grid, Labels
from culmann.errors import InputError, PluginError
from culmann.overlaps import Overlap, Segment, labels_of

#: A segment given as probabilities is where they reach this.
_HALF = 0.5


def read_dicom_segments(path: Path, overlap: Overlap = "refuse") -> Labels:
    """The labels of a segmentation object; segments keep their numbers. Raises InputError as `read-dicom-seg` says."""
    seg = _opened(path)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            volume = seg.get_volume(combine_segments=False, rescale_fractional=True)
    except (RuntimeError, ValueError, AttributeError, TypeError) as problem:
        raise InputError(
            f"the frames of {path} are no regular volume: {problem}",
            hint="it may segment a slide, or slices at uneven distances",
        ) from problem
    array = np.asarray(volume.array)
    grid = _grid(path, np.asarray(volume.affine, dtype=float), array.shape)
    segments = [
        Segment(str(seg.get_segment_description(number).SegmentLabel).strip(), int(number), array[..., place] >= _HALF)
        for place, number in enumerate(seg.segment_numbers)
    ]
    return replace(labels_of(segments, grid, str(path), overlap), history=(f"read: {path.name}",))


def referenced_series(path: Path) -> str:
    """UID of the series that a segmentation object was drawn on; empty when it does not say."""
    for series in getattr(_opened(path), "ReferencedSeriesSequence", []):
        return str(series.SeriesInstanceUID)
    return ""


def is_segmentation_object(path: Path) -> bool:
    """Whether a file is a DICOM segmentation object, from its header alone."""
    expect_highdicom()
    import pydicom
    from pydicom.errors import InvalidDicomError

    try:
        header = pydicom.dcmread(path, stop_before_pixels=True, specific_tags=["SOPClassUID", "Modality"])
    except (InvalidDicomError, OSError):
        return False
    return str(header.get("Modality", "")) == "SEG"


def expect_highdicom() -> None:
    """Raise PluginError, with what to install, unless highdicom (and pydicom with it) is there."""
    if importlib.util.find_spec("highdicom") is None:
        raise PluginError("DICOM segmentations need highdicom, which is not installed", hint="pip install 'culmann[dicom]'")


def _opened(path: Path) -> Any:
    if not path.is_file():
        raise InputError(f"there is no file {path}", hint="check the path; relative paths start at the folder you are in")
    expect_highdicom()
    import highdicom
    from pydicom.errors import InvalidDicomError

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return highdicom.seg.segread(path)
    except InvalidDicomError as problem:
        raise InputError(f"{path} is no DICOM file") from problem
    except (ValueError, AttributeError, TypeError, KeyError, OSError) as problem:
        raise InputError(f"{path} is no DICOM segmentation object: {problem}") from problem


def _grid(path: Path, affine: Any, shape: tuple[int, ...]) -> Grid:
    """The grid of an array (k, j, i) whose indices an affine matrix takes to LPS."""
    columns = affine[:3, :3][:, ::-1]  # of i, j, k
    spacing = np.linalg.norm(columns, axis=0)
    try:
        return Grid(
            (shape[2], shape[1], shape[0]),
            (float(spacing[0]), float(spacing[1]), float(spacing[2])),
            (float(affine[0, 3]), float(affine[1, 3]), float(affine[2, 3])),
            tuple(float(v) for v in (columns / spacing).ravel()),
        )
    except ValueError as problem:
        raise InputError(f"{path}: {problem}") from problem
