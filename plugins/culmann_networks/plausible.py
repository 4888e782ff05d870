"""Whether a scan can be what a network was trained on: Hounsfield units, voxels of a sensible size, axes near the patient's."""

from __future__ import annotations

import numpy as np

from culmann.data import Scan
from culmann.errors import InputError
from culmann.journal import Journal
from culmann_networks.facts import ModelFacts
from culmann_networks.placing import obliqueness_degrees

#: A CT with less contrast than this (air is -1000, bone 300 and more) shows nothing, or is in other units.
_LEAST_RANGE_HU = 150.0
#: No CT is finer or coarser than this.
_SPACING_MM = (0.02, 15.0)
#: Voxels this many times as wide as those of the network hold too little of what it looks for: a warning; and a refusal.
_COARSE, _TOO_COARSE = 2.5, 6.0
#: Where soft tissue lies when 1024 was added, and the share of the voxels (but zeros) that must lie there to say so.
_OFFSET_HU, _OFFSET_SHARE = (900.0, 1200.0), 0.15
#: From this angle on, the network sees a bone from a side that its training did not have.
_OBLIQUE_DEGREES = 25.0
#: Voxels that are looked at.
_LOOK_AT = 2_000_000


def expect_plausible(scan: Scan, facts: ModelFacts, step: str, journal: Journal, *, check_hu: bool = True) -> None:
    """Raise InputError, or warn, when a scan is not what the model can be used on.

    Raises
    ------
    InputError
        When the values are not Hounsfield units, or the voxels are far too wide.
    """
    scan.expect_hu(step)
    if check_hu:
        expect_hounsfield(scan.hu, "the scan")
    wide = np.asarray(scan.grid.spacing_mm)
    told = " x ".join(f"{s:.3g}" for s in wide)
    if wide.min() < _SPACING_MM[0] or wide.max() > _SPACING_MM[1]:
        raise InputError(
            f"voxels of {told} mm are not those of a CT", hint="is the spacing in the header in millimetres, and is it right?"
        )
    ratio = float(wide.max() / max(facts.spacing_mm))
    wanted = " x ".join(f"{s:g}" for s in facts.spacing_mm)
    if ratio > _TOO_COARSE:
        raise InputError(
            f"voxels of {told} mm are too coarse for a model that was trained on {wanted} mm",
            hint="take a reconstruction with thinner slices, or a model that was trained on coarser ones",
        )
    if ratio > _COARSE:
        journal.warn(f"voxels of {told} mm are {ratio:.1f} times as wide as those that the model was trained on ({wanted} mm)")
    angle = obliqueness_degrees(scan.grid)
    if angle > _OBLIQUE_DEGREES:
        journal.warn(
            f"the scan is turned by {angle:.0f} degrees against the patient, and the model was trained on upright ones: "
            "look at the labels; is the orientation in the header right?"
        )


def expect_hounsfield(hu: np.ndarray[tuple[int, ...], np.dtype[np.float32]], what: str) -> None:
    """Raise InputError when values are not Hounsfield units, as far as one can tell.

    Raises
    ------
    InputError
        When a value is not finite, the values span too little, or an offset of 1024 shows.
    """
    values = hu.ravel()[:: max(1, hu.size // _LOOK_AT)]
    low, high = float(hu.min()), float(hu.max())
    hint = "a network takes the CT in Hounsfield units; `check_hu: false` lets it pass as it is"
    if not np.isfinite([low, high]).all():
        raise InputError(f"{what} holds values that are not finite numbers", hint="fill them with -1024 before")
    if high - low < _LEAST_RANGE_HU:
        raise InputError(
            f"{what} spans {low:.4g} to {high:.4g}: these are no Hounsfield units, or there is nothing to see", hint=hint
        )
    body = values[values > max(low, 0) + 50]
    if low >= -50 and body.size:
        near = float(((body > _OFFSET_HU[0]) & (body < _OFFSET_HU[1])).mean())
        if near > _OFFSET_SHARE:
            raise InputError(
                f"{what} has no value below {low:.4g}, and {100 * near:.0f} % of what is no air lies near 1000: "
                "the offset of 1024 is missing",
                hint="subtract 1024 (the rescale intercept of the DICOM header was not applied)",
            )
