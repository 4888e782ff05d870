"""Labels made ready for a mesh of one body: axes in the order of the patient's, one part, no hollows."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from scipy import ndimage

from culmann.data import Grid, Labels
from culmann.data.arrays import BoolArray
from culmann.errors import InputError
from culmann.journal import Journal
from culmann.surface import nearest_axes
from culmann_mesh.voxel_mesh import largest_part

#: Parts that were dropped or filled are worth a caveat from this share of the volume on.
_SHARE = 0.01


def along_patient_axes(labels: Labels) -> Labels:
    """The same labels with the axes of the array in the order and direction of the patient's: files differ in them."""
    order, backwards = nearest_axes(labels.grid)
    array = labels.label.transpose([2 - order[n] for n in (2, 1, 0)])
    array = np.flip(array, tuple(2 - n for n in range(3) if backwards[n]))
    first = np.zeros(3)
    for axis, back in zip(order, backwards, strict=True):
        first[axis] = labels.grid.size[axis] - 1 if back else 0
    x, y, z = labels.grid.to_world(first[None])[0]
    axes = labels.grid.axes[:, list(order)] * np.where(backwards, -1, 1)
    (i, j, k), (si, sj, sk) = (tuple(values[n] for n in order) for values in (labels.grid.size, labels.grid.spacing_mm))
    grid = Grid((int(i), int(j), int(k)), (si, sj, sk), (float(x), float(y), float(z)), tuple(float(d) for d in axes.ravel()))
    return replace(labels, grid=grid, label=np.ascontiguousarray(array))


def one_part(labels: Labels, largest_other: float, told: list[str], journal: Journal) -> BoolArray:
    """The voxels (z, y, x) of the largest part that faces connect, its hollows filled; what changed is added to `told`.

    Raises
    ------
    InputError
        When nothing is labelled, or a second part has more than the share `largest_other` of the volume of the largest.
    """
    bone = labels.foreground
    if not bone.any():
        raise InputError("no voxel is labelled: there is nothing to mesh", hint="check which labels are picked before the mesh")
    part, count = ndimage.label(bone)
    size = np.sort(np.bincount(part.ravel())[1:])[::-1]
    if count > 1 and size[1] > largest_other * size[0]:
        middles = ndimage.center_of_mass(bone, part, 1 + np.argsort(-np.bincount(part.ravel())[1:], kind="stable")[:2])
        places = labels.grid.to_world(np.array(middles)[:, ::-1]).round(0).astype(int).tolist()
        share = labels.grid.voxel_volume_mm3
        raise InputError(
            f"what is labelled lies in {count} separate parts; the largest two have {size[0] * share:,.0f} and "
            f"{size[1] * share:,.0f} mm³, around {places[0]} and {places[1]} mm (LPS)",
            hint="a mesh is of one bone: pick one label with `pick-labels`; with a larger `largest_other_part` "
            "the smaller parts are dropped",
        )
    kept = np.asarray(largest_part(bone.astype(np.int64))[0] != 0)
    filled = np.asarray(ndimage.binary_fill_holes(kept))
    for what, voxels, of in (
        ("dropped, as no face connects them to the largest part", int(bone.sum() - kept.sum()), int(bone.sum())),
        ("filled, hollows inside of the bone", int(filled.sum() - kept.sum()), int(filled.sum())),
    ):
        if voxels:
            told.append(f"{voxels} voxels were {what}")
            if voxels > _SHARE * of:
                journal.warn(f"gmsh-tet10: {voxels} voxels ({100 * voxels / of:.2g} %) were {what}")
    return filled
