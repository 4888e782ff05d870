"""The readers of segmentations that bring the names of their segments."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from pydantic import Field

from culmann.config import Config
from culmann.data import Labels
from culmann.errors import InputError
from culmann.overlaps import Overlap
from culmann.slicer_segments import read_segmentation
from culmann_datasets.dicom_segments import read_dicom_segments


class ReadSegmentationConfig(Config):
    """Options of `read-segmentation` and `read-dicom-seg`."""

    overlap: Overlap = Field(
        "refuse",
        description="Which segment gets a voxel that lies in several: `first` or `last` in the order of the file; "
        "`refuse` makes it an error.",
    )
    names: dict[int, str] = Field(
        default_factory=dict, description="Names of labels, as `{22: L3}`; they replace the names in the file."
    )


def read_segmentation_file(path: Path, config: ReadSegmentationConfig) -> Labels:
    """Read a `.seg.nrrd` file. Segments keep their label values where these differ, and are counted from 1 otherwise.

    Raises
    ------
    InputError
        When the file cannot be read or names no segment, all are empty, or they overlap and `overlap` is `refuse`.
    """
    return _named(read_segmentation(path, config.overlap), config)


def read_dicom_seg(path: Path, config: ReadSegmentationConfig) -> Labels:
    """Read a DICOM segmentation object; its frames are laid into one volume, in the pose that they have in the patient.

    Raises
    ------
    InputError
        When the file is no such object, its frames are no regular volume, all segments are empty, or they overlap and `overlap`
        is `refuse`.
    """
    return _named(read_dicom_segments(path, config.overlap), config)


def _named(labels: Labels, config: ReadSegmentationConfig) -> Labels:
    if any(number < 1 for number in config.names):
        raise InputError("label 0 cannot have a name: labels are numbers from 1 up, 0 is the background")
    return replace(labels, names={**labels.names, **config.names})
