"""The picture of Fig. 1 in Saillard et al. 2024: a segmentation, its surface coloured by the distance to the reference."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from scipy import ndimage
from skimage.measure import marching_cubes

from culmann.data import Labels
from culmann.data.arrays import FloatArray, IntArray
from culmann.drawing import View, frame, lit, orientation_letters, paint, png, scale_bar, view_from
from culmann.errors import InputError
from culmann.surface import Surface
from culmann_study.overlap import signed_distance_mm

if TYPE_CHECKING:
    from matplotlib.axes import Axes

PAPER = "#14161a"
#: Colours of labels: those that tell apart best on a dark ground.
_HUES = ((0.36, 0.66, 0.93), (0.96, 0.62, 0.28), (0.45, 0.78, 0.44), (0.89, 0.47, 0.68), (0.75, 0.68, 0.95), (0.87, 0.82, 0.40))
#: More triangles than this tell a small picture nothing: the masks are taken in larger steps.
_MOST_TRIANGLES = 150_000


def distance_picture(
    reference: Labels, prediction: Labels, title: str, view: tuple[float, float, float], top_mm: float | None = None
) -> bytes:
    """A PNG: the prediction in the colours of its labels, and in those of its distance to the reference, from two sides.

    Parameters
    ----------
    reference, prediction
        On one grid, with the numbers of one and the same label alike.
    title
        What stands above.
    view
        From where the bone is seen, LPS; it is seen from the other side as well.
    top_mm
        The distance at the end of the scale; None for the 99th percentile of what there is.
    """
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import LinearSegmentedColormap, Normalize
    from matplotlib.figure import Figure

    surface, label, distance = _coloured(reference, prediction)
    top = top_mm or max(float(np.ceil(2 * np.quantile(np.abs(distance), 0.99)) / 2), 0.5)
    scale = Normalize(-top, top)
    colours = LinearSegmentedColormap.from_list("away", ["#1f4fd8", "#7fb2ff", "#f2efe6", "#ff9a6b", "#c4142b"])
    by_label = np.asarray(_HUES)[label % len(_HUES)]
    by_distance = np.asarray(colours(scale(distance)))[:, :3]

    figure = Figure(figsize=(12.5, 4.6), facecolor=PAPER, layout="constrained")
    panels = figure.subplots(1, 4)
    views = [view_from(np.asarray(view), np.array([0.0, 0.0, 1.0])), view_from(-np.asarray(view), np.array([0.0, 0.0, 1.0]))]
    for column, (axes, colour) in enumerate(zip(panels, (by_label, by_label, by_distance, by_distance), strict=True)):
        _draw(axes, surface, colour, views[column % 2])
    panels[0].set_title("segmentation", color="#c8c8c8", fontsize=10, loc="left")
    panels[2].set_title("distance of its surface to the reference", color="#c8c8c8", fontsize=10, loc="left")
    bar = figure.colorbar(ScalarMappable(scale, colours), ax=list(panels), shrink=0.8, pad=0.01, extend="both")
    bar.set_label("mm outside (+) or inside (−) of the reference", color="white", fontsize=9)
    bar.ax.tick_params(colors="white")
    bar.outline.set_visible(False)
    figure.suptitle(title, color="white", fontsize=12, fontweight="bold")
    return png(figure)


def _coloured(reference: Labels, prediction: Labels) -> tuple[Surface, FloatArray, FloatArray]:
    """The surfaces of all labels of the prediction as one, with the label and the signed distance of every triangle."""
    present = list(prediction.present())
    if not present:
        raise InputError("the prediction is empty: there is no surface to draw")
    spacing = np.asarray(prediction.grid.spacing_mm)[::-1]
    points, triangles, label, distance = [], [], [], []
    first = 0
    boxes = [ndimage.find_objects(labels.label) for labels in (prediction, reference)]
    for number, value in enumerate(present):
        sides = [side for found in boxes if value <= len(found) and (side := found[value - 1]) is not None]
        low = np.array([min(s[n].start for s in sides) - 2 for n in range(3)])
        high = np.array([max(s[n].stop for s in sides) + 2 for n in range(3)])
        masks = [_cut(labels.label, low, high) == value for labels in (prediction, reference)]
        step = 1 if masks[0].sum() ** (2 / 3) * 12 < _MOST_TRIANGLES else 2
        corner, faces, _, _ = marching_cubes(masks[0].astype(np.float32), 0.5, step_size=step)  # type: ignore[no-untyped-call]
        away = signed_distance_mm(masks[1], spacing) if masks[1].any() else np.full(masks[1].shape, np.inf)
        at_corner = ndimage.map_coordinates(np.minimum(away, 1e3), corner.T, order=1)
        surface = Surface(prediction.grid.to_world((corner + low)[:, ::-1].astype(float)), faces.astype(np.int64))
        if surface.volume_mm3() < 0:
            surface = Surface(surface.points_mm, surface.triangles[:, ::-1])
        points.append(surface.points_mm)
        triangles.append(surface.triangles + first)
        label.append(np.full(len(faces), number))
        distance.append(at_corner[surface.triangles].mean(axis=1))
        first += len(surface.points_mm)
    return Surface(np.concatenate(points), np.concatenate(triangles)), np.concatenate(label), np.concatenate(distance)


def _cut(label: npt.NDArray[np.int32], low: IntArray, high: IntArray) -> npt.NDArray[np.int32]:
    """A window of a label map that may reach beyond it."""
    inner = tuple(slice(max(a, 0), b) for a, b in zip(low, high, strict=True))
    before = np.maximum(-low, 0)
    after = np.maximum(high - np.array(label.shape), 0)
    return np.pad(label[inner], list(zip(before, after, strict=True)))


def _draw(axes: Axes, surface: Surface, colour: FloatArray, view: View) -> None:
    seen = surface.area_vectors_mm2() @ view.towards > 0
    shown = lit(surface, colour, view)
    paint(axes, surface.corners_mm()[seen], shown[seen], view)
    frame(axes, view, surface.points_mm, margin_mm=5)
    orientation_letters(axes, view, "white", PAPER)
    scale_bar(axes, "white")
