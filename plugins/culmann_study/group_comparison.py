"""The failure loads of every variation against those of the control, in each group of cases: differences, agreement, tests."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from culmann.data import Outcomes
from culmann.data.arrays import FloatArray
from culmann.errors import InputError, PluginError
from culmann_study.agreement import Agreement, Differences, agreement, differences, mean_sd_se
from culmann_study.paired_tests import Against, Friedman, conover, dunn, friedman, least_p_of_wilcoxon, wilcoxon

LOAD = "failure_load_n"
#: Numbers of the masks that are told beside the failure loads, where the study has compared them.
MASK_NUMBERS = ("dice", "hausdorff_surface_mm", "hd95_surface_mm", "assd_mm")
#: The tests, with what they are called in tables.
TESTS = {
    "dunn-all-pairs": "Dunn, all pairs (SPSS)",
    "dunn-against-control": "Dunn, against the control (Bonferroni)",
    "wilcoxon-holm": "Wilcoxon, Holm",
    "conover-holm": "Conover–Friedman, Holm",
}
SIGNIFICANT = 0.05


@dataclass(frozen=True, slots=True)
class Group:
    """The comparison in one group of cases.

    Parameters
    ----------
    name
        Of the group; empty where there is only one.
    control, variants
        The variation that the others are compared with, and these.
    cases
        All cases of the group.
    load_n
        (cases, 1 + variants), the control first; NaN where there is none.
    complete
        Cases that have a failure load for the control and every variant: the tests take these alone.
    differences, agreement
        {variant: of the cases that have both it and the control}.
    masks
        {number: {variant: (mean, SD, SE, cases)}} of the masks against those of the control.
    friedman
        None where it could not be done, and then `untested` says why.
    tests
        {test: a comparison for each variant}; empty as well then.
    notes
        What is to be known of these numbers.
    """

    name: str
    control: str
    variants: tuple[str, ...]
    cases: tuple[str, ...]
    load_n: FloatArray
    complete: tuple[str, ...]
    differences: Mapping[str, Differences]
    agreement: Mapping[str, Agreement]
    masks: Mapping[str, Mapping[str, tuple[float, float, float, int]]]
    friedman: Friedman | None = None
    untested: str = ""
    tests: Mapping[str, tuple[Against, ...]] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    def significant(self, variant: str, test: str = "dunn-all-pairs") -> bool:
        """Whether a variant differs from the control: only where Friedman's test says that there is a difference at all."""
        if self.friedman is None or self.friedman.p >= SIGNIFICANT:
            return False
        return any(at.variant == variant and at.p_adjusted < SIGNIFICANT for at in self.tests[test])


def compare_groups(outcomes: Outcomes, control: str, group_by: str) -> list[Group]:
    """The comparison in every group of cases.

    Parameters
    ----------
    outcomes
        Rows of one output.
    control
        The variation that the others are compared with.
    group_by
        The fact by which cases are grouped; cases without it are one group.

    Raises
    ------
    InputError
        When there is no such variation, or nothing to compare it with.
    """
    variations = outcomes.variations
    if control not in variations:
        raise InputError(
            f"there is no variation {control!r} to compare with; there is {', '.join(variations) or 'none'}",
            hint="name the one that the others are compared with as `control`",
        )
    if len(variations) < 2:
        raise InputError(f"there is nothing to compare {control!r} with: it is the only variation")
    names = dict.fromkeys(row.facts.get(group_by, "") for row in outcomes.rows)
    return [_group(outcomes.only(fact=(group_by, name)), name, control, variations) for name in names]


def _group(outcomes: Outcomes, name: str, control: str, variations: tuple[str, ...]) -> Group:
    variants = tuple(variation for variation in variations if variation != control)
    cases = outcomes.cases
    load_n = outcomes.table(LOAD, cases, [control, *variants])
    there = np.isfinite(load_n)
    whole = np.asarray(there.all(axis=1))
    both = {variant: there[:, 0] & there[:, n] for n, variant in enumerate(variants, start=1)}
    pairs = {variant: (load_n[both[variant], 0], load_n[both[variant], n]) for n, variant in enumerate(variants, start=1)}
    done = _tests(load_n[whole], [control, *variants])
    return Group(
        name,
        control,
        variants,
        cases,
        load_n,
        tuple(case for case, complete in zip(cases, whole, strict=True) if complete),
        {variant: differences(*pair) for variant, pair in pairs.items() if len(pair[0])},
        {variant: agreement(*pair) for variant, pair in pairs.items() if len(pair[0])},
        _masks(outcomes, cases, variants),
        *done,
    )


def _tests(
    load_n: FloatArray, names: list[str]
) -> tuple[Friedman | None, str, dict[str, tuple[Against, ...]], tuple[str, ...]]:
    try:
        overall = friedman(load_n)
    except InputError as problem:
        return None, problem.message, {}, ()
    tests = {
        "dunn-all-pairs": tuple(dunn(load_n, names, "all-pairs")),
        "dunn-against-control": tuple(dunn(load_n, names, "against-control")),
        "wilcoxon-holm": tuple(wilcoxon(load_n, names)),
    }
    notes = []
    try:
        tests["conover-holm"] = tuple(conover(load_n, names))
    except PluginError as problem:
        notes.append(f"{problem.message}: {problem.hint}")
    least = least_p_of_wilcoxon(len(load_n))
    if least * (len(names) - 1) >= SIGNIFICANT:
        after = min(1.0, least * (len(names) - 1))
        notes.append(
            f"with {len(load_n)} cases no p of Wilcoxon can be below {least:.3g}, which is {after:.3g} after Holm for "
            f"{len(names) - 1} variants: that it finds nothing means nothing"
        )
    largest = abs(_largest_z(len(load_n), len(names)))
    if _p_of(largest) * len(names) * (len(names) - 1) / 2 >= SIGNIFICANT:
        notes.append(
            f"with {len(load_n)} cases of {len(names)} variations no variant can be significant after Dunn's test for all pairs"
        )
    return overall, "", tests, tuple(notes)


def _largest_z(cases: int, variations: int) -> float:
    """z of Dunn where the control is always first and the variant always last."""
    return float((variations - 1) / np.sqrt(variations * (variations + 1) / (6 * cases)))


def _p_of(z: float) -> float:
    from scipy import stats

    return float(2 * stats.norm.sf(z))


def _masks(
    outcomes: Outcomes, cases: tuple[str, ...], variants: tuple[str, ...]
) -> dict[str, dict[str, tuple[float, float, float, int]]]:
    found: dict[str, dict[str, tuple[float, float, float, int]]] = {}
    for number in MASK_NUMBERS:
        table = outcomes.table(number, cases, variants)
        if not np.isfinite(table).any():
            continue
        found[number] = {}
        for variant, column in zip(variants, table.T, strict=True):
            values = column[np.isfinite(column)]
            found[number][variant] = (*mean_sd_se(values), len(values))
    return found
