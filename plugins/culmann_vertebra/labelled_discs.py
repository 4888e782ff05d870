"""Discs of bone cement that the labels hold already: their material, and the faces that a test machine would touch."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from pydantic import Field

from culmann.config import Config
from culmann.data import Mesh, Solid
from culmann.data.arrays import FloatArray, IntArray
from culmann.errors import InputError
from culmann.journal import Journal
from culmann.tetrahedra import nodes_of_faces
from culmann.voxels import exterior_faces

#: An outer face turns away from the load axis by no more than this.
_FACING_DEG = 30.0


class LabelledDiscsConfig(Config):
    """Options of the discs."""

    superior: int | str = Field(description="Region of the disc on the superior endplate, by number or name.")
    inferior: int | str = Field(description="Region of the disc on the inferior endplate, by number or name.")
    youngs_modulus_mpa: float = Field(2500.0, gt=0, description="Young's modulus of the cement, MPa.")
    poisson_ratio: float = Field(0.3, gt=-1, lt=0.5, description="Poisson's ratio of the cement.")
    yield_stress_mpa: float | None = Field(
        70.0, gt=0, description="Stress at which the cement yields, perfectly plastic, MPa; null for linear elastic cement."
    )


def labelled_discs(mesh: Mesh, config: LabelledDiscsConfig, journal: Journal) -> Mesh:
    """Give two regions of a mesh the material of cement, and add the node sets `disc-superior` and `disc-inferior`.

    The sets are the nodes of the faces that are seen from outside along the line between the discs; on voxels, along the edge
    of a voxel nearest to it. The constants of the cement are those of the Bonelab spineFE benchmark.

    Raises
    ------
    InputError
        When the mesh has no such region, both are the same, nothing is left as bone, or a disc has no face outwards.

    References
    ----------
    Bonelab spineFE benchmark, github.com/Bonelab/spineFE-benchmark.
    """
    number = {
        "disc-superior": _region(mesh, config.superior, "superior"),
        "disc-inferior": _region(mesh, config.inferior, "inferior"),
    }
    if len(set(number.values())) == 1:
        raise InputError(f"the discs `superior` and `inferior` are the same region, {config.superior!r}")
    cement = Solid(config.youngs_modulus_mpa, config.poisson_ratio, config.yield_stress_mpa)
    made = replace(mesh, solids={**mesh.solids, **dict.fromkeys(number.values(), cement)})
    if not made.is_bone.any():
        raise InputError("the labels hold the two discs and no bone", hint="pick the labels of the vertebra as well")
    up = _load_axis(made, number["disc-superior"], number["disc-inferior"])
    if up[2] < 0:
        journal.warn("the superior disc lies below the inferior one: check the labels, or the image's directions")
    sets = dict(mesh.node_sets)
    for name, outward in (("disc-superior", up), ("disc-inferior", -up)):
        sets[name] = _seen_from(made, number[name], outward)
        if len(sets[name]) < 3:
            raise InputError(
                f"the region {number[name]} has no face outwards that could be loaded as {name}",
                hint="check which label is which disc: bone must not cover them",
            )
    counts = ", ".join(f"{name} {len(sets[name])} nodes" for name in number)
    told = f"labelled-discs: regions {number['disc-superior']} and {number['disc-inferior']} are cement; {counts}"
    journal.progress(told)
    return replace(made, node_sets=sets, history=(*mesh.history, told))


def _region(mesh: Mesh, wanted: int | str, side: str) -> int:
    present = {int(v): mesh.region_names.get(int(v), f"label-{int(v)}") for v in np.unique(mesh.region)}
    for v, name in present.items():
        if wanted in (v, name):
            return v
    known = ", ".join(name if name == f"label-{v}" else f"{v} ({name})" for v, name in present.items())
    raise InputError(
        f"the mesh has no region {wanted!r} for the {side} disc; its regions are: {known}",
        hint="pick the labels of the discs along with those of the bone, and do not merge them",
    )


def _load_axis(mesh: Mesh, superior: int, inferior: int) -> FloatArray:
    centres = mesh.cell_centres_mm()
    line = centres[mesh.region == superior].mean(axis=0) - centres[mesh.region == inferior].mean(axis=0)
    line = line / np.linalg.norm(line)
    if mesh.lattice is None:
        return np.asarray(line)
    along = mesh.lattice.grid.axes.T @ line
    nearest = int(np.argmax(np.abs(along)))
    return np.asarray(mesh.lattice.grid.axes[:, nearest] * np.sign(along[nearest]))


def _seen_from(mesh: Mesh, region: int, outward: FloatArray) -> IntArray:
    """Nodes of the exterior faces of a region that face outwards."""
    faces, cell = exterior_faces(mesh)
    faces = faces[mesh.region[cell] == region]
    a, b, c = np.moveaxis(mesh.points_mm[faces[:, [0, 1, 2]]], 1, 0)
    normal = np.cross(b - a, c - a)
    facing = normal @ outward > np.cos(np.radians(_FACING_DEG)) * np.linalg.norm(normal, axis=1)
    return nodes_of_faces(mesh, faces[facing])
