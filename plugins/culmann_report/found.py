"""What a finished run holds for its page: the failure load, the response that it was read off, and what these rest on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from culmann.data import DensityMap, Labels, LoadCase, Materials, Report, Response, Scan, Strength
from culmann.errors import CulmannError
from culmann.pipeline import Run

_Data = TypeVar("_Data")


@dataclass(frozen=True, slots=True)
class Found:
    """Values of one run; what it does not have is None or empty.

    Parameters
    ----------
    strengths
        {id: Strength}: those that the run keeps, the main one first.
    on_curve
        Ids of those that were read off `response`: another one may belong to another curve.
    response, load, materials
        What the main strength was read off, or else the last of the run.
    image
        What the slices show: the first scan that all this rests on, or else the density.
    labels
        The last labels that it rests on.
    densities
        {id: density map}, in the order of the pipeline.
    reports
        {id: Report}: files that other steps made for the eye.
    missing
        What the run had and could not be loaded any more, in words.
    """

    strengths: Mapping[str, Strength]
    on_curve: tuple[str, ...]
    response: Response | None
    load: LoadCase | None
    materials: Materials | None
    image: Scan | DensityMap | None
    labels: Labels | None
    densities: Mapping[str, DensityMap]
    reports: Mapping[str, Report]
    missing: tuple[str, ...]


def find(run: Run) -> Found:
    """Load what there is. A value that is lost is told, and the rest is found."""
    search = _Search(run)
    kept = [output.value for output in run.graph.outputs]
    strengths = search.all_of(_ids(run, Strength, kept), Strength)
    top = next(iter(strengths), None)
    owner = top.partition(".")[0] if top else ""
    response_id = search.nearest(owner, Response) or next(reversed(run.ids(Response)), None)
    response = search.load(response_id, Response)
    solver = response_id.partition(".")[0] if response_id else ""
    above = solver or next(reversed(list(run.graph.steps)), "")
    image_ids = [*search.above(above, Scan), *search.above(above, DensityMap)] or [*run.ids(Scan), *run.ids(DensityMap)]
    label_ids = search.above(above, Labels) or run.ids(Labels)
    return Found(
        strengths,
        tuple(name for name in strengths if search.nearest(name.partition(".")[0], Response) == response_id),
        response,
        search.load(search.nearest(solver, LoadCase), LoadCase),
        search.load(search.nearest(solver, Materials), Materials),
        next((image for name in image_ids if (image := search.image(name)) is not None), None),
        search.load(next(reversed(label_ids), None), Labels),
        search.all_of(search.above(above, DensityMap), DensityMap),
        search.all_of(_ids(run, Report, kept), Report),
        tuple(dict.fromkeys(search.missing)),
    )


def _ids(run: Run, kind: type, kept: list[str]) -> list[str]:
    """Ids of a type, those that the run keeps, or all where it keeps none."""
    every = run.ids(kind)
    return [name for name in every if name in kept] or every


class _Search:
    """Loads each value once."""

    def __init__(self, run: Run) -> None:
        self.run = run
        self.types = run.graph.types()
        self.loaded: dict[str, Any] = {}
        self.missing: list[str] = []

    def load(self, name: str | None, kind: type[_Data]) -> _Data | None:
        if name is None:
            return None
        if name not in self.loaded:
            try:
                self.loaded[name] = self.run.value(name)
            except CulmannError as problem:
                self.loaded[name] = None
                self.missing.append(problem.message)
        value = self.loaded[name]
        return value if isinstance(value, kind) else None

    def all_of(self, names: list[str], kind: type[_Data]) -> dict[str, _Data]:
        found = {name: self.load(name, kind) for name in names}
        return {name: value for name, value in found.items() if value is not None}

    def image(self, name: str) -> Scan | DensityMap | None:
        return self.load(name, Scan) or self.load(name, DensityMap)

    def nearest(self, owner: str, kind: type) -> str | None:
        """The value of a type that a step was given, or else the last one that it rests on."""
        step = self.run.graph.steps.get(owner)
        if step is None:
            return None
        given = [value for value in step.links.values() if value and issubclass(self.types[value], kind)]
        return next(iter([*given, *reversed(self.above(owner, kind))]), None)

    def above(self, owner: str, kind: type) -> list[str]:
        """Values of a type that a step rests on, in the order of the pipeline."""
        if owner not in self.run.graph.steps:
            return []
        rests_on = {*self.run.graph.upstream(owner), owner}
        return [name for name, found in self.types.items() if name.partition(".")[0] in rests_on and issubclass(found, kind)]
