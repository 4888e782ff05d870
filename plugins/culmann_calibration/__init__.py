"""Calibration: Hounsfield units into density, and one density into another. Descriptors only."""

from __future__ import annotations

from collections.abc import Iterable

from culmann.hookspecs import hookimpl
from culmann.steps import Step

api = 1

_OGO = "https://github.com/Bonelab/Ogo"

_EGGERMONT = "doi:10.1371/journal.pone.0220564"


@hookimpl
def culmann_calibrations() -> Iterable[Step]:
    """The ways to a density map."""
    yield Step(
        "linear-calibration",
        "culmann_calibration.linear:linear_calibration",
        summary="Density from Hounsfield units by a given slope and intercept",
    )
    yield Step(
        "phantom-calibration",
        "culmann_calibration.phantom:phantom_calibration",
        summary="Density by a phantom in the scan, Mindways or hydroxyapatite, whose rods are found",
        cite=(_OGO,),
    )
    yield Step(
        "asynchronous-calibration",
        "culmann_calibration.phantom:asynchronous_calibration",
        summary="Density by a phantom in another scan of the same scanner and protocol",
        cite=(_OGO,),
    )
    yield Step(
        "tissue-calibration",
        "culmann_calibration.tissue:tissue_calibration",
        summary="Density without a phantom, by the peaks of air, fat, muscle, blood and cortical bone in the scan",
        cite=(_EGGERMONT, _OGO),
    )
    yield Step(
        "identity-density",
        "culmann_calibration.linear:identity_density",
        summary="An image whose values are densities already, of a stated unit and kind",
    )
    yield Step(
        "convert-density",
        "culmann_calibration.conversions:convert_density",
        summary="One kind of density into another by a named conversion",
    )
