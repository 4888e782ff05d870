"""Finding the two endplates of a vertebra on its surface, as node sets of the mesh."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from pydantic import Field
from scipy import ndimage
from scipy.spatial import cKDTree

from culmann.config import Config
from culmann.data import Mesh
from culmann.data.arrays import BoolArray, FloatArray, IntArray
from culmann.errors import InputError
from culmann.journal import Journal
from culmann.surface import Surface, outer_surface
from culmann.tetrahedra import nodes_of_faces
from culmann.voxels import exterior_faces, region_map
from culmann_vertebra.axis import pole_axes
from culmann_vertebra.picture import endplate_picture
from culmann_vertebra.plates import Facing, Plate, find_plate, patch_facing
from culmann_vertebra.refusals import refuse_cut, refuse_lying, refuse_unequal, refuse_wedge

SUPERIOR, INFERIOR = "endplate-superior", "endplate-inferior"
BORDER = "field-of-view-border"
N_CANDIDATES = 5
#: The line through the middles of true endplates was at most 12 degrees from their axis in seven lumbar vertebrae, whatever was
#: done to their masks; where a posterior element was taken for an endplate, it was more than 50.
_OPPOSITE_DEG = 25.0


class EndplatesConfig(Config):
    """Options of the detection."""

    endplate_height_mm: float = Field(
        3.0, gt=0, le=20, description="How far below its own plane the surface of an endplate may lie."
    )
    facing_deg: float = Field(
        60.0, gt=0, lt=90, description="How far the surface of an endplate may turn away from its plane's normal."
    )
    superior: tuple[float, float, float] = Field(
        (0.0, 0.0, 1.0),
        description="The direction of the superior endplate in patient coordinates (left, posterior, superior).",
    )
    regions: tuple[str, ...] = Field(
        (), description="Names of the regions that the endplates are sought on, such as those of the body; all bone if empty."
    )
    largest_patch_only: bool = Field(
        True, description="Keep only the largest connected patch of each side: this leaves out the tips of processes."
    )
    neck: float = Field(
        0.65,
        ge=0,
        lt=1,
        description="Cut off what hangs on an endplate by a neck narrower than this share of its width, such as a pedicle and "
        "the process behind it; 0 cuts nothing off.",
    )
    smoothing_mm: float = Field(
        1.5,
        ge=0,
        le=10,
        description="Gaussian that smooths the surface of a voxel mesh before its normals are taken; at least one voxel.",
    )
    largest_cut_share: float = Field(
        0.5,
        ge=0,
        le=1,
        description="An endplate with a larger share of its nodes at the border of the field of view is refused: the image "
        "ends before the bone does. 1 accepts it, such as the sawn face of a specimen.",
    )
    largest_lean_deg: float = Field(
        60.0,
        gt=0,
        le=180,
        description="An axis further than this from `superior` is refused; beyond 45 degrees there is a caveat. 180 accepts "
        "any, such as that of a specimen that lies on its side; better is to state `superior`.",
    )
    largest_tilt_deg: float = Field(
        40.0,
        gt=0,
        le=180,
        description="Endplates that are tilted more than this towards each other are refused; beyond 20 degrees there is a "
        "caveat. 180 accepts any, such as those of a vertebra that collapsed on one side.",
    )
    smallest_area_ratio: float = Field(
        0.55,
        ge=0,
        le=1,
        description="Endplates of which the smaller has less than this share of the area of the larger are refused; those "
        "that culmann was tried on have 0.72 and more. 0 accepts any, such as those of a broken vertebra.",
    )


def endplates(mesh: Mesh, config: EndplatesConfig, journal: Journal) -> Mesh:
    """Add the node sets `endplate-superior` and `endplate-inferior`.

    Pairs of opposite directions that much of the surface faces are candidates for the axis. On either side the projected area
    over the height along the axis is greatest at the endplate; what faces outwards and lies no more than `endplate_height_mm`
    below, in one connected patch, gives the plane of the endplate. The candidate with the largest plates wins, where one at
    right angles to `superior` counts half. Then the axis becomes the mean of the two normals, and both plates are found again.
    The method is that of the authors of Saillard et al. 2024 without its random parts: the same mesh gives the same nodes,
    however its voxels are ordered.

    Parameters
    ----------
    mesh
        Bone on voxels or tetrahedra; regions with a `Solid` are left out.
    config
        Options.
    journal
        Gets the picture `endplates.png` and the warnings.

    Raises
    ------
    InputError
        When a region has an unknown name, no endplate is found, or what is found can hardly belong to a whole vertebra: an
        endplate at the border of the field of view, an axis far from `superior`, endplates that are much tilted or unequal.

    References
    ----------
    doi:10.1038/s41598-024-66934-w
    """
    wanted = mesh.is_bone & _in_regions(mesh, config.regions)
    surface = outer_surface(mesh, wanted, config.smoothing_mm)
    up = _unit(np.asarray(config.superior, dtype=float))
    superior, inferior, axis = _both_plates(surface, up, config)
    sets = {
        SUPERIOR: _nodes(mesh, wanted, surface, superior, config.facing_deg),
        INFERIOR: _nodes(mesh, wanted, surface, inferior, config.facing_deg),
    }
    _check(mesh, sets, config.largest_cut_share, journal)
    lean, wedge = _angle_deg(axis, up), _angle_deg(superior.normal, -inferior.normal)
    refuse_lying(lean, config.largest_lean_deg)
    refuse_wedge(wedge, config.largest_tilt_deg)
    refuse_unequal((superior.area_mm2, inferior.area_mm2), config.smallest_area_ratio)
    if lean > 45:
        journal.warn(
            f"the axis of the vertebra lies {lean:.0f} degrees from the direction taken as superior: "
            "look at the endplates picture in the qc folder, and set `superior` or `regions`"
        )
    if wedge > 20:
        journal.warn(
            f"the endplates are tilted {wedge:.0f} degrees towards each other: look at the endplates picture in the qc folder"
        )
    between = mesh.points_mm[sets[SUPERIOR]].mean(axis=0) - mesh.points_mm[sets[INFERIOR]].mean(axis=0)
    off = _angle_deg(between, axis)
    if off > _OPPOSITE_DEG:
        journal.warn(
            f"the endplates that were found do not lie opposite each other: the line through their middles is {off:.0f} "
            "degrees from the axis, so that one of them is hardly an endplate; look at the endplates picture in the qc folder"
        )
    facts = (
        f"endplates: superior {len(sets[SUPERIOR])} nodes, {superior.area_mm2:.0f} mm²; inferior {len(sets[INFERIOR])} nodes, "
        f"{inferior.area_mm2:.0f} mm²; axis {axis.round(4).tolist()} LPS; tilt of the endplates {wedge:.1f} degrees "
        "(areas and tilt of the smoothed surface)"
    )
    journal.progress(facts)
    journal.attach("endplates.png", endplate_picture(mesh, surface, sets, (superior, inferior), axis, up))
    return replace(mesh, node_sets={**mesh.node_sets, **sets}, history=(*mesh.history, facts))


def _both_plates(surface: Surface, up: FloatArray, config: EndplatesConfig) -> tuple[Plate, Plate, FloatArray]:
    facing = Facing(config.endplate_height_mm, config.facing_deg, config.largest_patch_only, config.neck)
    vectors = surface.area_vectors_mm2()
    area = np.linalg.norm(vectors, axis=1)
    solid = area > 1e-9
    candidates = pole_axes(vectors[solid] / area[solid, None], area[solid], N_CANDIDATES)
    weaker = np.array([min(patch_facing(surface, n, facing).area_mm2 for n in (a, -a)) for a in candidates])
    # A flat side of the bone may be as large as an endplate; what tells them apart is how the patient lies.
    axis = candidates[int(np.argmax(weaker * (1 + np.abs(candidates @ up)) / 2))]
    axis = axis if axis @ up >= 0 else -axis
    for _ in range(3):
        superior, inferior = find_plate(surface, axis, facing), find_plate(surface, -axis, facing)
        axis = _unit(superior.normal - inferior.normal)
    return superior, inferior, axis


def _in_regions(mesh: Mesh, names: tuple[str, ...]) -> BoolArray:
    if not names:
        return np.ones(mesh.n_cells, dtype=bool)
    unknown = sorted(set(names) - set(mesh.region_names.values()))
    if unknown:
        known = ", ".join(sorted(mesh.region_names.values())) or "none with a name"
        raise InputError(f"the mesh has no region {', '.join(unknown)}", hint=f"its regions are: {known}")
    return np.isin(mesh.region, [number for number, name in mesh.region_names.items() if name in names])


def _nodes(mesh: Mesh, wanted: BoolArray, surface: Surface, plate: Plate, facing_deg: float) -> IntArray:
    """Nodes of the plate: of voxels the corners of the exterior faces that face as it does and lie nearest to it, of
    tetrahedra those of its triangles."""
    if mesh.lattice is None:
        return nodes_of_faces(mesh, surface.triangles[plate.triangle])
    grid, bone = mesh.lattice.grid, np.flatnonzero(mesh.is_bone)
    faces, cell = exterior_faces(mesh.part(mesh.is_bone))
    centre_mm = mesh.points_mm[faces].mean(axis=1)
    home = mesh.lattice.cell_index[bone[cell]]
    outward = np.rint(2 * (grid.to_index(centre_mm) - home)).astype(np.int64)
    facing = outward @ (grid.axes.T @ plate.normal) > np.cos(np.radians(facing_deg))
    member = plate.triangle[cKDTree(surface.centres_mm()).query(centre_mm)[1]]
    mine = facing & member & wanted[bone[cell]] & _is_outside(mesh, home + outward)
    return np.unique(faces[mine])


def _is_outside(mesh: Mesh, index: IntArray) -> BoolArray:
    """Whether cells i, j, k (n, 3) lie outside of the bone of a voxel mesh and not in a hollow of it."""
    bone = np.isin(region_map(mesh), np.unique(mesh.region[mesh.is_bone]))
    filled = np.pad(ndimage.binary_fill_holes(bone), 1)
    i, j, k = index.T + 1
    return np.asarray(~filled[k, j, i])


def _check(mesh: Mesh, sets: dict[str, IntArray], largest_cut_share: float, journal: Journal) -> None:
    border = mesh.node_sets.get(BORDER, np.zeros(0, dtype=np.int64))
    for name, nodes in sets.items():
        side = name.removeprefix("endplate-")
        if len(nodes) < 3:
            raise InputError(
                f"no {side} endplate was found ({len(nodes)} nodes)",
                hint="look at the mesh; try a larger `endplate_height_mm`, or name the body's `regions`",
            )
        if len(nodes) < 50:
            journal.warn(f"the {side} endplate has only {len(nodes)} nodes: the mesh is too coarse for a failure load")
        cut = len(np.intersect1d(nodes, border))
        refuse_cut(side, cut, len(nodes), largest_cut_share)
        if cut > 0.02 * len(nodes):
            journal.warn(
                f"the {side} endplate is cut by the field of view ({cut} of {len(nodes)} nodes): "
                "the failure load is that of a truncated bone"
            )


def _unit(vector: FloatArray) -> FloatArray:
    length = float(np.linalg.norm(vector))
    if length == 0:
        raise InputError("`superior` is not a direction: all its components are 0")
    return np.asarray(vector / length)


def _angle_deg(a: FloatArray, b: FloatArray) -> float:
    return float(np.degrees(np.arctan2(np.linalg.norm(np.cross(a, b)), a @ b)))
