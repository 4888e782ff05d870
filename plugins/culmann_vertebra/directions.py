"""Bone that is stiffer along the axis of its vertebra than across it: the ratios, and the axes that they refer to."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from pydantic import Field

from culmann.config import Config
from culmann.data import Materials, Mesh, Orthotropy
from culmann.data.arrays import FloatArray
from culmann.errors import InputError
from culmann.journal import Journal

SIDES = ("endplate-superior", "endplate-inferior")
#: From this angle on it is worth a caveat that voxels have only their edges for axes.
_WORTH_TELLING_DEG = 5.0


class OrthotropicBone(Config):
    """Elastic constants over the modulus along the axis of the vertebra, E: x and y lie across it, z along it."""

    across_modulus_ratio: float = Field(1 / 3, gt=0, le=1, description="E_x and E_y over E.")
    across_shear_ratio: float = Field(0.121, gt=0, description="G_xy over E.")
    along_shear_ratio: float = Field(0.157, gt=0, description="G_xz and G_yz over E.")
    across_poisson_ratio: float = Field(
        0.11, gt=-1, lt=1, description="Contraction along y over the extension along x when x is pulled."
    )
    along_poisson_ratio: float = Field(
        0.11,
        gt=-1,
        lt=1,
        description="Contraction along z over the extension along x when x is pulled: PRXZ and PRYZ in Ansys. The source gives "
        "one Poisson's ratio of 0.11 and does not say which way round it is.",
    )
    largest_turn_deg: float = Field(
        15.0,
        ge=0,
        le=45,
        description="Voxels can be orthotropic along their edges only: z is then the edge nearest to the axis of the vertebra. "
        "An axis further off than this is refused, and from 5 degrees on there is a caveat.",
    )


def with_directions(mesh: Mesh, materials: Materials, options: OrthotropicBone | None, journal: Journal) -> Materials:
    """The materials, orthotropic along the axis of the vertebra when there are options for that.

    z is the mean of the normals of the planes through the nodes of both endplates. y is the direction nearest to posterior at
    right angles to it. On a voxel mesh the axes are the edges of the voxels nearest to these.

    Raises
    ------
    InputError
        When the mesh has no endplates, the axis lies between the edges of voxels, or the ratios go against each other.
    """
    if options is None:
        return materials
    axes = _axes(mesh)
    if mesh.lattice is not None:
        axes = _edges(mesh.lattice.grid.axes, axes, options.largest_turn_deg, journal)
    e, g, nu = options.across_modulus_ratio, options.along_shear_ratio, options.along_poisson_ratio
    try:
        orthotropy = Orthotropy(
            (e, e, 1.0), (options.across_shear_ratio, g, g), (options.across_poisson_ratio, nu, nu / e), axes
        )
    except ValueError as problem:
        raise InputError(f"`orthotropic`: {problem}", hint="choose smaller Poisson's ratios") from problem
    journal.progress(f"orthotropic, z along {axes[2].round(4).tolist()} LPS")
    return replace(materials, orthotropy=orthotropy)


def _axes(mesh: Mesh) -> FloatArray:
    """(3, 3): rows are the directions of the vertebra nearest to left, posterior and superior."""
    for name in SIDES:
        if len(mesh.node_sets.get(name, ())) < 3:
            raise InputError(
                f"the mesh has no node set {name}, and so no axis for `orthotropic` bone",
                hint="put the step `endplates` before the law",
            )
    plates = [mesh.points_mm[mesh.node_sets[name]] for name in SIDES]
    line = plates[0].mean(axis=0) - plates[1].mean(axis=0)
    normals = []
    for points in plates:
        offset = points - points.mean(axis=0)
        normal = np.linalg.eigh(offset.T @ offset)[1][:, 0]
        normals.append(normal * np.sign(normal @ line))
    z = _unit(normals[0] + normals[1])
    posterior = np.array([0.0, 1.0, 0.0]) if abs(z[1]) < 0.9 else np.array([0.0, 0.0, -1.0])
    y = _unit(posterior - (posterior @ z) * z)
    return np.stack([np.cross(y, z), y, z])


def _edges(lattice: FloatArray, wanted: FloatArray, largest_deg: float, journal: Journal) -> FloatArray:
    """(3, 3): the edges of the voxels in place of the wanted axes, z first, y next."""
    u, _, v = np.linalg.svd(lattice)
    edges = (u @ v).T  # orthonormal; those of image files have seven digits
    near = np.abs(wanted @ edges.T)
    last = int(np.argmax(near[2]))
    middle = int(np.argmax(np.where(np.arange(3) == last, -1.0, near[1])))
    turn = float(np.degrees(np.arccos(min(1.0, near[2, last]))))
    told = f"the axis of the vertebra lies {turn:.1f} degrees from the edges of the voxels"
    if turn > largest_deg:
        raise InputError(
            f"{told}, along which alone they can be orthotropic; `largest_turn_deg` is {largest_deg:g}",
            hint="resample scan and labels along the vertebra, or mesh with tetrahedra (`gmsh-tet10`), which take any axes",
        )
    if turn > _WORTH_TELLING_DEG:
        journal.warn(f"{told}: the stiff direction of the bone is taken along the edges")
    z = edges[last] * np.sign(wanted[2] @ edges[last])
    y = edges[middle] * np.sign(wanted[1] @ edges[middle])
    return np.stack([np.cross(y, z), y, z])


def _unit(vector: FloatArray) -> FloatArray:
    return np.asarray(vector / np.linalg.norm(vector))
