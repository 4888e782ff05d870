"""Which nodes are loaded and which are held: on the head, at the distal end; their areas, and the numbers of an audit."""

from __future__ import annotations

import numpy as np

from culmann.data import Landmarks, Mesh
from culmann.data.arrays import FloatArray, IntArray
from culmann.errors import InputError
from culmann.journal import Journal
from culmann.voxels import exterior_faces

BORDER = "field-of-view-border"

#: Fewer nodes than this make a caveat.
_FEW = 30

_MIDDLES = ((0, 1), (1, 2), (2, 0), (0, 3), (1, 3), (2, 3))


def on_head(mesh: Mesh, landmarks: Landmarks) -> IntArray:
    """Exterior nodes near the sphere of the head: hollows inside and the trochanters are left out."""
    centre, radius = landmarks.point("head-centre"), landmarks.length("head-radius")
    faces, cell = exterior_faces(mesh)
    nodes = np.unique(faces[mesh.is_bone[cell]])
    distance = np.linalg.norm(mesh.points_mm[nodes] - centre, axis=1)
    # Corners of voxels stand up to half a diagonal off the smooth surface.
    slack = 0.0 if mesh.lattice is None else 0.5 * float(np.linalg.norm(mesh.lattice.grid.spacing_mm))
    return np.asarray(nodes[(distance > 0.7 * radius - slack) & (distance < 1.15 * radius + slack)])


def within_cone(mesh: Mesh, nodes: IntArray, apex_mm: FloatArray, axis: FloatArray, half_angle_deg: float) -> IntArray:
    """Of some nodes, those within a cone."""
    ray = mesh.points_mm[nodes] - apex_mm
    cosine = ray @ axis / np.maximum(np.linalg.norm(ray, axis=1), 1e-12)
    return with_middles(mesh, nodes[cosine >= np.cos(np.radians(half_angle_deg)) - 1e-12])


def below(mesh: Mesh, landmarks: Landmarks, length_mm: float) -> IntArray:
    """All nodes up to a length above the lowest whole section of the shaft, along its axis."""
    used = np.unique(mesh.cells)
    height = (mesh.points_mm[used] - landmarks.point("shaft-end")) @ landmarks.direction("shaft")
    lowest = float(height.min())
    # Where the mesh ends above the section of the labels, the length counts from its own end.
    return used[height <= max(0.0, lowest) + length_mm + 1e-9]


def with_middles(mesh: Mesh, nodes: IntArray) -> IntArray:
    """Nodes with the middles of the edges between them, where the cells have such."""
    if mesh.cell_type != "tet10":
        return nodes
    chosen = np.isin(np.arange(mesh.n_points), nodes)
    middles = [mesh.cells[chosen[mesh.cells[:, a]] & chosen[mesh.cells[:, b]], 4 + n] for n, (a, b) in enumerate(_MIDDLES)]
    return np.union1d(nodes, np.concatenate(middles))


def face_areas_mm2(mesh: Mesh, nodes: IntArray, against: FloatArray) -> tuple[float, float]:
    """Area of the exterior faces all of whose corners are among the nodes: as it is, and projected against a direction.

    Projected, only the faces that face against the direction count, so that steps of voxels count once.
    """
    faces, _ = exterior_faces(mesh)
    chosen = np.isin(np.arange(mesh.n_points), nodes)
    corner = mesh.points_mm[faces[chosen[faces].all(axis=1)]]
    vector = np.cross(corner[:, 1] - corner[:, 0], corner[:, 2] - corner[:, 0]) / 2
    if faces.shape[1] == 4:
        vector = vector + np.cross(corner[:, 2] - corner[:, 0], corner[:, 3] - corner[:, 0]) / 2
    return float(np.linalg.norm(vector, axis=1).sum()), float(np.clip(-vector @ against, 0, None).sum())


def named_set(mesh: Mesh, name: str, step: str) -> IntArray:
    """A node set of the mesh. Raises InputError, naming the step that makes it, when it is missing."""
    nodes = mesh.node_sets.get(name, np.zeros(0, dtype=np.int64))
    if not len(nodes):
        have = ", ".join(sorted(mesh.node_sets)) or "none"
        raise InputError(f"the mesh has no node set {name}; its node sets are: {have}", hint=f"put the step `{step}` before it")
    return nodes


def check_sets(mesh: Mesh, loaded: IntArray, held: IntArray, journal: Journal) -> None:
    """Refuse sets that are empty or overlap, and warn of few nodes and of loaded nodes where the image ends."""
    for what, nodes in (("loaded", loaded), ("held", held)):
        if len(nodes) < 3:
            raise InputError(
                f"only {len(nodes)} nodes would be {what}: the femur would not be {what} at all",
                hint="use a larger distance, angle or length, or a finer mesh",
            )
        if len(nodes) < _FEW:
            journal.warn(f"only {len(nodes)} nodes are {what}: the mesh is too coarse for a failure load")
    both = len(np.intersect1d(loaded, held))
    if both:
        raise InputError(
            f"{both} nodes would be loaded and held at once", hint="use a shorter fixation, or fewer nodes of the head"
        )
    cut = len(np.intersect1d(loaded, mesh.node_sets.get(BORDER, np.zeros(0, dtype=np.int64))))
    if cut:
        journal.warn(f"{cut} of {len(loaded)} loaded nodes lie where the image ends: the bone is cut there")


def lps(vector: FloatArray) -> str:
    """A vector for the audit."""
    return " ".join(f"{round(float(c), 5) + 0.0:.5f}" for c in vector)
