"""Axial compression of a vertebra between its endplates, or between the discs that were cast onto them."""

from __future__ import annotations

from itertools import combinations
from typing import Literal

import numpy as np
from pydantic import Field

from culmann.config import Config
from culmann.data import LoadCase, Mesh, Prescribed
from culmann.data.arrays import FloatArray, IntArray
from culmann.errors import InputError
from culmann.journal import Journal
from culmann.voxels import exterior_faces
from culmann_vertebra.refusals import refuse_height

#: Pairs of node sets (loaded, held), the first pair that the mesh has is taken.
PAIRS = (("disc-superior", "disc-inferior"), ("endplate-superior", "endplate-inferior"))
#: Voxels over the height below which it is worth a caveat: a lumbar vertebra in voxels of 2 mm has about 14.
FEW_CELLS = 12
Displacement = tuple[float | None, float | None, float | None]


class CompressionConfig(Config):
    """Options of the load case."""

    reduction: float = Field(
        0.019,
        gt=0,
        le=0.5,
        description="Displacement of the superior side at full load, as a share of the height (0.019 is 1.9 %).",
    )
    displacement_mm: float | None = Field(
        None, gt=0, le=50, description="Displacement of the superior side at full load in mm, in place of `reduction`."
    )
    contact: Literal["bonded", "rollers"] = Field(
        "bonded",
        description="`bonded`: the loaded nodes move and the held nodes stay, and none slips sideways. `rollers`: only along "
        "the load axis; sideways they are free, but for two anchors of the held side against rigid motion, so that a weak "
        "vertebra may shear off along a slanting band.",
    )
    steps: int = Field(10, ge=1, le=1000, description="Number of equal load steps.")
    plausible_height_mm: tuple[float, float] | None = Field(
        (12.0, 50.0),
        description="Endplates that are less or more apart are refused; null refuses none. The bodies of human vertebrae lie "
        "inside; those of small animals and segments of several vertebrae do not.",
    )


def compression(mesh: Mesh, config: CompressionConfig, journal: Journal) -> LoadCase:
    """Move the superior side towards the inferior side by `reduction` times the height, or by `displacement_mm`.

    The height is the distance of the centroids of the two node sets, and the load axis is the line through them, as the
    authors of Saillard et al. 2024 have it. With rollers on a voxel mesh the load axis is the lattice axis nearest to that
    line, because displacements along other axes cannot be prescribed one by one on voxels, and the height is the distance of
    the centroids along it. The mesh has the node sets `endplate-superior` and `endplate-inferior`, or `disc-superior` and
    `disc-inferior`, which go first.

    Raises
    ------
    InputError
        When the mesh has none of these pairs of node sets, when they overlap, or when the height is not that of a vertebra.

    References
    ----------
    doi:10.1038/s41598-024-66934-w
    """
    top, bottom = _sets(mesh)
    line = mesh.points_mm[mesh.node_sets[top]].mean(axis=0) - mesh.points_mm[mesh.node_sets[bottom]].mean(axis=0)
    length = float(np.linalg.norm(line))
    if length == 0 or np.intersect1d(mesh.node_sets[top], mesh.node_sets[bottom]).size:
        raise InputError(
            f"the node sets {top} and {bottom} overlap",
            hint="check which labels are picked; name the `regions` of the body in `endplates`",
        )
    refuse_height(_height_of_bone(mesh, line / length), config.plausible_height_mm)
    frame = _frame(mesh, line / length, config.contact)
    axis = frame[2]
    height = float(line @ axis)
    lean = float(np.degrees(np.arccos(min(1.0, height / length))))
    if lean > 5:
        journal.warn(
            f"the load acts along the lattice axis, {lean:.1f} degrees from the line between the endplates: "
            "resample the scan along the vertebra, or use `contact: bonded`"
        )
    _warn_of_few_cells(mesh, axis, height, journal)
    travel = config.reduction * height if config.displacement_mm is None else config.displacement_mm
    nodes_top, nodes_bottom = mesh.node_sets[top], mesh.node_sets[bottom]
    if config.contact == "bonded":
        x, y, z = (float(c) for c in -travel * axis)
        prescribed = {top: Prescribed(nodes_top, (x, y, z)), bottom: Prescribed(nodes_bottom, (0.0, 0.0, 0.0))}
    else:
        prescribed = {
            top: Prescribed(nodes_top, (None, None, -travel)),
            bottom: Prescribed(nodes_bottom, (None, None, 0.0)),
            **_anchors(mesh, nodes_bottom, frame),
        }
    dx, dy, dz = (float(c) for c in -axis)
    return LoadCase(
        prescribed=prescribed,
        loaded=top,
        direction=(dx, dy, dz),
        reference_height_mm=height,
        axes=np.eye(3) if config.contact == "bonded" else frame,
        load_steps=tuple(float(n) for n in np.arange(1, config.steps + 1) / config.steps),
        audit={
            "contact": config.contact,
            "height_mm": round(height, 4),
            "displacement_mm": round(travel, 5),
            "axis_lps": " ".join(f"{round(c, 5) + 0.0:.5f}" for c in axis),
            "axis_from_centroid_line_deg": round(lean, 3),
            "tilt_of_planes_through_nodes_deg": round(_tilt_deg(mesh, nodes_top, nodes_bottom, axis), 3),
            f"{top}_nodes": len(nodes_top),
            f"{bottom}_nodes": len(nodes_bottom),
            f"{top}_area_of_faces_mm2": round(_projected_area(mesh, nodes_top, axis), 2),
            f"{bottom}_area_of_faces_mm2": round(_projected_area(mesh, nodes_bottom, -axis), 2),
        },
    )


def _sets(mesh: Mesh) -> tuple[str, str]:
    for pair in PAIRS:
        if all(len(mesh.node_sets.get(name, ())) for name in pair):
            return pair
    have = ", ".join(sorted(mesh.node_sets)) or "none"
    raise InputError(
        f"the mesh has no endplates to load; its node sets are: {have}",
        hint="put the step `endplates` between the mesh and `compression`",
    )


def _warn_of_few_cells(mesh: Mesh, axis: FloatArray, height: float, journal: Journal) -> None:
    if mesh.lattice is None:
        return
    along = np.abs(mesh.lattice.grid.axes.T @ axis)
    cells = height * float(along[along.argmax()]) / mesh.lattice.grid.spacing_mm[int(along.argmax())]
    if cells < FEW_CELLS:
        journal.warn(
            f"the voxels are coarse: only {cells:.0f} lie between the endplates; with 9 in place of 18 the failure load of the "
            "shipped L3 rises by 14 %"
        )


def _height_of_bone(mesh: Mesh, axis: FloatArray) -> float:
    """Distance of the endplates along the axis, also where discs are loaded."""
    top, bottom = next(pair for pair in reversed(PAIRS) if all(len(mesh.node_sets.get(name, ())) for name in pair))
    return float(
        (mesh.points_mm[mesh.node_sets[top]].mean(axis=0) - mesh.points_mm[mesh.node_sets[bottom]].mean(axis=0)) @ axis
    )


def _frame(mesh: Mesh, axis: FloatArray, contact: str) -> FloatArray:
    """(3, 3): rows are two directions across and the load axis. On a lattice that rolls, the axes of the lattice."""
    if contact == "rollers" and mesh.lattice is not None:
        # The nearest orthonormal axes: those in image files have seven digits.
        u, _, v = np.linalg.svd(mesh.lattice.grid.axes)
        columns = u @ v
        nearest = int(np.argmax(np.abs(columns.T @ axis)))
        along = columns[:, nearest] * np.sign(columns[:, nearest] @ axis)
        across = [columns[:, n] for n in range(3) if n != nearest]
        return np.stack([*across, along])
    across_1 = np.cross(axis, np.eye(3)[np.argmin(np.abs(axis))])
    across_1 = across_1 / np.linalg.norm(across_1)
    return np.stack([across_1, np.cross(axis, across_1), axis])


def _anchors(mesh: Mesh, held: IntArray, frame: FloatArray) -> dict[str, Prescribed]:
    """One held node that cannot slide, and one far from it that cannot turn around it."""
    across = mesh.points_mm[held] @ frame[:2].T
    first = int(np.argmin(np.linalg.norm(across - across.mean(axis=0), axis=1)))
    apart = np.abs(across - across[first])
    second, along = (int(n) for n in np.unravel_index(np.argmax(apart), apart.shape))
    against_turning: Displacement = (None, 0.0, None) if along == 0 else (0.0, None, None)
    return {
        "anchor-sliding": Prescribed(held[[first]], (0.0, 0.0, None)),
        "anchor-turning": Prescribed(held[[second]], against_turning),
    }


def _projected_area(mesh: Mesh, nodes: IntArray, outward: FloatArray) -> float:
    """Area of the exterior faces all of whose corners are in the set, projected along the axis."""
    faces, _ = exterior_faces(mesh)
    mine = faces[np.isin(faces, nodes).all(axis=1)]
    corners = mesh.points_mm[mine]
    area = sum(
        (np.cross(corners[:, a] - corners[:, 0], corners[:, b] - corners[:, 0]) / 2 for a, b in _fan(faces.shape[1])),
        np.zeros((len(mine), 3)),
    )
    return float(np.clip(area @ outward, 0, None).sum())


def _fan(corners: int) -> list[tuple[int, int]]:
    return [(a, b) for a, b in combinations(range(1, corners), 2) if b == a + 1]


def _tilt_deg(mesh: Mesh, a: IntArray, b: IntArray, axis: FloatArray) -> float:
    """Angle between the planes through two sets of nodes."""
    normals = []
    for nodes in (a, b):
        offset = mesh.points_mm[nodes] - mesh.points_mm[nodes].mean(axis=0)
        normal = np.linalg.eigh(offset.T @ offset)[1][:, 0]
        normals.append(normal * (1 if normal @ axis >= 0 else -1))
    return float(np.degrees(np.arctan2(np.linalg.norm(np.cross(normals[0], normals[1])), normals[0] @ normals[1])))
