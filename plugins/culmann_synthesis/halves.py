"""Vertebrae cut at the middle of their bodies: neighbours touch with a lower half on an upper one, never with the same half."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from culmann.data import Grid, Labels

Point = npt.NDArray[np.float64]

#: The core of a body: what lies deeper than this share of the deepest place of the bones.
_CORE_SHARE = 0.65

#: So far away that all of a vertebra is on one side.
_OUT_OF_VIEW_MM = 1000.0


@dataclass(frozen=True, slots=True)
class Middle:
    """The plane between the halves of a vertebra: a point, and the direction of the spine there (unit, upwards), LPS, mm."""

    point_mm: Point
    up: Point


def middles(labels: Labels, bones: Iterable[int]) -> dict[int, Middle]:
    """The middle of every vertebra among the labels of a map.

    The centre of a body is that of what lies deep inside the bone. Where the map cuts a vertebra at its border, it is put as
    far from its neighbour as that one is from the next. With fewer than two whole bodies in view the planes are level, and a
    vertebra that is cut above the whole one is taken for a lower half, one that is cut below it for an upper half.
    """
    spacing = np.asarray(labels.grid.spacing_mm)[::-1]
    windows = ndimage.find_objects(labels.label)
    mean, centre, depth = dict[int, Point](), dict[int, Point](), dict[int, float]()
    cores = dict[int, Point]()
    for bone in bones:
        window = windows[bone - 1] if bone <= len(windows) else None
        if window is None:
            continue
        mask = np.pad(labels.label[window] == bone, 1)
        first = np.array([s.start - 1 for s in window])
        deep = ndimage.distance_transform_edt(mask, sampling=spacing)
        mean[bone] = _world(labels.grid, np.argwhere(mask) + first).mean(axis=0)
        depth[bone] = float(deep.max())
        core, _ = ndimage.label(deep > _CORE_SHARE * depth[bone])
        largest = 1 + int(np.bincount(core.ravel())[1:].argmax())
        cores[bone] = _world(labels.grid, np.argwhere(core == largest) + first).mean(axis=0)
    if not mean:
        return {}
    deepest = float(np.median(sorted(depth.values())[len(depth) // 2 :]))
    order = sorted(mean, key=lambda bone: mean[bone][2])
    for bone in order:
        if depth[bone] > 0.8 * deepest:
            centre[bone] = cores[bone]
    _continue(centre, order, mean)
    return {bone: Middle(centre[bone], _up(centre, order, at)) for at, bone in enumerate(order) if bone in centre}


def upper(grid: Grid, label: npt.NDArray[np.int32], planes: Mapping[int, Middle]) -> npt.NDArray[np.bool_]:
    """(z, y, x): whether a voxel lies in the upper half of the bone of its label."""
    result = np.zeros(label.shape, dtype=bool)
    windows = ndimage.find_objects(label)
    for bone, plane in planes.items():
        window = windows[bone - 1] if bone <= len(windows) else None
        if window is None:
            continue
        inside = np.argwhere(label[window] == bone) + [s.start for s in window]
        above = (_world(grid, inside) - plane.point_mm) @ plane.up > 0
        result[tuple(inside[above].T)] = True
    return result


def _world(grid: Grid, index_zyx: npt.NDArray[np.int64]) -> Point:
    return grid.to_world(index_zyx[:, ::-1])


def _continue(centre: dict[int, Point], order: list[int], mean: Mapping[int, Point]) -> None:
    """Centres of cut vertebrae at both ends, from the steps between whole ones."""
    far = dict[int, Point]()
    for line in (order, order[::-1]):
        for at, bone in enumerate(line):
            if bone not in centre and at >= 2 and line[at - 1] in centre and line[at - 2] in centre:
                centre[bone] = 2 * centre[line[at - 1]] - centre[line[at - 2]]
    known = [order.index(bone) for bone in centre]
    for at, bone in enumerate(order):
        if bone not in centre and known:
            beyond = _OUT_OF_VIEW_MM if at > max(known) else -_OUT_OF_VIEW_MM
            far[bone] = mean[bone] + np.array([0.0, 0.0, beyond])
    centre.update(far)


def _up(centre: Mapping[int, Point], order: list[int], at: int) -> Point:
    near = [bone for bone in order[max(at - 1, 0) : at + 2] if bone in centre]
    step = centre[near[-1]] - centre[near[0]] if len(near) > 1 else np.array([0.0, 0.0, 1.0])
    return np.asarray(step / np.linalg.norm(step))
