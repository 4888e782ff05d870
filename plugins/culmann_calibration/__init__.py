"""Calibration: Hounsfield units into density, and one density into another. Descriptors only."""

from __future__ import annotations

from collections.abc import Iterable

from culmann.hookspecs import hookimpl
from culmann.steps import Step

api = 1


@hookimpl
def culmann_calibrations() -> Iterable[Step]:
    """The ways to a density map."""
    yield Step(
        "linear-calibration",
        "culmann_calibration.linear:linear_calibration",
        summary="Density from Hounsfield units by a given slope and intercept",
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
