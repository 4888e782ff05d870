"""Meshes: labels into finite elements. Descriptors only."""

from __future__ import annotations

from collections.abc import Iterable

from culmann.hookspecs import hookimpl
from culmann.steps import Step

api = 1


@hookimpl
def culmann_calibrations() -> Iterable[Step]:
    """What prepares a density for its mesh."""
    yield Step(
        "extend-density",
        "culmann_mesh.extend_density:extend_density",
        summary="Carries the density of bone outwards, for cells that reach over the border of the labels",
    )


@hookimpl
def culmann_mesh_builders() -> Iterable[Step]:
    """The ways from labels to a mesh."""
    yield Step(
        "voxel-mesh",
        "culmann_mesh.voxel_mesh:voxel_mesh",
        summary="Hexahedra on a lattice parallel to the image, of its own voxel size or of a chosen one",
    )
    yield Step(
        "gmsh-tet10",
        "culmann_mesh.gmsh_tet10:gmsh_tet10",
        summary="Quadratic tetrahedra of an asked volume inside a smooth surface of the labels, by gmsh",
        cite=("doi:10.1002/nme.2579", "doi:10.1109/CVPR.2010.5539832"),
        extra="culmann[gmsh]",
    )
