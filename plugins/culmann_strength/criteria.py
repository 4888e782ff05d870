"""The failure criteria: each reads one point of the curve and says how."""

from __future__ import annotations

from typing import Literal

import numpy as np
from pydantic import Field

from culmann.config import Config
from culmann.data import Response, Strength
from culmann.errors import InputError

#: Failure loads further than this factor outside of the plausible range are refused.
_BEYOND_DOUBT = 3.0
#: Standard gravity.
_GRAVITY_M_S2 = 9.80665


class CriterionConfig(Config):
    """Options that every criterion has."""

    plausible_n: tuple[float, float] | None = Field(
        (500.0, 15000.0),
        description="Failure loads outside of this range in N get a caveat, and those beyond three times its upper or a third "
        "of its lower end are refused; null does neither. Human vertebrae and proximal femurs lie inside; give the range of "
        "other bones, such as those of animals.",
    )
    body_mass_kg: float | None = Field(
        None, gt=0, le=500, description="Mass of the patient; the failure load is then also given in body weights."
    )


class ForceAtStrainConfig(CriterionConfig):
    """Options of `force-at-strain`."""

    strain: float = Field(
        0.019, gt=0, lt=1, description="Displacement over reference height where the force is read; 0.019 is 1.9 %."
    )
    if_shorter: Literal["error", "last"] = Field(
        "error",
        description="When the curve ends before that strain: an error, or the force at its end with a caveat (`last`).",
    )


class PeakForceConfig(CriterionConfig):
    """Options of `peak-force`."""


class StiffnessRuleConfig(CriterionConfig):
    """Options of `stiffness-rule`."""

    apparent_strain: float = Field(
        0.0068,
        gt=0,
        lt=1,
        description="Share of the height at which the linear bone is taken to fail; 0.0068 after Crawford 2003.",
    )


def force_at_strain(response: Response, config: ForceAtStrainConfig) -> Strength:
    """The force where the displacement reaches `strain` times the reference height, on straight lines between the points.

    Raises
    ------
    InputError
        When the curve ends before that, unless `if_shorter` is `last`; when the load is far beyond `plausible_n`.

    References
    ----------
    1.9 %: Wang et al. 2012, J. Bone Miner. Res. 27(4), 808-816, as in doi:10.1038/s41598-024-66934-w.
    """
    height = response.reference_height_mm
    wanted = config.strain * height
    displacement, force = response.displacement_mm, response.force_n
    reached = float(displacement.max())
    # The last load step ends at the wanted displacement but for rounding.
    if reached >= wanted * (1 - 1e-9):
        beyond = int(np.argmax(displacement >= wanted * (1 - 1e-9)))
        at = slice(max(beyond - 1, 0), beyond + 1)
        load = float(np.interp(wanted, displacement[at], force[at]))
        return _strength(response, config, load, f"force at {100 * config.strain:.3g} % of the height", wanted)
    why = response.stop_reason or "the load case goes no further"
    ended = f"the curve ends at {100 * reached / height:.3g} % of the height, before {100 * config.strain:.3g} %: {why}"
    if config.if_shorter == "error":
        raise InputError(
            ended,
            hint="raise the displacement of the load case, help the solver with smaller steps, or set `if_shorter: last`",
        )
    last = int(np.argmax(displacement))
    rule = f"force at the end of the curve, {100 * reached / height:.3g} % of the height"
    return _strength(response, config, float(force[last]), rule, reached, ended)


def peak_force(response: Response, config: PeakForceConfig) -> Strength:
    """The highest force, with a caveat when it is the last one and the load was still rising there.

    Raises
    ------
    InputError
        When the load is far beyond `plausible_n`.
    """
    top = int(np.argmax(response.force_n))
    caveats = []
    if top == len(response.force_n) - 1 and _rises_at_the_end(response):
        reached = 100 * float(response.displacement_mm[top]) / response.reference_height_mm
        caveats.append(
            f"the force was still rising when the curve ended at {reached:.3g} % of the height: the peak may lie higher"
            + (f" ({response.stop_reason})" if response.stop_reason else "")
        )
    return _strength(
        response, config, float(response.force_n[top]), "peak force", float(response.displacement_mm[top]), *caveats
    )


def _rises_at_the_end(response: Response) -> bool:
    """Whether the last piece of the curve has more than a hundredth of the initial slope: a plateau has less."""
    if len(response.force_n) < 2:
        return True
    (u0, u1), (f0, f1) = response.displacement_mm[-2:], response.force_n[-2:]
    return float(f1 - f0) > 0.01 * stiffness_n_mm(response) * float(u1 - u0)


def stiffness_rule(response: Response, config: StiffnessRuleConfig) -> Strength:
    """F = apparent_strain * k * h with the initial stiffness k in N/mm and the reference height h in mm.

    With 0.0068 it is the rule of Crawford et al. 2003 for vertebrae; a linear run, or the first step of any run, is enough.

    Raises
    ------
    InputError
        When the load is far beyond `plausible_n`.

    References
    ----------
    Crawford et al. 2003, as in the Bonelab spineFE benchmark.
    """
    displacement = config.apparent_strain * response.reference_height_mm
    rule = f"{config.apparent_strain:.4g} of stiffness times height"
    return _strength(response, config, stiffness_n_mm(response) * displacement, rule, displacement)


def stiffness_n_mm(response: Response) -> float:
    """Slope of the curve to its first point that is not the origin, N/mm."""
    moved = response.displacement_mm > 0
    if not moved.any():
        raise InputError("the curve has no point besides the origin", hint=response.stop_reason)
    first = int(np.argmax(moved))
    return float(response.force_n[first] / response.displacement_mm[first])


def _strength(
    response: Response, config: CriterionConfig, load_n: float, rule: str, displacement_mm: float, *caveats: str
) -> Strength:
    said, stiffness = list(caveats), stiffness_n_mm(response)
    if config.plausible_n is not None and not config.plausible_n[0] <= load_n <= config.plausible_n[1]:
        low, high = config.plausible_n
        outside = f"a failure load of {load_n:.4g} N is outside the range of {low:g} to {high:g} N"
        if not low / _BEYOND_DOUBT <= load_n <= high * _BEYOND_DOUBT:
            raise InputError(
                f"{outside} by more than a factor of {_BEYOND_DOUBT:g}: no human vertebra or femur fails there",
                hint="check calibration (slope and unit), labels and spacing; other bones: `plausible_n`, null for no range",
            )
        said.append(f"{outside}: check calibration and labels")
    return Strength(
        failure_load_n=load_n,
        criterion=rule,
        displacement_mm=displacement_mm,
        strain=displacement_mm / response.reference_height_mm,
        stiffness_n_mm=stiffness,
        body_weights=None if config.body_mass_kg is None else load_n / (config.body_mass_kg * _GRAVITY_M_S2),
        caveats=tuple(said),
    )
