"""Vertebrae: laws of vertebral bone, endplates, compression, cement discs."""

from __future__ import annotations

from collections.abc import Iterable

from culmann.hookspecs import hookimpl
from culmann.steps import Step

api = 1

_SAILLARD = "doi:10.1038/s41598-024-66934-w"
_KOPPERDAHL = (
    "Kopperdahl, Morgan, Keaveny. Quantitative computed tomography estimates of the mechanical properties of human vertebral "
    "trabecular bone. J. Orthop. Res. 20(4), 801-805 (2002)"
)
_BONELAB = "https://github.com/Bonelab/spineFE-benchmark"


@hookimpl
def culmann_material_laws() -> Iterable[Step]:
    """Laws of vertebral bone."""
    yield Step(
        "kopperdahl",
        "culmann_vertebra.kopperdahl:kopperdahl",
        summary="Elastic, perfectly plastic law of vertebral trabecular bone after Kopperdahl et al. 2002",
        cite=(_KOPPERDAHL, _SAILLARD),
    )
    yield Step(
        "vertebra-law",
        "culmann_vertebra.relatives:vertebra_law",
        summary="Elastic, perfectly plastic laws of vertebral bone from a table: Keaveny, Prado, Morgan, Keller and others",
    )


@hookimpl
def culmann_mesh_builders() -> Iterable[Step]:
    """What prepares the mesh of a vertebra for loading."""
    yield Step(
        "endplates",
        "culmann_vertebra.endplates:endplates",
        summary="Finds the superior and the inferior endplate of a vertebra as node sets of its mesh",
        cite=(_SAILLARD,),
    )
    yield Step(
        "pmma-discs",
        "culmann_vertebra.discs:pmma_discs",
        summary="Casts discs of bone cement onto the endplates of a voxel mesh",
    )
    yield Step(
        "labelled-discs",
        "culmann_vertebra.labelled_discs:labelled_discs",
        summary="Makes discs of bone cement of regions that the labels hold already, and finds their outer faces",
        cite=(_BONELAB,),
    )


@hookimpl
def culmann_load_cases() -> Iterable[Step]:
    """How a vertebra is loaded."""
    yield Step(
        "compression",
        "culmann_vertebra.compression:compression",
        summary="Compresses a vertebra between its endplates, or between its cement discs, by a share of its height",
        cite=(_SAILLARD,),
    )
