"""The masks of a study compared with those of its control: Dice and distances of what was meshed in every run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from culmann.data import Labels, Outcomes
from culmann.data.records import read_json
from culmann.errors import CulmannError
from culmann.pipeline import Run, Store, reopen
from culmann_study.comparison import Matched, compare_maps, merged, on_one_grid
from culmann_study.study_file import Study

#: For the surface Dice, mm.
TOLERANCE_MM = 1.0


def with_masks(
    outcomes: Outcomes, study: Study, folders: Mapping[tuple[str, str], Path], store: Path | None
) -> tuple[Outcomes, dict[str, str]]:
    """The outcomes with `dice`, `hausdorff_surface_mm`, `hd95_surface_mm`, `assd_mm` of the masks against the control's.

    Also gives back {run: why} of those whose masks could not be compared. All labels of a mask count as one.
    """
    numbers: dict[tuple[str, str], dict[str, float]] = {}
    problems: dict[str, str] = {}
    of_control: dict[str, _Mask | None] = {}
    for row in outcomes.rows:
        if "failure_load_n" not in row.numbers or (row.case, row.variation) in numbers:
            continue
        variant = row.facts.get("variant", "")
        case = row.case.removesuffix(f", {variant}") if variant else row.case
        try:
            if row.case not in of_control:
                of_control = {row.case: _Mask.of(folders[case, study.control], variant, study.masks, store)}
            reference = of_control[row.case]
            if reference is not None:
                mask = _Mask.of(folders[case, row.variation], variant, study.masks, store)
                numbers[row.case, row.variation] = _compared(reference, mask)
        except CulmannError as problem:
            of_control.setdefault(row.case, None)
            problems[f"{row.case}, {row.variation}, mask"] = problem.message
    rows = tuple(replace(row, numbers={**row.numbers, **numbers.get((row.case, row.variation), {})}) for row in outcomes.rows)
    return replace(outcomes, rows=rows), problems


@dataclass(slots=True)
class _Mask:
    """The labels of a run: the key of their result, by which equal ones are told without being read, and where they are."""

    key: str
    folder: Path
    variant: str
    value: str
    store: Path | None
    _labels: Labels | None = None

    @classmethod
    def of(cls, folder: Path, variant: str, value: str, store: Path | None) -> _Mask:
        try:
            manifest = read_json((folder / variant if variant else folder) / "manifest.json")
            key = str(manifest["steps"][value.partition(".")[0]]["key"])
        except (OSError, ValueError, KeyError):
            key = ""  # an input, or no run any more: `reopen` says which
        return cls(key, folder, variant, value, store)

    def labels(self) -> Labels:
        """Read them, as one."""
        if self._labels is None:
            stored = Store(self.store).find(self.key) if self.key else None
            if stored is not None:
                found = Labels.load(stored.value_folder(self.value.partition(".")[2]))
            else:
                run: Run = reopen(self.folder, self.store)
                found = (run.variants[self.variant] if self.variant else run).value(self.value)
            self._labels = merged(found)
        return self._labels


def _compared(reference: _Mask, mask: _Mask) -> dict[str, float]:
    ours = reference.labels()
    theirs = ours if reference.key and reference.key == mask.key else on_one_grid(ours, mask.labels(), resample=True)
    found = compare_maps(ours, theirs, [Matched(1, 1, "mask")], TOLERANCE_MM)[0].metrics
    told = {
        "dice": found.dice,
        "hausdorff_surface_mm": found.hausdorff_mm,
        "hd95_surface_mm": found.hd95_mm,
        "assd_mm": found.assd_mm,
        "mask_mm3": found.prediction_mm3,
    }
    return {name: value for name, value in told.items() if value == value}
