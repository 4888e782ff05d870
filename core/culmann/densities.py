"""Units of density: values of a stated unit into g/cm³, refused where they can hardly be in that unit."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from culmann.errors import InputError

DensityUnit = Literal["g/cm3", "mg/cm3"]

#: Denser than any metal implant in g/cm³, and hardly any bone in mg/cm³: the highest value of a map tells the two apart.
_HIGHEST_G_CM3 = 25.0


def in_g_cm3(values: npt.NDArray[Any], unit: DensityUnit, where: str) -> npt.NDArray[np.float32]:
    """Density values of the given unit in g/cm³.

    Parameters
    ----------
    values
        Any shape.
    unit
        The unit of `values`.
    where
        What they come from, for the message.

    Raises
    ------
    InputError
        When no value lies above 0, or the highest one says that the unit is the other one.
    """
    highest = float(values.max())
    if highest <= 0:
        raise InputError(f"{where}: no density is above 0 (the highest is {highest:.4g} {unit})")
    if (unit == "g/cm3") == (highest > _HIGHEST_G_CM3):
        other = "mg/cm3" if unit == "g/cm3" else "g/cm3"
        raise InputError(
            f"{where}: the highest density is {highest:.4g}, which can hardly be {unit}",
            hint=f"if the values are in {other}, write `unit: {other}`",
        )
    return np.asarray(values * (1.0 if unit == "g/cm3" else 1e-3), dtype=np.float32)
