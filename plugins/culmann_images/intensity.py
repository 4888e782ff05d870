"""clip-hu and normalise-intensity: grey values cut off, or rescaled for a network."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal, Self

import numpy as np
from pydantic import Field, model_validator

from culmann.config import Config
from culmann.data import Scan
from culmann.errors import InputError
from culmann.journal import Journal


class ClipHuConfig(Config):
    """Options of `clip-hu`."""

    lowest_hu: float = Field(-1024.0, description="Lower values become this one.")
    highest_hu: float = Field(
        2500.0, description="Higher values become this one. Cortical bone stays below 2500 HU, and metal lies above."
    )

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.lowest_hu >= self.highest_hu:
            raise ValueError(f"`lowest_hu: {self.lowest_hu:g}` must be less than `highest_hu: {self.highest_hu:g}`")
        return self


class NormaliseConfig(Config):
    """Options of `normalise-intensity`."""

    method: Literal["z-score", "window", "percentile"] = Field(
        description="`z-score`: less the mean, over the standard deviation. `window`: from `low` to `high` HU to 0 to 1. "
        "`percentile`: from the `low` to the `high` percentile to 0 to 1."
    )
    low: float | None = Field(
        None,
        description="Lower end: HU for `z-score` and `window`, per cent for `percentile`. Lower values become this one first. "
        "Null for `z-score` only: nothing is cut off.",
    )
    high: float | None = Field(None, description="Upper end, as `low`.")
    above_hu: float | None = Field(
        None,
        description="`z-score` and `percentile` are taken over the voxels above this value, such as -500 to leave the air out. "
        "null: over all.",
    )
    mean: float | None = Field(
        None, description="`z-score`: the mean in HU, such as that of a training set. null: of this scan."
    )
    sd: float | None = Field(
        None, gt=0, description="`z-score`: the standard deviation in HU, such as that of a training set. null: of this scan."
    )

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if (self.low is None) != (self.high is None):
            raise ValueError("give both of `low` and `high`, or none")
        if self.low is None and self.method != "z-score":
            raise ValueError(f"`method: {self.method}` needs `low` and `high`")
        if self.low is not None and self.high is not None and self.low >= self.high:
            raise ValueError(f"`low: {self.low:g}` must be less than `high: {self.high:g}`")
        if self.method == "percentile" and ((self.low or 0) < 0 or (self.high or 0) > 100):
            raise ValueError("percentiles lie between 0 and 100")
        if self.method != "z-score" and (self.mean is not None or self.sd is not None):
            raise ValueError(f"`mean` and `sd` are for `method: z-score`, not for `{self.method}`")
        return self


def clip_hu(scan: Scan, config: ClipHuConfig, journal: Journal) -> Scan:
    """Cut off grey values, those of metal above all. What metal did to the voxels around it stays.

    Raises
    ------
    InputError
        When the scan was normalised.
    """
    scan.expect_hu("clip-hu")
    above = int((scan.hu > config.highest_hu).sum())
    if above:
        journal.warn(
            f"clip-hu set {above} voxels ({above * scan.grid.voxel_volume_mm3 / 1000:.2g} cm³) of more than "
            f"{config.highest_hu:g} HU to that value; streaks around them stay"
        )
    told = f"clip-hu: to {config.lowest_hu:g} to {config.highest_hu:g} HU"
    hu = np.clip(scan.hu, np.float32(config.lowest_hu), np.float32(config.highest_hu))
    return replace(scan, hu=hu, history=(*scan.history, told))


def normalise_intensity(scan: Scan, config: NormaliseConfig) -> Scan:
    """Rescale grey values for a network. The result is marked, so that no calibration takes it for Hounsfield units.

    Raises
    ------
    InputError
        When the scan was normalised before, or there is no range of values to rescale.
    """
    scan.expect_hu("normalise-intensity")
    hu = scan.hu.astype(np.float64)
    counted = hu if config.above_hu is None else hu[hu > config.above_hu]
    if counted.size == 0:
        raise InputError(f"no voxel lies above {config.above_hu:g} HU, so that there is nothing to normalise by")
    low, high = config.low, config.high
    if config.method == "percentile":
        low, high = (float(v) for v in np.percentile(counted, [low or 0, high or 100]))
    if low is not None and high is not None:
        hu, counted = np.clip(hu, low, high), np.clip(counted, low, high)
    if config.method == "z-score":
        mean = float(counted.mean()) if config.mean is None else config.mean
        spread = float(counted.std()) if config.sd is None else config.sd
        how = f"(HU - {mean:.6g}) / {spread:.6g}"
    else:
        assert low is not None
        assert high is not None
        mean, spread = low, high - low
        how = f"{low:.6g} to {high:.6g} HU become 0 to 1"
    if spread <= 0:
        raise InputError(f"all counted voxels are {mean:.6g} HU: there is no range of values to normalise by")
    told = f"normalise-intensity: {config.method}, {how}"
    rescaled = ((hu - mean) / spread).astype(np.float32)
    return replace(scan, hu=rescaled, history=(*scan.history, told), intensity="normalised")
