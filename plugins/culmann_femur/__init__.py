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
