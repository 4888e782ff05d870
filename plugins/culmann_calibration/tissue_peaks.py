"""HU of tissues in a scan: peaks of the histogram within their windows, in the whole scan or in labelled regions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy import ndimage, signal

from culmann.data import Labels, Scan
from culmann.data.arrays import FloatArray
from culmann.errors import InputError

Tissue = Literal["air", "fat", "muscle", "blood", "cortical"]

#: HU between which a tissue is looked for, as Ogo (Bonelab) has them after Michalski et al. 2020.
WINDOWS_HU: dict[Tissue, tuple[float, float]] = {
    "air": (-1030.0, -980.0),
    "fat": (-130.0, -70.0),
    "muscle": (-5.0, 65.0),
    "blood": (-20.0, 60.0),
    "cortical": (950.0, 1450.0),
}
#: Their HU overlap with those of other tissues, or the densest voxels may be metal: a region must say where they are.
LABELLED: tuple[Tissue, ...] = ("blood", "cortical")

_FEWEST_VOXELS = 300
_SMOOTHING_HU = 4.0
#: The histogram is looked at so far beyond a window.
_AROUND_HU = 40.0


@dataclass(frozen=True, slots=True)
class Peak:
    """A tissue in the scan.

    Parameters
    ----------
    hu
        Where its peak lies.
    window_hu
        Where it was looked for.
    edges_hu, counts
        The smoothed histogram in and around the window: left edges and counts of bins of 1 HU.
    where
        In words.
    """

    hu: float
    window_hu: tuple[float, float]
    edges_hu: FloatArray
    counts: FloatArray
    where: str


def find_peaks(
    scan: Scan, labels: Labels | None, windows: Mapping[Tissue, tuple[float, float]], densest_voxels: int
) -> dict[Tissue, Peak]:
    """The peak of each tissue of `windows`.

    A label that is named for a tissue says where to look for it. Voxels of the lowest value of the scan are left out: they
    are padding, or cut off. Cortical bone has no peak; it is the mean of its densest voxels within the window.

    Raises
    ------
    InputError
        When a tissue has no peak within its window, or has no label and needs one.
    """
    regions = _regions(scan, labels)
    measured = scan.hu > scan.hu.min()
    found: dict[Tissue, Peak] = {}
    for tissue, window in windows.items():
        region = regions.get(tissue)
        if region is None and tissue in LABELLED:
            raise InputError(
                f"tissue-calibration: {tissue} cannot be told from the histogram alone",
                hint=f"give labels of which one is named {tissue!r}, or leave it out of `references_mg_cc`",
            )
        values = scan.hu[measured if region is None else measured & region]
        where = "in the scan" if region is None else f"in the label {tissue!r}"
        found[tissue] = (
            _densest(values, window, where, densest_voxels) if tissue == "cortical" else _peak(values, tissue, window, where)
        )
    return found


def _regions(scan: Scan, labels: Labels | None) -> dict[str, np.ndarray]:
    if labels is None:
        return {}
    named = {name.lower(): value for value, name in labels.present().items() if name.lower() in WINDOWS_HU}
    if named and not labels.grid.same_as(scan.grid):
        raise InputError(
            f"the labels of the tissues lie on another grid than the scan: {labels.grid.describe()}; "
            f"the scan has {scan.grid.describe()}",
            hint="resample or crop both alike",
        )
    return {name: labels.label == value for name, value in named.items()}


def _peak(values: FloatArray, tissue: Tissue, window: tuple[float, float], where: str) -> Peak:
    low, high = window
    edges = np.arange(np.floor(low - _AROUND_HU), np.ceil(high + _AROUND_HU) + 1)
    raw = np.histogram(values, bins=np.append(edges, edges[-1] + 1))[0].astype(float)
    counts = ndimage.gaussian_filter1d(raw, _SMOOTHING_HU, mode="nearest")
    inside = (edges >= low) & (edges <= high)
    total = int(raw[inside].sum())
    peaks, facts = signal.find_peaks(counts, prominence=0)
    kept = inside[peaks] & (facts["prominences"] >= 0.05 * counts[peaks])
    why = ""
    if total < _FEWEST_VOXELS:
        why = f"only {total} voxels lie"
    elif not kept.any():
        why = f"the histogram ({total} voxels) has no peak"
    elif tissue != "air" and counts[peaks[kept]].max() < counts[peaks].max():
        # The mat of the table may outdo air; but a full bladder must not be taken for muscle that contrast agent made brighter.
        highest = edges[max(peaks, key=lambda n: counts[n])]
        why = f"the highest peak of the histogram there is at {highest:.0f} HU, not"
    if why:
        raise InputError(
            f"tissue-calibration: no {tissue} {where}: {why} between {low:g} and {high:g} HU",
            hint=f"set `windows_hu: {{{tissue}: [...]}}`, give labels of which one is named {tissue!r}, or leave it out of "
            "`references_mg_cc`, of which three must stay",
        )
    at = int(max(peaks[kept], key=lambda n: counts[n]))
    below, top, above = counts[at - 1 : at + 2]
    shift = 0.5 * (below - above) / (below - 2 * top + above)
    return Peak(float(edges[at] + 0.5 + shift), window, edges, counts, where)


def _densest(values: FloatArray, window: tuple[float, float], where: str, count: int) -> Peak:
    inside = np.sort(values[(values >= window[0]) & (values <= window[1])])[-count:]
    if len(inside) < min(count, 50):
        raise InputError(
            f"tissue-calibration: {len(inside)} voxels {where} lie between {window[0]:g} and {window[1]:g} HU, too few for "
            "cortical bone",
            hint="set `windows_hu: {cortical: [...]}`, or leave cortical bone out of `references_mg_cc`",
        )
    edges = np.arange(np.floor(window[0]), np.ceil(window[1]) + 1)
    counts = np.histogram(values, bins=np.append(edges, edges[-1] + 1))[0].astype(float)
    smooth = ndimage.gaussian_filter1d(counts, _SMOOTHING_HU, mode="nearest")
    return Peak(float(inside.mean()), window, edges, smooth, f"{where}, mean of the {len(inside)} densest voxels")


def contrast_agent_ml(scan: Scan) -> float:
    """Volume, in ml, of what has 130 to 450 HU and lies apart from bone, as vessels with contrast agent do.

    Bone is what is connected to voxels above 450 HU. A calibration phantom in view counts as well.
    """
    spacing = np.array(scan.grid.spacing_mm[::-1])
    smooth = ndimage.gaussian_filter(scan.hu, 1.5 / spacing)
    regions, count = ndimage.label(smooth > 130)
    if count == 0:
        return 0.0
    each = np.arange(1, count + 1)
    densest = ndimage.maximum(smooth, regions, each)
    volume = np.bincount(regions.ravel(), minlength=count + 1)[1:] * scan.grid.voxel_volume_mm3 / 1000
    return float(volume[(densest < 450) & (volume > 0.5)].sum())
