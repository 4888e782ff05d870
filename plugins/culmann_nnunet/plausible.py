"""Whether a scan can be what a network was trained on: its unit above all."""

from __future__ import annotations

from typing import Any

import numpy as np

from culmann.data import Scan
from culmann.errors import InputError
from culmann.journal import Journal

#: What lies beyond this is no CT in Hounsfield units, and what has nothing below 0 has no fat and no air in it.
_BEYOND_HU = 40_000.0


def expect_ct(scan: Scan, plans: dict[str, Any], journal: Journal) -> None:
    """Raise InputError when the values cannot be Hounsfield units; warn when no voxel is as dense as what was labelled.

    `plans` hold the percentiles of the labelled voxels of the training, where nnU-Net wrote them.
    """
    low, high = float(scan.hu.min()), float(scan.hu.max())
    if low == high:
        raise InputError(f"every voxel of the scan is {low:g}: there is nothing in it")
    if high > _BEYOND_HU or low < -_BEYOND_HU or low >= 0 or high <= 5:
        raise InputError(
            f"the values of the scan go from {low:g} to {high:g}, and in Hounsfield units fat and air are below 0",
            hint="were they stored with an offset (subtract 1024), rescaled for a network, or is it no CT?",
        )
    known = plans.get("foreground_intensity_properties_per_channel", {}).get("0", {})
    if "percentile_00_5" in known and "percentile_99_5" in known:
        share = float(np.mean((scan.hu >= known["percentile_00_5"]) & (scan.hu <= known["percentile_99_5"])))
        if share == 0:
            journal.warn(
                f"no voxel of the scan is between {known['percentile_00_5']:.0f} and {known['percentile_99_5']:.0f} HU, as "
                "what the network was trained to find: is it in Hounsfield units?"
            )
