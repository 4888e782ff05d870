"""The picture that shows how a spine was parted: slices through the vertebrae with the outline of each."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from culmann.drawing import png
from culmann_segment.classical_femur_working import Image

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_COLOURS = ("#ff5a36", "#3aa0ff", "#ffd23f", "#59d499", "#d98cff", "#ff9ecd")


def vertebrae_picture(image: Image, label: npt.NDArray[np.int32], names: Mapping[int, str]) -> bytes:
    """A PNG: sagittal and coronal slices through the bodies, and an axial one through the middle vertebra.

    Parameters
    ----------
    image
        The scan, its axes along the patient's.
    label
        (z, y, x) on the same voxels.
    names
        Of the labels.
    """
    from matplotlib.figure import Figure

    where = np.nonzero(label)
    k, i = (int(np.median(where[a])) for a in (0, 2))
    j = int(np.percentile(where[1], 25))  # the bodies lie in front
    sz, sy, sx = (image.grid.spacing_mm[a] for a in (2, 1, 0))
    figure = Figure(figsize=(13, 4.6), layout="constrained", facecolor="white")
    panels = figure.subplots(1, 3)
    _slice(panels[0], image.hu[:, :, i], label[:, :, i], names, sz / sy, "sagittal", upwards=True)
    _slice(panels[1], image.hu[:, j], label[:, j], names, sz / sx, "coronal", upwards=True)
    _slice(panels[2], image.hu[k], label[k], names, sy / sx, "axial", upwards=False)
    figure.suptitle(", ".join(names.values()), fontsize=11)
    return png(figure, dpi=90)


def _slice(
    panel: Axes,
    hu: npt.NDArray[np.float32],
    label: npt.NDArray[Any],
    names: Mapping[int, str],
    aspect: float,
    title: str,
    *,
    upwards: bool,
) -> None:
    panel.imshow(hu, cmap="gray", vmin=-150, vmax=800, origin="lower" if upwards else "upper", aspect=aspect)
    for n, value in enumerate(names):
        if (label == value).any():
            colour = _COLOURS[n % len(_COLOURS)]
            panel.contour((label == value).astype(float), [0.5], colors=colour, linewidths=1.3)
            z, x = (float(a.mean()) for a in np.nonzero(label == value))
            panel.text(x, z, names[value], color=colour, fontsize=9, ha="center", va="center")
    panel.set_title(title, fontsize=10)
    panel.set_axis_off()
