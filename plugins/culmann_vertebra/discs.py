"""Discs of bone cement on the endplates of a voxel mesh, as in a test machine."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt
from pydantic import Field
from scipy import ndimage

from culmann.config import Config
from culmann.data import Grid, Mesh, Solid
from culmann.data.arrays import IntArray
from culmann.errors import InputError
from culmann.voxels import hexahedra, region_map

SIDES = ("superior", "inferior")
RegionMap = npt.NDArray[np.int64]


class PmmaDiscsConfig(Config):
    """Options of the discs."""

    thickness_mm: float = Field(
        3.0,
        gt=0,
        le=50,
        description="From the outermost point of an endplate to the outer plane of its disc; at least one voxel.",
    )
    youngs_modulus_mpa: float = Field(2500.0, gt=0, description="Young's modulus of the cement, MPa.")
    poisson_ratio: float = Field(0.3, gt=-1, lt=0.5, description="Poisson's ratio of the cement.")
    yield_stress_mpa: float | None = Field(
        70.0, gt=0, description="Stress at which the cement yields, perfectly plastic, MPa; null for linear elastic cement."
    )


def pmma_discs(mesh: Mesh, config: PmmaDiscsConfig) -> Mesh:
    """Fill the space between either endplate and a plane beyond it with cells of cement.

    The planes are at right angles to the lattice axis nearest to the line between the endplates; a disc has the outline of its
    endplate, seen along that axis, with holes closed. It gets a region (`pmma-superior`, `pmma-inferior`) with a `Solid`, and
    the nodes of its outer plane a set (`disc-superior`, `disc-inferior`). The constants of the cement are those of the Bonelab
    spineFE benchmark.

    Raises
    ------
    InputError
        When the mesh is not a voxel mesh, or has no endplates.
    """
    if mesh.lattice is None:
        raise InputError("cement discs are cast on voxel meshes only", hint="build the mesh with `voxel-mesh`")
    for side in SIDES:
        if not len(mesh.node_sets.get(f"endplate-{side}", ())):
            raise InputError(f"the mesh has no node set endplate-{side}", hint="put the step `endplates` before `pmma-discs`")
    centroid = [mesh.points_mm[mesh.node_sets[f"endplate-{side}"]].mean(axis=0) for side in SIDES]
    lattice_line = mesh.lattice.grid.axes.T @ (centroid[0] - centroid[1])
    along = int(np.argmax(np.abs(lattice_line)))
    up = 1 if lattice_line[along] > 0 else -1
    layers = max(1, round(config.thickness_mm / mesh.lattice.grid.spacing_mm[along]))

    # A margin of one layer more than the discs need, so that a plane never touches the border.
    grid, region, shift = _padded(mesh.lattice.grid, region_map(mesh), along, layers + 1)
    corner = np.rint(mesh.lattice.grid.to_index(mesh.points_mm) + 0.5).astype(np.int64) + shift
    is_bone = np.isin(region, np.unique(mesh.region[mesh.is_bone]))
    number = max([*mesh.region_names, int(mesh.region.max())])
    names, solids, planes = dict(mesh.region_names), dict(mesh.solids), {}
    cement = Solid(config.youngs_modulus_mpa, config.poisson_ratio, config.yield_stress_mpa)
    for step, side in enumerate(SIDES, start=1):
        outward = up if side == "superior" else -up
        plane = _cast(region, is_bone, corner[mesh.node_sets[f"endplate-{side}"]], along, outward, layers, number + step)
        names[number + step], solids[number + step], planes[f"disc-{side}"] = f"pmma-{side}", cement, plane

    cast = hexahedra(grid, region, names, solids=solids, history=mesh.history, placement=mesh.placement)
    new_corner = np.rint(grid.to_index(cast.points_mm) + 0.5).astype(np.int64)
    sets = {name: _same_corners(new_corner, corner[nodes], grid) for name, nodes in mesh.node_sets.items()}
    for step, (name, plane) in enumerate(planes.items(), start=1):
        of_disc = np.unique(cast.cells[cast.region == number + step])
        sets[name] = of_disc[new_corner[of_disc, along] == plane]
        if not len(sets[name]):
            raise InputError(
                f"no cement fits onto {name.replace('disc', 'endplate')}",
                hint="check the mesh and the options of `endplates`, or use a smaller voxel size",
            )
    thickness = layers * grid.spacing_mm[along]
    return replace(cast, node_sets=sets, history=(*mesh.history, f"pmma-discs: {thickness:.3g} mm beyond each endplate"))


def _padded(grid: Grid, region: RegionMap, along: int, layers: int) -> tuple[Grid, RegionMap, IntArray]:
    """The lattice with `layers` more at both ends of one axis, and how far that moves its indices."""
    shift = np.zeros(3, dtype=np.int64)
    shift[along] = layers
    size = [n + 2 * int(s) for n, s in zip(grid.size, shift, strict=True)]
    x, y, z = (float(c) for c in grid.to_world(-shift[None, :])[0])
    widths = [(int(s), int(s)) for s in shift[::-1]]
    return replace(grid, size=(size[0], size[1], size[2]), origin_mm=(x, y, z)), np.pad(region, widths), shift


def _cast(
    region: RegionMap, is_bone: npt.NDArray[np.bool_], corner: IntArray, along: int, outward: int, layers: int, number: int
) -> int:
    """Fill the columns over an endplate with `number`, in place; the index of the corners of the outer plane comes back.

    Parameters
    ----------
    region, is_bone
        (z, y, x).
    corner
        (n, 3) lattice corners of the endplate's nodes, i, j, k.
    along, outward
        The lattice axis of the load and the way out along it, 1 or -1.
    layers
        Thickness in cells beyond the outermost corner.
    number
        Region of the cement.
    """
    # Views with the load axis first and pointing outwards.
    cells, bone = (np.moveaxis(a, 2 - along, 0)[::outward] for a in (region, is_bone))
    height = len(cells)
    across = [n for n in (2, 1, 0) if n != along]
    level = corner[:, along] if outward > 0 else height - corner[:, along]
    on_plate = np.zeros((height + 1, cells.shape[1] + 1, cells.shape[2] + 1), dtype=bool)
    on_plate[level, corner[:, across[0]], corner[:, across[1]]] = True
    # A cell lies under the plate when the four corners of its outward face are on it and nothing covers it.
    face = on_plate[1:, :-1, :-1] & on_plate[1:, 1:, :-1] & on_plate[1:, :-1, 1:] & on_plate[1:, 1:, 1:]
    covered = np.concatenate([cells[1:] != 0, np.zeros_like(bone[:1])])
    outline = ndimage.binary_fill_holes((face & bone & ~covered).any(axis=0))
    plane = int(level.max()) + layers
    top = np.where(bone[:plane], np.arange(plane)[:, None, None], -1).max(axis=0)
    lowest = int(level.min()) - 1
    # Holes of the outline are cast too, where there is bone not far below them.
    fill = outline & (top >= lowest - layers)
    layer = np.arange(height)[:, None, None]
    cells[(layer > top) & (layer < plane) & fill & (cells == 0)] = number
    return plane if outward > 0 else height - plane


def _same_corners(new_corner: IntArray, wanted: IntArray, grid: Grid) -> IntArray:
    """Which of the new points lie on the wanted corners."""
    size = np.asarray(grid.size) + 1
    keys = [c[:, 0] + size[0] * (c[:, 1] + size[1] * c[:, 2]) for c in (new_corner, wanted)]
    return np.flatnonzero(np.isin(keys[0], keys[1]))
