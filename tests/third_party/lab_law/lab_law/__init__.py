"""What the laboratory offers to culmann."""

from __future__ import annotations

from collections.abc import Iterable

from culmann import Step, hookimpl

api = 1


@hookimpl
def culmann_material_laws() -> Iterable[Step]:
    """A law of hardening bone."""
    yield Step(
        "lab-law",
        "lab_law.law:hardening_bone",
        summary="Quadratic stiffness, and a yield stress that rises with plastic strain",
        cite=("A made-up laboratory, Bone that hardens, Journal of Examples 1, 2026",),
    )
