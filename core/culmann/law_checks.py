"""What every law asks of a density before it is applied: its kind, its unit, and that it was measured there."""

from __future__ import annotations

import numpy as np

from culmann.data import DensityKind, DensityMap, Mesh
from culmann.data.arrays import FloatArray
from culmann.errors import InputError
from culmann.journal import Journal
from culmann.mapping import Interpolation, average_over_cells

#: Mean density of a bone, g/cm³: outside of this the numbers are in another unit.
PLAUSIBLE_MEAN_G_CM3 = (0.01, 2.0)


def checked_cell_density(
    mesh: Mesh, density: DensityMap, kind: DensityKind, interpolation: Interpolation = "linear"
) -> FloatArray:
    """Mean density of every cell in g/cm³ (n_cells,), after the checks that every law needs.

    Raises
    ------
    InputError
        When the density is of another kind, is not finite, or can hardly be in g/cm³.
    """
    if density.kind != kind:
        raise InputError(
            f"the law takes a density of kind {kind!r} and was given {density.kind!r}",
            hint=f"state the `kind` that the calibration gives, or choose a law for {density.kind!r}; "
            "named conversions: see `convert-density`",
        )
    rho = average_over_cells(mesh, density, lambda r: r[:, None], interpolation)[:, 0]
    if not np.isfinite(rho).all():
        where = mesh.cell_centres_mm()[~np.isfinite(rho)][0].round(1).tolist()
        raise InputError(f"the density is not a number in {int((~np.isfinite(rho)).sum())} cells, the first at {where} mm")
    mean = float(rho.mean())
    low, high = PLAUSIBLE_MEAN_G_CM3
    if not low <= mean <= high:
        raise InputError(
            f"the mean density of the bone is {mean:.4g} g/cm³, outside {low} to {high}: it is probably in another unit",
            hint="check the calibration's slope and intercept; a map in mg/cm³ is read with `unit: mg/cm3`",
        )
    return rho


def check_range(
    rho_g_cm3: FloatArray,
    valid_g_cm3: tuple[float, float],
    largest_share_outside: float,
    journal: Journal,
    *,
    what: str = "was measured in",
) -> None:
    """Say how much of the bone lies outside the range that a law was measured in, when it is more than a tenth.

    Raises
    ------
    InputError
        When it is more than `largest_share_outside`.
    """
    low, high = valid_g_cm3
    below, above = float((rho_g_cm3 < low).mean()), float((rho_g_cm3 > high).mean())
    told = (
        f"{100 * below:.0f} % of the cells lie below and {100 * above:.0f} % above the densities that the law "
        f"{what} ({low:g} to {high:g} g/cm³)"
    )
    if below + above > largest_share_outside:
        raise InputError(
            told,
            hint="check the calibration and the labels, or choose another law; "
            "`largest_share_outside: 1` in the options of the law accepts it",
        )
    if below + above > 0.1:
        journal.warn(told)
