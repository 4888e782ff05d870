"""Density from a line: a given slope and intercept, or values that are densities already."""

from __future__ import annotations

from typing import Self

import numpy as np
from pydantic import Field, model_validator

from culmann.config import Config
from culmann.data import DensityKind, DensityMap, Scan
from culmann.densities import DensityUnit, in_g_cm3
from culmann.journal import Journal

#: Slopes of scanners and phantoms in g/cm³ per HU lie within this by far: outside of it the unit is another one.
_SLOPE_G_CM3_PER_HU = (1e-4, 5e-3)


class LinearCalibrationConfig(Config):
    """Options of `linear-calibration`."""

    slope: float = Field(gt=0, description="Density per HU, in `unit` per HU.")
    intercept: float = Field(description="Density at 0 HU, in `unit`.")
    kind: DensityKind = Field(
        description="Which density the line gives. The phantom that it was fitted to decides: `qct-k2hpo4` for Mindways, "
        "`qct-ha` for hydroxyapatite (QRM, Siemens Osteo)."
    )
    unit: DensityUnit = Field("g/cm3", description="Unit of slope and intercept.")
    assumed: bool = Field(
        description="Whether the line is taken from elsewhere, without a phantom in this scan or in one of the same scanner "
        "and protocol: true, and every failure load that comes of it says so. false states that it was measured.",
    )

    @model_validator(mode="after")
    def _slope_fits_unit(self) -> Self:
        low, high = _SLOPE_G_CM3_PER_HU
        if not low <= self.slope * self.to_g_cm3 <= high:
            other = "mg/cm3" if self.unit == "g/cm3" else "g/cm3"
            raise ValueError(
                f"a slope of {self.slope:g} {self.unit} per HU is out of reach of any CT, where it is near 0.001 g/cm3 per HU; "
                f"is it in {other} per HU?"
            )
        return self

    @property
    def to_g_cm3(self) -> float:
        """What a value in `unit` is multiplied by."""
        return 1.0 if self.unit == "g/cm3" else 1e-3


class IdentityDensityConfig(Config):
    """Options of `identity-density`."""

    unit: DensityUnit = Field(description="Unit of the values of the image.")
    kind: DensityKind = Field(description="Which density they are: it decides which laws and conversions take the map.")


def linear_calibration(scan: Scan, config: LinearCalibrationConfig, journal: Journal) -> DensityMap:
    """Density of every voxel as `slope * HU + intercept`.

    The line comes from a phantom that was measured elsewhere, or from a publication: nothing in the scan is used to check it.

    Raises
    ------
    InputError
        When the scan was normalised, so that its values are no Hounsfield units.
    """
    scan.expect_hu("a calibration")
    slope, intercept = config.slope * config.to_g_cm3, config.intercept * config.to_g_cm3
    g_cm3 = (slope * scan.hu.astype(np.float64) + intercept).astype(np.float32)
    if config.assumed:
        journal.warn(
            f"the calibration is assumed, not measured (density = {config.slope:g} HU + {config.intercept:g} {config.unit}): "
            "the failure load is as uncertain as this line"
        )
    record: dict[str, str | float | int] = {
        "method": "assumed line" if config.assumed else "linear",
        "slope_g_cm3_per_hu": slope,
        "intercept_g_cm3": intercept,
    }
    return DensityMap(scan.grid, g_cm3, config.kind, record, scan.placement)


def identity_density(scan: Scan, config: IdentityDensityConfig) -> DensityMap:
    """The values of an image taken as densities, for maps that were calibrated elsewhere.

    Raises
    ------
    InputError
        When the values can hardly be in the stated unit, or were normalised.
    """
    scan.expect_hu("identity-density")
    g_cm3 = in_g_cm3(scan.hu, config.unit, "identity-density")
    return DensityMap(scan.grid, g_cm3, config.kind, {"method": "identity", "unit": config.unit}, scan.placement)
