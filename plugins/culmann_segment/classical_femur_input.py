"""What the classical femur segmenter refuses before it looks for a femur: other units, no bone, voxels that are too wide."""

from __future__ import annotations

import numpy as np

from culmann.data import Scan
from culmann.errors import InputError
from culmann_segment.classical_femur_working import FloatImage

#: What is brighter is metal: cortical bone reaches about 2000 HU.
METAL_HU = 2500.0

_WIDEST_MM = 5.0

#: A femur has some 50 cm3 of it.
_LEAST_BONE_MM3 = 10_000.0


def refuse_unusable(scan: Scan, bone_hu: float) -> None:
    """Raise InputError for a scan in which no femur can be found whatever it shows."""
    widest = max(scan.grid.spacing_mm)
    if widest > _WIDEST_MM:
        raise InputError(
            f"the scan is too coarse: its voxels are {widest:g} mm wide, and at more than {_WIDEST_MM:g} mm the joint space of "
            "the hip cannot be seen",
            hint="reconstruct the scan with thinner slices, or give labels with `labels-from-file`",
        )
    _refuse_units(scan.hu)
    bone = float((scan.hu > bone_hu).sum()) * scan.grid.voxel_volume_mm3
    if bone < _LEAST_BONE_MM3:
        raise InputError(
            f"there is no bone in the scan: {bone / 1000:.2g} cm3 are brighter than {bone_hu:g} HU; a femur has some 50 cm3",
            hint="is this the right volume, and is it in Hounsfield units? `bone_hu` is what counts as bone",
        )


def _refuse_units(hu: FloatImage) -> None:
    low, high = float(hu.min()), float(hu.max())
    hint = "give the original CT in Hounsfield units (air -1000, water 0); a rescaled picture cannot be turned back"
    told = f"the scan does not look like Hounsfield units: its values run from {low:.4g} to {high:.4g}"
    if low == high:
        raise InputError(f"the scan is empty: every voxel is {low:.4g}", hint=hint)
    if low >= 0 and high <= 1.5:
        raise InputError(f"{told}, as a mask or a normalised picture does", hint=hint)
    if low >= 0 and high <= 255:
        raise InputError(f"{told}, as an 8-bit picture does", hint=hint)
    if low >= 0 and high > 1200 and 850 <= float(np.median(hu[hu > 500])) <= 1200:
        raise InputError(
            f"{told}, and most of what is no air lies near 1000: the offset of 1024 is missing",
            hint="subtract 1024 (the rescale intercept of the DICOM header was not applied)",
        )
    if low >= -50:
        raise InputError(
            f"{told}; there is neither air (-1000) nor fat (-100): a density map, or an image with its background set to 0?",
            hint="give the CT itself, before calibration and masking",
        )
    if high <= 3:
        raise InputError(f"{told}, as a normalised image does", hint=hint)


def metal_mm3(hu: FloatImage, voxel_mm3: float) -> float:
    """Volume brighter than any bone."""
    return float((hu > METAL_HU).sum()) * voxel_mm3
