"""Tests of paired failure loads against a control: Friedman and Dunn as in the paper, and what else suits such data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy import stats

from culmann.data.arrays import FloatArray
from culmann.errors import InputError, PluginError

Adjustment = Literal["all-pairs", "against-control"]

#: Below that Friedman's chi square says little: with three cases of three variants its p cannot be below 0.05.
_LEAST_CASES, _LEAST_VARIANTS = 3, 3


@dataclass(frozen=True, slots=True)
class Against:
    """One variant against the control.

    Parameters
    ----------
    variant
        Its name.
    statistic
        z of Dunn, W of Wilcoxon, t of Conover; NaN where there is none.
    p, p_adjusted
        Two-sided; as it is, and adjusted for the number of comparisons.
    """

    variant: str
    statistic: float
    p: float
    p_adjusted: float


@dataclass(frozen=True, slots=True)
class Friedman:
    """Friedman's test over all variants. `mean_ranks` are those within each case, 1 for the lowest failure load."""

    chi2: float
    degrees: int
    p: float
    mean_ranks: tuple[float, ...]
    cases: int


def friedman(load_n: FloatArray) -> Friedman:
    """Friedman's test, with its correction for ties.

    Parameters
    ----------
    load_n
        (cases, variants), the control among them; no value may be missing.

    Raises
    ------
    InputError
        When there are fewer than three cases or three variants.
    """
    cases, variants = load_n.shape
    if variants < _LEAST_VARIANTS:
        raise InputError(f"Friedman's test compares at least {_LEAST_VARIANTS} variants, and there are {variants}")
    if cases < _LEAST_CASES:
        raise InputError(
            f"Friedman's test needs at least {_LEAST_CASES} cases with a failure load for every variant, and there "
            f"{'is' if cases == 1 else 'are'} {cases}"
        )
    ranks = _ranks(load_n)
    if (ranks == ranks[:, :1]).all():
        return Friedman(0.0, variants - 1, 1.0, tuple(ranks.mean(axis=0).tolist()), cases)
    chi2, p = stats.friedmanchisquare(*load_n.T)
    return Friedman(float(chi2), variants - 1, float(p), tuple(float(r) for r in ranks.mean(axis=0)), cases)


def dunn(load_n: FloatArray, names: Sequence[str], adjustment: Adjustment) -> list[Against]:
    """Dunn's comparisons of the variants with the control, on the mean ranks within the cases.

    `z = (R_j - R_0) / sqrt(k (k + 1) / (6 n))`, with a two-sided p. `all-pairs` multiplies it by the number of all pairs,
    k (k - 1) / 2, as SPSS does; `against-control` by k - 1.

    Parameters
    ----------
    load_n
        (cases, variants), the control first.
    names
        Of the variants, the control first.
    adjustment
        As above.
    """
    cases, variants = load_n.shape
    mean = _ranks(load_n).mean(axis=0)
    z = (mean[1:] - mean[0]) / np.sqrt(variants * (variants + 1) / (6 * cases))
    p = 2 * stats.norm.sf(np.abs(z))
    times = variants * (variants - 1) / 2 if adjustment == "all-pairs" else variants - 1
    return [Against(n, float(a), float(b), min(1.0, float(b) * times)) for n, a, b in zip(names[1:], z, p, strict=True)]


def wilcoxon(load_n: FloatArray, names: Sequence[str]) -> list[Against]:
    """Wilcoxon's signed rank test of each variant against the control, adjusted after Holm.

    Exact where there are no ties. A variant that equals the control in every case has a p of 1.
    """
    found = []
    for column in load_n.T[1:]:
        difference = column - load_n[:, 0]
        if not difference.any():
            found.append((0.0, 1.0))
            continue
        done = stats.wilcoxon(difference, zero_method="wilcox", method="auto")
        found.append((float(done.statistic), float(done.pvalue)))
    return _holm(names, found)


def conover(load_n: FloatArray, names: Sequence[str]) -> list[Against]:
    """Conover's comparisons after Friedman (scikit-posthocs), against the control, adjusted after Holm.

    Raises
    ------
    PluginError
        When scikit-posthocs is not installed.
    """
    try:
        import scikit_posthocs
    except ModuleNotFoundError as problem:
        raise PluginError("Conover's test needs scikit-posthocs", hint="pip install 'culmann[study]'") from problem

    ranks = _ranks(load_n)
    if (ranks == ranks[:1]).all():  # all cases agree: there is no variance left to compare with, and the library divides by it
        p = np.where(ranks[0, 1:] == ranks[0, 0], 1.0, 0.0)
    else:
        p = scikit_posthocs.posthoc_conover_friedman(load_n, p_adjust=None).to_numpy()[0, 1:]
    return _holm(names, [(float("nan"), float(value)) for value in p])


def least_p_of_wilcoxon(cases: int) -> float:
    """The smallest two-sided p that so many pairs can give."""
    return min(1.0, 2.0 ** (1 - cases))


def _holm(names: Sequence[str], found: Sequence[tuple[float, float]]) -> list[Against]:
    """Adjusted after Holm: the smallest p times their number, the next times one less, and never below the one before."""
    p = np.array([value for _, value in found])
    order = np.argsort(p, kind="stable")
    adjusted = np.empty_like(p)
    adjusted[order] = np.minimum(1.0, np.maximum.accumulate(p[order] * np.arange(len(p), 0, -1)))
    return [Against(n, s, v, float(a)) for n, (s, v), a in zip(names[1:], found, adjusted, strict=True)]


def _ranks(load_n: FloatArray) -> FloatArray:
    """Ranks within each case, the mean rank for ties."""
    return np.asarray(stats.rankdata(load_n, axis=1))
