"""Named conversions of one kind of density into another, as a table with the source of each."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from pydantic import Field

from culmann.config import Config
from culmann.data import DensityKind, DensityMap
from culmann.errors import InputError
from culmann.journal import Journal


@dataclass(frozen=True, slots=True)
class Conversion:
    """A line from one density to another, both in g/cm³.

    Parameters
    ----------
    source
        Where the numbers come from.
    verified
        Whether they were read in that source; where not, every use of them warns.
    """

    takes: DensityKind
    gives: DensityKind
    slope: float
    intercept_g_cm3: float
    source: str
    verified: bool = True

    def describe(self) -> str:
        """The line in words."""
        return f"{self.gives} = {self.slope:g} {self.takes} {self.intercept_g_cm3:+g} g/cm³"


ConversionName = Literal[
    "k2hpo4-to-ash", "ha-to-ash", "ha-to-ash-keyak-unverified", "ha-to-ash-schileo-unverified", "ash-to-apparent"
]

#: K2HPO4 to hydroxyapatite is missing on purpose: the factor depends on the phantom, and no reliable one is published.
CONVERSIONS: dict[ConversionName, Conversion] = {
    "k2hpo4-to-ash": Conversion(
        "qct-k2hpo4", "ash", 1.06, 0.0389, "as coded in Ogo and parosol-py, which attribute it to Keyak et al. 1994"
    ),
    "ha-to-ash": Conversion("qct-ha", "ash", 0.839, 0.0698, "as coded in Ogo, which attributes it to Kaneko et al. 2004"),
    "ha-to-ash-keyak-unverified": Conversion("qct-ha", "ash", 0.887, 0.0633, "quoted as of Keyak et al. 1994", verified=False),
    "ha-to-ash-schileo-unverified": Conversion(
        "qct-ha", "ash", 0.877, 0.079, "quoted as of Schileo et al. 2008", verified=False
    ),
    "ash-to-apparent": Conversion(
        "ash", "apparent", 1 / 0.6, 0.0, "ash over apparent density 0.598 ± 0.004, taken as 0.6: Schileo et al. 2008"
    ),
}


class ConvertDensityConfig(Config):
    """Options of `convert-density`."""

    conversion: ConversionName = Field(
        description="`k2hpo4-to-ash`: 1.06 rho + 0.0389 g/cm3. `ha-to-ash`: 0.839 rho + 0.0698. `ash-to-apparent`: rho / 0.6. "
        "`ha-to-ash-keyak-unverified`: 0.887 rho + 0.0633 and `ha-to-ash-schileo-unverified`: 0.877 rho + 0.079 are quoted "
        "in the literature and were not checked against their sources."
    )
    lowest_g_cm3: float | None = Field(
        None,
        description="Densities below this are raised to it before the conversion; null leaves them. -0.031 keeps the ash "
        "density of `k2hpo4-to-ash` above 0.006 g/cm3.",
    )


def convert_density(density: DensityMap, config: ConvertDensityConfig, journal: Journal) -> DensityMap:
    """Convert a density map of one kind into another by a named line; the line is written into the map's calibration.

    Raises
    ------
    InputError
        When the map is not of the kind that the conversion takes.
    """
    conversion = CONVERSIONS[config.conversion]
    if density.kind != conversion.takes:
        fitting = [name for name, other in CONVERSIONS.items() if other.takes == density.kind]
        raise InputError(
            f"{config.conversion} takes a density of kind {conversion.takes!r} and was given {density.kind!r}",
            hint=f"for {density.kind!r} there is {', '.join(fitting)}" if fitting else f"nothing converts {density.kind!r}",
        )
    if not conversion.verified:
        journal.warn(f"{config.conversion}: its coefficients ({conversion.source}) were not checked against their source")
    rho = density.g_cm3.astype(np.float64)
    if config.lowest_g_cm3 is not None:
        rho = np.maximum(rho, config.lowest_g_cm3)
    told = f"{config.conversion}: {conversion.describe()} ({conversion.source})"
    if config.lowest_g_cm3 is not None:
        told += f", from densities raised to at least {config.lowest_g_cm3:g} g/cm³"
    before = density.calibration.get("conversion")
    record = {**density.calibration, "conversion": told if before is None else f"{before}; {told}"}
    converted = (conversion.slope * rho + conversion.intercept_g_cm3).astype(np.float32)
    return replace(density, g_cm3=converted, kind=conversion.gives, calibration=record)
