"""Failure criteria: where the failure load is read off the curve."""

from __future__ import annotations

from collections.abc import Iterable

from culmann.hookspecs import hookimpl
from culmann.steps import Step

api = 1


@hookimpl
def culmann_failure_criteria() -> Iterable[Step]:
    """The criteria that ship."""
    yield Step(
        "force-at-strain",
        "culmann_strength.criteria:force_at_strain",
        summary="The force at a given share of the height, 1.9 % by default",
        cite=("doi:10.1038/s41598-024-66934-w",),
    )
    yield Step(
        "peak-force",
        "culmann_strength.criteria:peak_force",
        summary="The highest force of the curve",
        cite=("doi:10.1038/s41598-024-66934-w",),
    )
    yield Step(
        "stiffness-rule",
        "culmann_strength.criteria:stiffness_rule",
        summary="A share of stiffness times height, 0.0068 after Crawford et al. 2003: failure load of a linear run",
        cite=("Crawford et al. 2003, as in the Bonelab spineFE benchmark",),
    )
