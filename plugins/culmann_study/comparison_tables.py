"""Tables of a comparison with the control: Table 3 in the columns of the paper, tests, agreement; as text and as tidy CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import asdict

import numpy as np

from culmann_study.group_comparison import SIGNIFICANT, TESTS, Group

_MASKS = {
    "dice": ("DSC", 3),
    "hausdorff_surface_mm": ("HD, surface (mm)", 2),
    "hd95_surface_mm": ("HD95, surface (mm)", 2),
    "assd_mm": ("ASSD (mm)", 2),
}


def table_3(groups: Sequence[Group], spread: str = "sd") -> list[list[str]]:
    """Rows of Table 3: group, what, one cell for each variant. `spread` is `sd` or `se`."""
    rows = []
    for group in groups:
        for label, cells in _rows(group, spread):
            rows.append([group.name, label, *cells])
    return rows


def _rows(group: Group, spread: str) -> Iterator[tuple[str, list[str]]]:
    at = 1 if spread == "sd" else 2
    for number, (label, decimals) in _MASKS.items():
        if number in group.masks:
            yield label, [_pm(group.masks[number][v][0], group.masks[number][v][at], decimals) for v in group.variants]
    for label, stem, decimals in (
        ("|ΔF| with control (N)", "absolute_n", 0),
        ("|ΔF| with control (%)", "absolute_percent", 2),
        ("ΔF (%)", "signed_percent", 2),
    ):
        cells = []
        for variant in group.variants:
            found = group.differences.get(variant)
            mean, wide = (
                (np.nan, np.nan) if found is None else (getattr(found, f"{stem}_mean"), getattr(found, f"{stem}_{spread}"))
            )
            star = "*" if stem != "signed_percent" and group.significant(variant) else ""
            cells.append(_pm(mean, wide, decimals) + star)
        yield label, cells
    counts = [group.differences[v].cases if v in group.differences else 0 for v in group.variants]
    yield "cases", [str(count) for count in counts]


def as_text(groups: Sequence[Group]) -> str:
    """Everything for a terminal or a text file."""
    told = []
    for group in groups:
        cases = "1 case" if len(group.cases) == 1 else f"{len(group.cases)} cases"
        told.append(f"{group.name or 'all cases'}: {cases}, control {group.control!r}")
        load = group.load_n[np.isfinite(group.load_n[:, 0]), 0]
        if len(load):
            told.append(
                f"failure load of the control: {load.mean():.0f} N on average, from {load.min():.0f} to {load.max():.0f} N"
            )
        for spread, name in (("sd", "mean ± SD (n − 1)"), ("se", "mean ± SE")):
            told += ["", name]
            told += _aligned([["", *group.variants], *([label, *cells] for label, cells in _rows(group, spread))])
        told += ["", *_tests(group), ""]
    told += ["* differs from the control: Friedman p < 0.05, and Dunn p < 0.05 adjusted for all pairs, as in SPSS", ""]
    return "\n".join(told)


def _tests(group: Group) -> list[str]:
    if group.friedman is None:
        return [f"no tests: {group.untested}"]
    f = group.friedman
    told = [f"Friedman: chi² {f.chi2:.4g}, {f.degrees} degrees of freedom, p {f.p:.3g}; {f.cases} complete cases"]
    left = [case for case in group.cases if case not in group.complete]
    if left:
        told.append(f"left out of the tests, because a failure load is missing: {', '.join(left)}")
    rows = [["p, two-sided, adjusted", *group.variants]]
    rows += [[TESTS[test], *(f"{at.p_adjusted:.3g}" for at in found)] for test, found in group.tests.items()]
    rows += [["Dunn, not adjusted", *(f"{at.p:.3g}" for at in group.tests["dunn-all-pairs"])]]
    told += _aligned(rows)
    if f.p >= SIGNIFICANT:
        told.append("Friedman finds no difference: the comparisons below it count for nothing")
    return [*told, *(f"note: {note}" for note in group.notes)]


def table_3_csv(groups: Sequence[Group]) -> str:
    """Table 3 in its columns."""
    variants = list(dict.fromkeys(variant for group in groups for variant in group.variants))
    rows = [["group", "spread", "row", *variants]]
    for spread in ("sd", "se"):
        for group in groups:
            for label, cells in _rows(group, spread):
                found = dict(zip(group.variants, cells, strict=True))
                rows.append([group.name, spread, label, *(found.get(variant, "") for variant in variants)])
    return _csv(rows)


def tests_csv(groups: Sequence[Group]) -> str:
    """A row for each group, variant and test."""
    rows: list[list[object]] = [["group", "control", "variant", "test", "statistic", "p", "p_adjusted", "complete_cases"]]
    for group in groups:
        if group.friedman is None:
            continue
        f = group.friedman
        rows.append([group.name, group.control, "", "friedman", f.chi2, f.p, f.p, f.cases])
        for test, found in group.tests.items():
            for at in found:
                statistic = "" if np.isnan(at.statistic) else at.statistic
                rows.append([group.name, group.control, at.variant, test, statistic, at.p, at.p_adjusted, f.cases])
    return _csv(rows)


def agreement_csv(groups: Sequence[Group]) -> str:
    """A row for each group and variant: differences, limits of agreement, correlation."""
    rows: list[dict[str, object]] = []
    for group in groups:
        for variant in group.variants:
            if variant not in group.differences:
                continue
            agreed = asdict(group.agreement[variant])
            agreed["lower_limit_n"], agreed["upper_limit_n"] = agreed.pop("limits_n")
            row = {**asdict(group.differences[variant]), **agreed}
            for number, found in group.masks.items():
                row |= {f"{number}_mean": found[variant][0], f"{number}_sd": found[variant][1]}
            told = {name: "" if isinstance(value, float) and np.isnan(value) else value for name, value in row.items()}
            rows.append({"group": group.name, "control": group.control, "variant": variant, **told})
    heads = list(dict.fromkeys(name for row in rows for name in row))
    return _csv([heads, *([row.get(name, "") for name in heads] for row in rows)])


def _csv(rows: Sequence[Sequence[object]]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue()


def _pm(mean: float, spread: float, decimals: int) -> str:
    if np.isnan(mean):
        return "-"
    return f"{mean:.{decimals}f}" + ("" if np.isnan(spread) else f" ± {spread:.{decimals}f}")


def _aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    widths = [max(len(row[n]) for row in rows) for n in range(len(rows[0]))]
    return [
        "  ".join(cell.ljust(w) if n == 0 else cell.rjust(w) for n, (cell, w) in enumerate(zip(row, widths, strict=True)))
        for row in rows
    ]
