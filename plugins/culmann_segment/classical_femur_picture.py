"""The picture that shows whether the femurs were found: slices through each head with outlines, and the surface of each."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from scipy import ndimage
from skimage.measure import marching_cubes

from culmann.drawing import frame, orientation_letters, paint_surface, png, scale_bar, view_from
from culmann.surface import Surface
from culmann_segment.classical_femur_confidence import Femur

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_BONE = (0.86, 0.83, 0.76)
_OUTLINE = "#ff5a36"


def femur_picture(femurs: Mapping[str, Femur], confidence: Mapping[str, float]) -> bytes:
    """A PNG: one row a femur, with coronal, axial and sagittal slices through the centre of its head, and its surface."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(15, 4.1 * len(femurs)), layout="constrained", facecolor="white")
    for part, (side, femur) in zip(figure.subfigures(len(femurs), 1, squeeze=False)[:, 0], femurs.items(), strict=True):
        row = part.subplots(1, 5)
        part.suptitle(
            f"{side} femur: {femur.volume_cm3:.0f} cm³, head radius {femur.head.radius_mm:.1f} mm, "
            f"{femur.length_mm:.0f} mm below the centre of the head, confidence {confidence[side]:.2f}",
            fontsize=11,
        )
        i, j, k = (int(n) for n in np.rint(femur.image.grid.to_index(femur.head.centre_mm[None]))[0])
        hu, mask = femur.image.hu, femur.mask
        _slice(row[0], hu[:, j], mask[:, j], "coronal", "R L S I", upwards=True)
        _slice(row[1], hu[k], mask[k], "axial", "R L A P", upwards=False)
        _slice(row[2], hu[:, :, i], mask[:, :, i], "sagittal", "A P S I", upwards=True)
        surface = _surface(femur)
        for panel, title, towards in ((row[3], "from the front", (0.0, -1.0, 0.0)), (row[4], "from behind", (0.0, 1.0, 0.0))):
            view = view_from(np.array(towards), np.array([0.0, 0.0, 1.0]))
            paint_surface(panel, surface, np.tile(_BONE, (len(surface.triangles), 1)), view)
            frame(panel, view, surface.points_mm)
            orientation_letters(panel, view, "black", "white")
            scale_bar(panel, "black")
            panel.set_title(title, fontsize=10)
    return png(figure, dpi=90)


def _slice(
    panel: Axes, hu: npt.NDArray[np.float32], mask: npt.NDArray[np.bool_], title: str, letters: str, *, upwards: bool
) -> None:
    panel.imshow(hu, cmap="gray", vmin=-150, vmax=800, origin="lower" if upwards else "upper", interpolation="bilinear")
    if mask.any():
        panel.contour(mask.astype(float), [0.5], colors=_OUTLINE, linewidths=1.3)
    for letter, (x, y) in zip(letters.split(), ((0.03, 0.5), (0.97, 0.5), (0.5, 0.97), (0.5, 0.03)), strict=True):
        panel.text(x, y, letter, transform=panel.transAxes, color="white", fontsize=9, ha="center", va="center")
    panel.set_title(title, fontsize=10)
    panel.set_axis_off()


def _surface(femur: Femur) -> Surface:
    """The mask as smoothed triangles with outward normals."""
    field = ndimage.gaussian_filter(np.pad(femur.mask, 3).astype(np.float32), 0.8)
    points, triangles, _, _ = marching_cubes(field, 0.5)  # type: ignore[no-untyped-call]
    surface = Surface(femur.image.grid.to_world(points[:, ::-1].astype(float) - 3), triangles.astype(np.int64))
    volume = np.einsum("nx,nx->", surface.centres_mm() - surface.points_mm[0], surface.area_vectors_mm2())
    return surface if volume > 0 else Surface(surface.points_mm, surface.triangles[:, ::-1])
