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
