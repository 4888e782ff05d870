"""keep-side: the left or the right half of a scan that shows both sides of the body."""

from __future__ import annotations

from typing import Literal

import numpy as np
from pydantic import Field
from scipy import ndimage

from culmann.config import Config
from culmann.data import Scan
from culmann.data.arrays import FloatArray
from culmann.drawing import png
from culmann.errors import InputError
from culmann.journal import Journal
from culmann_images.kinds import axis_across, with_voxels
from culmann_images.planes import Plane, on_plane, page, plane_grid, show

#: Grey values between which the two sides are compared, so that neither air nor metal decides.
_LOW_HU, _HIGH_HU = -300.0, 700.0

#: A plane of symmetry lies in the middle third of the body, and the two sides correlate at least like this about it.
_MIDDLE, _ALIKE = 1 / 3, 0.75

#: A single thigh is symmetric as well, and narrower than this on either side of its bone.
_HALF_BODY_MM = 100.0

#: Width of the Gaussian that blurs the scan for the comparison: the two sides of a body are alike in the large only.
_SMOOTH_MM = 4.0


class KeepSideConfig(Config):
    """Options of `keep-side`."""

    side: Literal["left", "right"] = Field(description="The side to keep, as the patient has it.")
    at_mm: float | None = Field(
        None,
        description="Where to cut: the L coordinate of the plane in mm, at the centre of the image. null: the plane about "
        "which the body is most alike left and right.",
    )


def keep_side(scan: Scan, config: KeepSideConfig, journal: Journal) -> Scan:
    """Cut a scan at the middle of the body and keep one half. No voxel changes.

    The cut runs across the axis of the image that is nearest to left-right. The middle is where the grey values (-300 to 700
    HU) of one side, mirrored, correlate best with those of the other; it is sought in the middle third of the body.

    Raises
    ------
    InputError
        When there is no such plane with 100 mm of the body on either side, as in a scan of one side only, or the given plane
        lies outside of the scan.
    """
    along = axis_across(scan.grid)
    n, spacing = scan.grid.size[along], scan.grid.spacing_mm[along]
    centre = (np.asarray(scan.grid.size) - 1) / 2
    rises = scan.grid.axes[0, along] > 0
    if config.at_mm is None:
        plane, alike = _middle(scan)
        how = f"the plane of best symmetry (correlation {alike:.2f})"
    else:
        at_centre = float(scan.grid.to_world(centre[None])[0, 0])
        plane = centre[along] + (config.at_mm - at_centre) / (spacing * float(scan.grid.axes[0, along]))
        how = "as given"
        if not -0.5 < plane < n - 0.5:
            low, high = scan.grid.extent_mm()
            raise InputError(
                f"`at_mm: {config.at_mm:g}` lies outside of the scan, which reaches over L {low[0]:.1f} to {high[0]:.1f} mm"
            )
    upper = rises == (config.side == "left")
    window = [slice(0, size) for size in scan.grid.shape]
    window[2 - along] = slice(int(np.ceil(plane)), n) if upper else slice(0, int(np.floor(plane)) + 1)
    centre[along] = plane
    at_mm = float(scan.grid.to_world(centre[None])[0, 0])
    journal.attach("sides.png", _picture(scan, at_mm, config.side))
    told = f"keep-side: the patient's {config.side}, cut at L {at_mm:.1f} mm, {how}"
    part = tuple(window)
    return with_voxels(scan, scan.grid.part(part), scan.hu[part].copy(), told)


def _middle(scan: Scan) -> tuple[float, float]:
    """Index of the plane of best symmetry along the axis across, in halves, and the correlation about it."""
    along = axis_across(scan.grid)
    spacing = np.asarray(scan.grid.spacing_mm)
    # Few voxels are enough: every one across, and the others as far apart as the blur lets them be.
    thin = np.maximum(1, np.floor(1.5 * _SMOOTH_MM / spacing)).astype(int)
    thin[along] = 1
    clipped = np.clip(scan.hu[tuple(slice(None, None, int(step)) for step in thin[::-1])], _LOW_HU, _HIGH_HU)
    smooth = ndimage.gaussian_filter(clipped, (_SMOOTH_MM / (spacing * thin))[::-1], mode="nearest")
    grey = np.moveaxis(smooth, 2 - along, 0).reshape(scan.grid.size[along], -1).astype(np.float64)
    filled = (grey > _LOW_HU + 1).mean(axis=1)
    in_view = np.flatnonzero(filled > 0.05 * filled.max())
    first, last = int(in_view[0]), int(in_view[-1])
    wide = last - first + 1
    lowest = int(np.ceil(2 * first + (1 - _MIDDLE) * wide))
    sums = range(lowest, 2 * (first + last) - lowest + 1)
    alike = [_correlation(grey[first : last + 1], total - 2 * first) for total in sums]
    best = int(np.argmax(alike)) if alike else 0
    if not alike or alike[best] < _ALIKE or best in {0, len(alike) - 1}:
        found = f"{alike[best]:.2f}" if alike else "none"
        raise InputError(
            f"the scan shows no two sides: about no plane in its middle third are left and right alike (correlation {found}, "
            f"wanted {_ALIKE:g}); it has {scan.grid.describe()}",
            hint="a scan of one side needs no `keep-side`; where both are in view and differ much, give the plane as `at_mm`",
        )
    half_mm = (min(sums[best] / 2 - first, last - sums[best] / 2) + 0.5) * float(spacing[along])
    if half_mm < _HALF_BODY_MM:
        raise InputError(
            f"the scan shows no two sides: beside its plane of best symmetry {half_mm:.0f} mm of the body are in view, and "
            f"a side of the body is wider than {_HALF_BODY_MM:g} mm",
            hint="a scan of one side needs no `keep-side`; a small body is cut with `at_mm`",
        )
    return sums[best] / 2, alike[best]


def _correlation(grey: FloatArray, total: int) -> float:
    """Correlation of slabs i and total - i of an image."""
    i = np.arange(max(0, total - (len(grey) - 1)), min(len(grey) - 1, total) + 1)
    one, other = grey[i].ravel(), grey[total - i].ravel()
    one, other = one - one.mean(), other - other.mean()
    size = float(np.sqrt((one @ one) * (other @ other)))
    return float(one @ other) / size if size > 0 else 0.0


def _picture(scan: Scan, at_mm: float, side: str) -> bytes:
    """A PNG: an axial and a coronal plane, with the half that goes in the dark."""
    from matplotlib.figure import Figure

    low, high = scan.grid.extent_mm()
    middle = (low + high) / 2
    planes: tuple[Plane, Plane] = ("axial", "coronal")
    figure = Figure(figsize=(10, 5), layout="constrained")
    for panel, plane, across in zip(figure.subplots(1, 2), planes, (2, 1), strict=True):
        target = plane_grid(scan.grid, plane, middle[across])
        show(panel, page(on_plane(scan.hu, scan.grid, target, 1), plane), target, plane, cmap="gray", vmin=-300, vmax=900)
        panel.axvspan(*((low[0], at_mm) if side == "left" else (at_mm, high[0])), color="black", alpha=0.6, linewidth=0)
        panel.axvline(at_mm, color="tab:orange")
        panel.set_xlim(low[0], high[0])
    figure.suptitle(f"keep-side: {side}, cut at L {at_mm:.1f} mm", fontsize=10)
    return png(figure, dpi=110)
