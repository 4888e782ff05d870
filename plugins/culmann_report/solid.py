"""The bone as triangles for the page, with values at their corners, and the nodes that are held or moved."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.spatial import cKDTree

from culmann.data import Fields, LoadCase, Mesh, Response
from culmann.data.arrays import BoolArray, FloatArray
from culmann.errors import InputError
from culmann.surface import Surface, outer_surface

#: More triangles than this are drawn coarser; a browser turns so many smoothly without a graphics card.
MOST_TRIANGLES = 60_000
#: Of other regions (cement, cups), which are drawn as shades.
MOST_SHADE = 12_000
#: Nodes of a set that are drawn.
MOST_NODES = 1500
#: A corner takes its values from so many cells around it.
_NEAR = 6


@dataclass(frozen=True, slots=True)
class Solid:
    """The outer surface of the bone in the patient's space.

    Parameters
    ----------
    points_mm, triangles
        LPS, normals outwards.
    density_g_cm3, strain, phase
        (n_points,). Density is None where the response has none.
    all_triangles
        How many there were before they were made fewer.
    merged_mm
        Within which distance corners were merged for that; 0 when nothing was.
    """

    points_mm: FloatArray
    triangles: npt.NDArray[np.int64]
    density_g_cm3: FloatArray | None
    strain: FloatArray
    phase: FloatArray
    all_triangles: int
    merged_mm: float


@dataclass(frozen=True, slots=True)
class Nodes:
    """Nodes of one set of the load case: `loaded`, `held` or `moved`; `total` is how many it has, of which some are drawn."""

    name: str
    role: str
    points_mm: FloatArray
    total: int


def bone(response: Response, moment: Fields, most: int = MOST_TRIANGLES) -> Solid:
    """The surface of the bone cells with density, equivalent strain and phase of the cells below it."""
    mesh = response.mesh
    whole = outer_surface(mesh, mesh.is_bone, smoothing_mm=0.0)
    surface, merged = fewer(whole, most)
    cells = np.flatnonzero(mesh.is_bone)
    distance, near = cKDTree(mesh.cell_centres_mm()[cells]).query(surface.points_mm, k=min(_NEAR, len(cells)))
    distance, near = np.reshape(distance, (len(surface.points_mm), -1)), np.reshape(near, (len(surface.points_mm), -1))
    weight = 1 / (distance + 0.1)
    weight /= weight.sum(axis=1, keepdims=True)

    def smooth(values: FloatArray) -> FloatArray:
        return np.asarray((values[cells][near] * weight).sum(axis=1))

    density = response.cells.get("density_g_cm3")
    placed = in_patient(surface, mesh)
    return Solid(
        placed.points_mm,
        placed.triangles,
        None if density is None else smooth(density),
        smooth(moment.equivalent_strain),
        np.asarray(moment.phase[cells][near[:, 0]]),
        len(whole.triangles),
        merged,
    )


def shade(mesh: Mesh) -> Surface | None:
    """The surface of everything that is not bone, in the patient's space; None where there is nothing."""
    other: BoolArray = ~mesh.is_bone
    if not other.any():
        return None
    try:
        return in_patient(fewer(outer_surface(mesh, other, smoothing_mm=0.0), MOST_SHADE)[0], mesh)
    except InputError:  # thinner than what a surface can be made of
        return None


def nodes(mesh: Mesh, load: LoadCase) -> list[Nodes]:
    """The sets of the load case in the patient's space."""
    found = []
    for name, held in load.prescribed.items():
        still = all(not value for value in held.displacement_mm)
        role = "loaded" if name == load.loaded else "held" if still else "moved"
        step = -(-len(held.nodes) // MOST_NODES)
        found.append(Nodes(name, role, mesh.placement.point_to_patient(mesh.points_mm[held.nodes[::step]]), len(held.nodes)))
    return found


def in_patient(surface: Surface, mesh: Mesh) -> Surface:
    """The surface where it lies in the patient, with its normals still outwards when the mesh was mirrored."""
    mirrored = float(np.linalg.det(mesh.placement.matrix[:3, :3])) < 0
    triangles = surface.triangles[:, ::-1] if mirrored else surface.triangles
    return Surface(mesh.placement.point_to_patient(surface.points_mm), triangles)


def fewer(surface: Surface, most: int) -> tuple[Surface, float]:
    """A surface of at most so many triangles: corners within cubes of a growing size are merged; and that size in mm, or 0."""
    if len(surface.triangles) <= most:
        return surface, 0.0
    area = float(np.linalg.norm(surface.area_vectors_mm2(), axis=1).sum())
    size = float(np.sqrt(2 * area / most)) / 2
    low = surface.points_mm.min(axis=0)
    while True:
        place = np.floor((surface.points_mm - low) / size).astype(np.int64)
        _, cluster, count = np.unique(place, axis=0, return_inverse=True, return_counts=True)
        cluster = cluster.ravel()
        points = np.zeros((len(count), 3))
        np.add.at(points, cluster, surface.points_mm)
        triangles = cluster[surface.triangles]
        a, b, c = triangles.T
        triangles = triangles[(a != b) & (b != c) & (c != a)]
        _, first = np.unique(np.sort(triangles, axis=1), axis=0, return_index=True)
        triangles = triangles[np.sort(first)]
        if len(triangles) <= most:
            return Surface(points / count[:, None], triangles), size
        size *= 1.15
