"""Images: read from files and DICOM folders, resampled, cropped. Descriptors only."""

from __future__ import annotations

from collections.abc import Iterable

from culmann.hookspecs import hookimpl
from culmann.steps import Step

api = 1

_FILES = (".nii.gz", ".nii", ".nrrd", ".nhdr", ".mha", ".mhd")


@hookimpl
def culmann_readers() -> Iterable[Step]:
    """Files into scans, labels and densities."""
    yield Step(
        "read-scan",
        "culmann_images.readers:read_scan",
        summary="CT in Hounsfield units from NIfTI, NRRD, MetaImage or a folder with a DICOM series",
        suffixes=(*_FILES, "/"),
    )
    yield Step(
        "read-labels",
        "culmann_images.readers:read_labels",
        summary="Label map from NIfTI, NRRD (with the segment names of 3D Slicer) or MetaImage",
        suffixes=_FILES,
    )
    yield Step(
        "read-density",
        "culmann_images.readers:read_density",
        summary="Density map that is calibrated already, in mg/cm3 or g/cm3, of a stated kind",
        suffixes=_FILES,
    )


@hookimpl
def culmann_preprocessors() -> Iterable[Step]:
    """Images into images."""
    yield Step(
        "resample",
        "culmann_images.resample:resample",
        summary="A scan at another voxel spacing, by B-splines or linearly, blurred first where voxels become wider",
    )
    yield Step(
        "resample-labels",
        "culmann_images.resample:resample_labels",
        summary="A label map at another voxel spacing, without new labels",
    )
    yield Step(
        "crop",
        "culmann_images.crop:crop",
        summary="A scan cut to what is labelled, with a margin",
    )
    yield Step(
        "crop-labels",
        "culmann_images.crop:crop_labels",
        summary="A label map cut to what is labelled, with a margin",
    )
