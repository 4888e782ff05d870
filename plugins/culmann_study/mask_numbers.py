"""The masks of a study compared with those of its control: Dice and distances of what was meshed in every run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from culmann.data import Labels, Outcomes
from culmann.errors import CulmannError
from culmann.pipeline import Run, reopen
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
    kept: dict[str, Labels | None] = {}
    for row in outcomes.rows:
        if "failure_load_n" not in row.numbers or (row.case, row.variation) in numbers:
            continue
        variant = row.facts.get("variant", "")
        case = row.case.removesuffix(f", {variant}") if variant else row.case
        try:
            if row.case not in kept:
                kept = {row.case: _mask(folders[case, study.control], variant, study.masks, store)}
            reference = kept[row.case]
            if reference is not None:
                mask = _mask(folders[case, row.variation], variant, study.masks, store)
                numbers[row.case, row.variation] = _compared(reference, mask)
        except CulmannError as problem:
            kept.setdefault(row.case, None)
            problems[f"{row.case}, {row.variation}, mask"] = problem.message
    rows = tuple(replace(row, numbers={**row.numbers, **numbers.get((row.case, row.variation), {})}) for row in outcomes.rows)
    return replace(outcomes, rows=rows), problems


def _mask(folder: Path, variant: str, value: str, store: Path | None) -> Labels:
    run: Run = reopen(folder, store)
    found = (run.variants[variant] if variant else run).value(value)
    assert isinstance(found, Labels)
    return merged(found)


def _compared(reference: Labels, mask: Labels) -> dict[str, float]:
    mask = on_one_grid(reference, mask, resample=True)
    found = compare_maps(reference, mask, [Matched(1, 1, "mask")], TOLERANCE_MM)[0].metrics
    told = {
        "dice": found.dice,
        "hausdorff_surface_mm": found.hausdorff_mm,
        "hd95_surface_mm": found.hd95_mm,
        "assd_mm": found.assd_mm,
        "mask_mm3": found.prediction_mm3,
    }
    return {name: value for name, value in told.items() if value == value}
