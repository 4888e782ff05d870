"""Calibration without a phantom, by tissues whose density is taken as known."""

from __future__ import annotations

from typing import Self

import numpy as np
from pydantic import Field, model_validator

from culmann.config import Config
from culmann.data import DensityKind, DensityMap, Labels, Scan
from culmann.data.scan import Fact
from culmann.journal import Journal
from culmann_calibration.fits import fit_straight, judge_line
from culmann_calibration.tissue_peaks import WINDOWS_HU, Peak, Tissue, contrast_agent_ml, find_peaks
from culmann_calibration.tissue_picture import tissue_picture

#: A tissue further off the line than this is told: r² hardly sees it, because air lies so far away.
_OFF_G_CM3 = 0.010
_CONTRAST_ML = 2.0


class TissueCalibrationConfig(Config):
    """Options of `tissue-calibration`."""

    references_mg_cc: dict[Tissue, float] = Field(
        description="Density of three tissues or more in mg/cm3, of `kind`, as `{air: ..., fat: ..., muscle: ...}`; `blood` "
        "and `cortical` too. They must come from scans with a phantom, best on the same scanner. There is no default: no "
        "published set could be checked against its source."
    )
    kind: DensityKind = Field(description="Which density the references are.")
    windows_hu: dict[Tissue, tuple[float, float]] = Field(
        {},
        description="HU between which the peak of a tissue is looked for, where it is not the usual: air -1030 to -980, fat "
        "-130 to -70, muscle -5 to 65, blood -20 to 60, cortical 950 to 1450.",
    )
    cortical_voxels: int = Field(899, ge=50, description="Number of densest voxels whose mean is the HU of cortical bone.")

    @model_validator(mode="after")
    def _makes_sense(self) -> Self:
        if len(self.references_mg_cc) < 3:
            raise ValueError(f"references_mg_cc needs three tissues at least, and has {len(self.references_mg_cc)}")
        for tissue, (low, high) in self.windows_hu.items():
            if not low < high:
                raise ValueError(f"windows_hu: {tissue} is [lowest, highest], and this is [{low:g}, {high:g}]")
        return self


def tissue_calibration(
    scan: Scan, config: TissueCalibrationConfig, journal: Journal, labels: Labels | None = None
) -> DensityMap:
    """Density by a straight line through the peaks of tissues in the histogram, over their reference densities.

    The line is that of Eggermont et al. 2019, the windows are those of Michalski et al. 2020 as coded in Ogo. Air, fat and
    muscle are found in the whole scan; labels that are named `air`, `fat`, `muscle`, `blood` or `cortical` say where to look,
    and blood and cortical bone are not looked for without. Other labels are ignored. Look at the picture `tissues.png`.

    Raises
    ------
    InputError
        When a tissue is not found, or the line does not fit.
    """
    tissues: list[Tissue] = sorted(config.references_mg_cc, key=list(WINDOWS_HU).index)
    windows = {tissue: config.windows_hu.get(tissue, WINDOWS_HU[tissue]) for tissue in tissues}
    scan.expect_hu("tissue-calibration")
    peaks = find_peaks(scan, labels, windows, config.cortical_voxels)
    reference = np.array([config.references_mg_cc[tissue] for tissue in tissues])
    line = fit_straight(np.array([peaks[tissue].hu for tissue in tissues]), reference)
    table = ", ".join(f"{tissue} {peaks[tissue].hu:.1f} HU: {config.references_mg_cc[tissue]:g} mg/cm³" for tissue in tissues)
    judge_line(line, "tissue-calibration", table, "are the references of these tissues right, and in mg/cm³?", journal)
    journal.warn(
        f"no phantom: the density is calibrated by tissues ({table}), and bone above {reference.max():g} mg/cm³ is extrapolated"
    )
    for tissue, off in zip(tissues, line.residual_g_cm3, strict=True):
        if abs(off) > _OFF_G_CM3:
            journal.warn(f"tissue-calibration: {tissue} lies {off * 1000:+.0f} mg/cm³ off the line")
    bright = contrast_agent_ml(scan)
    if bright > _CONTRAST_ML:
        journal.warn(
            f"tissue-calibration: {bright:.0f} ml of 130 to 450 HU lie apart from bone; if that is contrast agent, blood, "
            "muscle and bone read too high"
        )
    journal.attach("tissues.png", tissue_picture(scan, peaks, config.references_mg_cc, line, config.kind))
    g_cm3 = (line.slope * scan.hu.astype(np.float64) + line.intercept).astype(np.float32)
    return DensityMap(
        scan.grid, g_cm3, config.kind, _record(scan, config, peaks, line.slope, line.intercept, line.r2), scan.placement
    )


def _record(
    scan: Scan, config: TissueCalibrationConfig, peaks: dict[Tissue, Peak], slope: float, intercept: float, r2: float
) -> dict[str, Fact]:
    facts: dict[str, Fact] = {
        "method": "tissue peaks",
        "slope_g_cm3_per_hu": slope,
        "intercept_g_cm3": intercept,
        "r2": r2,
    }
    for tissue, peak in peaks.items():
        facts[f"{tissue}_hu"] = peak.hu
        facts[f"{tissue}_reference_mg_cc"] = config.references_mg_cc[tissue]
    known = ("series_uid", "kvp", "kernel", "manufacturer", "model")
    return facts | {f"scan_{name}": scan.acquisition[name] for name in known if name in scan.acquisition}
