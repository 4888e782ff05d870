"""Femurs: laws of femoral bone, landmarks, stance and sideways fall."""

from __future__ import annotations

from collections.abc import Iterable

from culmann.hookspecs import hookimpl
from culmann.steps import Step

api = 1

_SAS = "doi:10.1016/j.bonr.2020.100263"
_SAILLARD = "doi:10.1038/s41598-024-66934-w"
_KEYAK_2005 = "Keyak, Kaneko, Tehranzadeh, Skinner. Clin. Orthop. Relat. Res. 437, 219-228 (2005)"


@hookimpl
def culmann_material_laws() -> Iterable[Step]:
    """Laws of femoral bone."""
    yield Step(
        "sas-femur",
        "culmann_femur.sas:sas_femur",
        summary="Law of femoral bone of Sas et al. 2020: plateau, softening and residual plateau, trabecular and cortical",
        cite=(_SAS, _KEYAK_2005, _SAILLARD),
    )
    yield Step(
        "femur-law",
        "culmann_femur.relatives:femur_law",
        summary="Elastic, perfectly plastic laws of femoral bone from a table: Keyak, Morgan, Keller and others",
    )


@hookimpl
def culmann_landmarks() -> Iterable[Step]:
    """Places and axes of a femur."""
    yield Step(
        "femur-landmarks",
        "culmann_femur.landmarks:femur_landmarks",
        summary="Finds the head, the axes of neck and shaft, the greater trochanter and the side of one proximal femur",
    )


@hookimpl
def culmann_mesh_builders() -> Iterable[Step]:
    """What prepares the mesh of a femur for loading."""
    yield Step(
        "femoral-head-cup",
        "culmann_femur.cup:femoral_head_cup",
        summary="Casts a load cup onto the femoral head and strengthens the bone under it",
        cite=(_SAS,),
    )
    yield Step(
        "distal-pot",
        "culmann_femur.pot:distal_pot",
        summary="Holds the lower end of the shaft in a pot of stiff cells",
        cite=(_SAS,),
    )
    yield Step(
        "fall-caps",
        "culmann_femur.caps:fall_caps",
        summary="Casts caps of bone cement onto the greater trochanter and the femoral head for a fall to the side",
    )


@hookimpl
def culmann_load_cases() -> Iterable[Step]:
    """How a femur is loaded."""
    yield Step(
        "stance",
        "culmann_femur.stance:stance",
        summary="Pushes the femoral head down as in standing, with the distal end held",
        cite=(_SAS, _SAILLARD),
    )
    yield Step(
        "sideways-fall",
        "culmann_femur.fall:sideways_fall",
        summary="Presses the greater trochanter towards the femoral head as in a fall to the side",
    )
