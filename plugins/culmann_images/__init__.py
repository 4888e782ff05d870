"""Images: read from files and DICOM folders, resampled, cropped, mirrored, moved and rescaled. Descriptors only."""

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
        "resample-density",
        "culmann_images.resample:resample_density",
        summary="A density map at another voxel spacing, as `resample` does a scan",
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
    yield Step(
        "crop-density",
        "culmann_images.crop:crop_density",
        summary="A density map cut to what is labelled, with a margin",
    )
    yield Step(
        "keep-side",
        "culmann_images.side:keep_side",
        summary="The left or the right half of a scan that shows both sides of the body",
    )
    yield Step(
        "mirror",
        "culmann_images.mirror:mirror",
        summary="A scan mirrored left to right, with the way back to the patient",
    )
    yield Step(
        "mirror-labels",
        "culmann_images.mirror:mirror_labels",
        summary="A label map mirrored left to right, with the way back to the patient",
    )
    yield Step(
        "mirror-density",
        "culmann_images.mirror:mirror_density",
        summary="A density map mirrored left to right, with the way back to the patient",
    )
    yield Step(
        "register",
        "culmann_images.register:register",
        summary="A scan laid onto a reference scan by a rigid or affine movement, with the way back to the patient",
        cite=("doi:10.1109/TMI.2003.809072",),
    )
    yield Step(
        "inspect-scan",
        "culmann_images.inspection:inspect_scan",
        summary="The scan as it is, with warnings of metal and of what looks like contrast agent",
    )
    yield Step(
        "clip-hu",
        "culmann_images.intensity:clip_hu",
        summary="A scan without grey values beyond given ends, such as those of metal",
    )
    yield Step(
        "normalise-intensity",
        "culmann_images.intensity:normalise_intensity",
        summary="A scan rescaled for a network, by z-score, window or percentiles; no calibration takes it any more",
    )
