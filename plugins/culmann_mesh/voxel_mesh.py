"""voxel-mesh: labels into hexahedra on a lattice parallel to the image."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from pydantic import Field
from scipy import ndimage

from culmann.config import Config
from culmann.data import Grid, Labels, Mesh
from culmann.data.arrays import FloatArray, IntArray
from culmann.errors import InputError
from culmann.journal import Journal
from culmann.mapping import coarsen
from culmann.voxels import hexahedra

#: Shares of a cell that differ by less than this are equal: the order of the axes must not decide between them.
_TIE = 1e-9

#: Parts that were dropped are worth a warning from this share of the volume on, and from this number of cells on.
_DROPPED_SHARE, _DROPPED_CELLS = 0.01, 20

#: So is a mesh whose volume differs from what is labelled by more than this share.
_VOLUME_CHANGE = 0.1

#: And cells shorter than this share of the longest side of a voxel.
_FINER = 0.5


class VoxelMeshConfig(Config):
    """Options of `voxel-mesh`."""

    size_mm: float | None = Field(
        None, gt=0, description="Edge of the cubic cells in mm; null takes every voxel of the labels as a cell."
    )
    fill_fraction: float = Field(
        0.5,
        gt=0,
        le=1,
        description="A cell of a chosen size is bone when at least this share of its volume is labelled. Where the size is an "
        "even multiple of the voxels, many cells are half full, and at 0.5 they all count.",
    )
    max_cells: int = Field(5_000_000, ge=1, description="A mesh that would have more cells than this is refused.")


def voxel_mesh(labels: Labels, config: VoxelMeshConfig, journal: Journal) -> Mesh:
    """Build hexahedra from a label map; the label of a cell becomes its region.

    The lattice of a chosen size lies parallel to the image and shares its centre, so that an image with permuted or flipped
    axes gives the same cells. The bone volume of a cell is the exact overlap of boxes, its region the label with the largest
    share of it (the lower label when two are equal). Of the bone, the largest part that faces connect is kept: parts that touch
    it by an edge or a corner only would hang on it like on a hinge. What is dropped is told.

    The points that lie within half a cell of a side of the image where labels end are the node set `field-of-view-border`.

    Raises
    ------
    InputError
        When no voxel is labelled, no cell is filled enough, or the mesh would have too many cells.
    """
    bone = labels.foreground
    if not bone.any():
        raise InputError("no voxel is labelled: there is nothing to mesh", hint="check which labels are picked before the mesh")
    spacing = labels.grid.spacing_mm
    size = spacing if config.size_mm is None else (config.size_mm, config.size_mm, config.size_mm)
    if config.size_mm is not None and config.size_mm < _FINER * max(spacing):
        shown = " x ".join(f"{s:.3g}" for s in spacing)
        journal.warn(
            f"cells of {config.size_mm:g} mm are less than half as long as the voxels of {shown} mm: the scan tells nothing "
            "about the density inside of a voxel"
        )
    labelled_mm3 = int(bone.sum()) * labels.grid.voxel_volume_mm3
    _refuse_too_many(labelled_mm3 / float(np.prod(size)), size, config.max_cells)
    if config.size_mm is None:
        window = ndimage.find_objects(bone.astype(np.uint8))[0]
        grid, region = labels.grid.part(window), labels.label[window].astype(np.int64)
        told = "voxel-mesh: every labelled voxel is a cell"
    else:
        grid, region = resized(labels, config.size_mm, config.fill_fraction)
        told = f"voxel-mesh: cells of {config.size_mm:g} mm, filled to at least {100 * config.fill_fraction:g} %"
    region, dropped = largest_part(region)
    if dropped:
        share = dropped / (dropped + int((region != 0).sum()))
        what = (
            f"{dropped} cell{'s' * (dropped > 1)}, {100 * share:.2g} % of the volume: no face connects them to the largest part"
        )
        told += f"; dropped {what}"
        if share >= _DROPPED_SHARE or dropped >= _DROPPED_CELLS:
            journal.warn(f"voxel-mesh dropped {what}")
    kept_share = float((region != 0).sum() * np.prod(size)) / labelled_mm3
    told += f"; its volume is {100 * kept_share:.4g} % of the labelled one"
    if abs(kept_share - 1) > _VOLUME_CHANGE:
        journal.warn(
            f"voxel-mesh has {100 * kept_share:.0f} % of the labelled volume: choose smaller cells or another `fill_fraction`"
        )
    window = ndimage.find_objects((region != 0).astype(np.uint8))[0]
    present = labels.present()
    names = {int(v): present[int(v)] for v in np.unique(region) if v != 0}
    history = (*labels.history, told)
    mesh = hexahedra(grid.part(window), region[window], names, history=history, placement=labels.placement)
    return replace(mesh, node_sets={"field-of-view-border": cut_points(mesh.points_mm, labels, size)})


def _refuse_too_many(estimate: float, size_mm: tuple[float, ...], most: int) -> None:
    if estimate > most:
        shown = " x ".join(f"{s:.3g}" for s in size_mm)
        raise InputError(
            f"the mesh would have about {estimate:,.0f} cells of {shown} mm, and {most:,} are allowed",
            hint="choose a larger `size_mm`, or raise `max_cells` if there is memory for it",
        )


def resized(labels: Labels, size_mm: float, fill_fraction: float) -> tuple[Grid, IntArray]:
    """A lattice of cubic cells that covers what is labelled, and the region (z, y, x) of each cell, 0 where it is not bone."""
    grid = labels.grid
    low, stop = np.array([[w.start, w.stop] for w in ndimage.find_objects(labels.foreground.astype(np.uint8))[0]]).T
    spacing, n_voxels = np.array(grid.spacing_mm)[::-1], np.array(grid.shape)
    n_cells = np.ceil(n_voxels * spacing / size_mm - _TIE).astype(int)
    # Lengths in mm along z, y, x from the corner of the image; the lattice overhangs by the same on both sides.
    corner = (n_voxels * spacing - n_cells * size_mm) / 2
    first = np.floor((low * spacing - corner) / size_mm + _TIE).astype(int)
    last = np.ceil((stop * spacing - corner) / size_mm - _TIE).astype(int)
    x, y, z = grid.to_world((((corner + (first + 0.5) * size_mm) / spacing - 0.5)[::-1])[None])[0]
    ni, nj, nk = (int(n) for n in (last - first)[::-1])
    lattice = Grid((ni, nj, nk), (size_mm, size_mm, size_mm), (float(x), float(y), float(z)), grid.direction)

    # The voxels under these cells; where the lattice reaches beyond the image there is no bone.
    under = [np.floor((corner + first * size_mm) / spacing), np.ceil((corner + last * size_mm) / spacing)]
    window = tuple(slice(int(a), int(b)) for a, b in zip(*under, strict=True))
    inside = tuple(slice(max(w.start, 0), min(w.stop, n)) for w, n in zip(window, grid.shape, strict=True))
    label = np.pad(labels.label[inside], [(i.start - w.start, w.stop - i.stop) for i, w in zip(inside, window, strict=True)])
    voxels = grid.part(window)

    total, best = np.zeros(lattice.shape), np.zeros(lattice.shape)
    region = np.zeros(lattice.shape, dtype=np.int64)
    for value in labels.present():
        share = coarsen(voxels, (label == value).astype(np.float64), lattice)
        total += share
        region[share > best + _TIE] = value
        best = np.maximum(best, share)
    region[total < fill_fraction - _TIE] = 0
    if not region.any():
        raise InputError(
            f"no cell of {size_mm:g} mm is filled to {100 * fill_fraction:g} %; the fullest one has {100 * total.max():.2g} %",
            hint="choose a smaller `size_mm` or a smaller `fill_fraction`",
        )
    return lattice, region


def largest_part(region: IntArray) -> tuple[IntArray, int]:
    """The regions (z, y, x) of the largest part that faces connect, and how many cells were dropped with the others."""
    part, n_parts = ndimage.label(region)
    if n_parts == 1:
        return region, 0
    cells = np.bincount(part.ravel())[1:]
    kept = np.where(part == 1 + int(cells.argmax()), region, 0)
    return kept, int(cells.sum() - cells.max())


def cut_points(points_mm: FloatArray, labels: Labels, size_mm: tuple[float, float, float]) -> IntArray:
    """Points within half a cell of a side of the image where labels end: there the field of view may have cut the bone."""
    index = labels.grid.to_index(points_mm)
    cut = np.zeros(len(points_mm), dtype=bool)
    for along, axis in enumerate((2, 1, 0)):
        near = 0.5 * size_mm[along] / labels.grid.spacing_mm[along] + _TIE
        n = labels.grid.size[along]
        if labels.label.take(0, axis=axis).any():
            cut |= index[:, along] <= -0.5 + near
        if labels.label.take(n - 1, axis=axis).any():
            cut |= index[:, along] >= n - 0.5 - near
    return np.flatnonzero(cut)
