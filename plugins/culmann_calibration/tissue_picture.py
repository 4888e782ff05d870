"""The picture that shows which tissues a calibration was taken from: where they are, their peaks, the line."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from culmann.data import DensityKind, Scan
from culmann.drawing import png
from culmann_calibration.fits import Line
from culmann_calibration.tissue_peaks import Peak, Tissue

_COLOURS: dict[Tissue, str] = {
    "air": "#3d9bd9",
    "fat": "#e3b505",
    "muscle": "#d1495b",
    "blood": "#8f2d56",
    "cortical": "#4f9d69",
}
_NEAR_HU = 10.0


def tissue_picture(
    scan: Scan, peaks: Mapping[Tissue, Peak], references_mg_cc: Mapping[Tissue, float], line: Line, kind: DensityKind
) -> bytes:
    """A PNG: the middle slice with the voxels near each peak in its colour, the histogram of each tissue, the line."""
    from matplotlib.colors import to_rgb
    from matplotlib.figure import Figure

    figure = Figure(figsize=(12, 7.5), layout="constrained")
    parts = figure.subfigures(2, 1, height_ratios=(1.4, 1), squeeze=False)
    above, below = parts[0, 0], parts[1, 0]
    image, fit = above.subplots(1, 2, gridspec_kw={"width_ratios": (1.6, 1)})
    hu = scan.hu[scan.hu.shape[0] // 2]
    colour = np.repeat(np.clip((hu + 200) / 700, 0, 1)[..., None], 3, axis=2)
    for tissue, peak in peaks.items():
        colour[np.abs(hu - peak.hu) <= _NEAR_HU] = to_rgb(_COLOURS[tissue])
    image.imshow(colour, aspect=scan.grid.spacing_mm[1] / scan.grid.spacing_mm[0])
    image.set_title(f"slice {scan.hu.shape[0] // 2}: voxels within {_NEAR_HU:g} HU of a peak", fontsize=10)
    image.set_axis_off()
    ends = np.array([min(p.hu for p in peaks.values()), max(p.hu for p in peaks.values())])
    fit.plot(ends, 1000 * (line.slope * ends + line.intercept), color="black", linewidth=1)
    for tissue, peak in peaks.items():
        fit.plot(peak.hu, references_mg_cc[tissue], "o", color=_COLOURS[tissue], label=tissue)
    fit.set_xlabel("HU")
    fit.set_ylabel(f"reference, mg/cm³ ({kind})")
    fit.legend(frameon=False, fontsize=9)
    for panel, (tissue, peak) in zip(np.atleast_1d(below.subplots(1, len(peaks))), peaks.items(), strict=True):
        panel.fill_between(peak.edges_hu, peak.counts, step="post", color=_COLOURS[tissue], alpha=0.35)
        panel.axvline(peak.hu, color=_COLOURS[tissue], linewidth=1.6)
        for edge in peak.window_hu:
            panel.axvline(edge, color="grey", linewidth=0.8, linestyle=(0, (4, 3)))
        panel.set_title(f"{tissue}: {peak.hu:.1f} HU", fontsize=10)
        panel.set_xlabel("HU (dashed: window)")
        panel.set_ylim(bottom=0)
        panel.set_yticks([])
    figure.suptitle(
        f"density = {line.slope * 1000:.4f} HU {line.intercept * 1000:+.2f} mg/cm³, r² = {line.r2:.5f}", fontsize=11
    )
    return png(figure, dpi=110)
