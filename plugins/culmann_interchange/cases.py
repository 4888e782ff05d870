"""A run, or one variant of it, with the values that other programs want: scan, labels, response, strength."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from culmann.data import DensityMap, Labels, Mesh, Placement, Response, Scan, Strength
from culmann.data.placement import UNMOVED
from culmann.errors import InputError
from culmann.pipeline import Run, reopen
from culmann.regridding import labels_onto

_Value = TypeVar("_Value")


@dataclass(frozen=True, slots=True)
class Case:
    """A run without variants, or one variant of a run.

    Parameters
    ----------
    run
        Opened again.
    variant
        Its name, empty where the pipeline has none.
    name
        What the folder of the whole run is called.
    """

    run: Run
    variant: str
    name: str

    @property
    def manifest(self) -> dict[str, Any]:
        """What `manifest.json` of the run, or of the variant, says."""
        return self.run.manifest

    @property
    def title(self) -> str:
        """Run and variant in a few words."""
        return f"{self.name}, {self.variant}" if self.variant else self.name

    def scan_id(self, wanted: str | None = None) -> str | None:
        """The scan as it was read; None when the run began with something else."""
        return _chosen(self.run, Scan, wanted, _first_input(self, Scan))

    def density_id(self) -> str | None:
        """The density map that the run began with, or the last one; None when it has none."""
        return _first_input(self, DensityMap) or next(reversed(self.run.ids(DensityMap)), None)

    def labels_id(self, wanted: str | None = None) -> str:
        """The labels that the mesh was built from, or the last ones.

        Raises
        ------
        InputError
            When the run has no labels, or not the wanted ones.
        """
        known = self.run.ids(Labels)
        meshed = [value for value in known for mesh in self.run.ids(Mesh) if value in self.sources(mesh)]
        chosen = _chosen(self.run, Labels, wanted, next(reversed(meshed or known), None))
        if chosen is None:
            raise InputError(f"the run {self.title} has no labels")
        return chosen

    def has_labels(self) -> bool:
        """Whether the run has labels at all."""
        return bool(self.run.ids(Labels))

    def response_id(self) -> str | None:
        """The last response; None when the run has none."""
        return next(reversed(self.run.ids(Response)), None)

    def strength_ids(self) -> list[str]:
        """Every failure load, in the order of the pipeline."""
        return self.run.ids(Strength)

    def sources(self, value: str) -> set[str]:
        """The values that the step of a value takes."""
        step = self.manifest["steps"].get(value.partition(".")[0], {"from": {}})
        return {source for source in step["from"].values() if source}

    def labels_in_patient(self, wanted: str | None = None) -> Labels:
        """The labels where the patient has them: those of a mirrored or registered image go back onto the scan's own grid.

        Raises
        ------
        InputError
            When there are none, or when they were moved and the run has no scan or density map that was not.
        """
        labels: Labels = self.run.value(self.labels_id(wanted))
        if labels.placement.same_as(UNMOVED):
            return labels
        ground = self.background()
        if ground is None or not ground.placement.same_as(UNMOVED):
            raise InputError(
                f"the labels of {self.title} were moved ({labels.placement.describe()}), and the run has no scan from before"
            )
        return labels_onto(labels, ground.grid, "nearest", Placement())

    def background(self, wanted: str | None = None) -> Scan | DensityMap | None:
        """The scan, else the density map."""
        chosen = self.scan_id(wanted) or self.density_id()
        return None if chosen is None else self.run.value(chosen)


def cases_of(folders: Sequence[Path], store: Path | None) -> list[Case]:
    """Every run without variants and every variant of the others that has results; the folder of a cohort stands for its runs.

    Raises
    ------
    InputError
        As `culmann.pipeline.reopen`.
    """
    found = list[Case]()
    for folder in [run for given in folders for run in _runs(given)]:
        run, name = reopen(folder, store), Path(folder).resolve().name
        found += [Case(part, variant, name) for variant, part in run.variants.items()] or [
            Case(run, run.manifest.get("variant", ""), name)
        ]
    return found


def one_case(folder: Path, variant: str | None, store: Path | None) -> Case:
    """A run, or one of its variants, which must be named where it has several.

    Raises
    ------
    InputError
        As `culmann.pipeline.reopen`, and when the variant is not named or not known.
    """
    cases = {case.variant: case for case in cases_of([folder], store)}
    if variant is not None and variant in cases:
        return cases[variant]
    if variant is None and len(cases) == 1:
        return next(iter(cases.values()))
    if len(cases) == 1:
        raise InputError(f"the run {folder} has no variant {variant!r}", hint="leave --variant out")
    named = f"has no variant {variant!r}" if variant is not None else "has several variants"
    raise InputError(f"the run {folder} {named}", hint=f"say --variant with one of {', '.join(cases)}")


def _runs(folder: Path) -> list[Path]:
    """The folder of a run, or the runs in that of a cohort."""
    if not (folder / "cohort.json").is_file():
        return [folder]
    return sorted(inner for inner in folder.iterdir() if (inner / "manifest.json").is_file())


def _first_input(case: Case, kind: type) -> str | None:
    return next((value for value in case.run.ids(kind) if value in case.manifest["inputs"]), None)


def _chosen(run: Run, kind: type, wanted: str | None, usual: str | None) -> str | None:
    known = run.ids(kind)
    if wanted is None:
        return usual
    if wanted not in known:
        raise InputError(f"the run has no {kind.__name__} {wanted!r}", hint=f"it has {', '.join(known) or 'none'}")
    return wanted
