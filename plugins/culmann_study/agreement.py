"""How well failure loads agree with those of the control: bias and limits of Bland and Altman, R², RMSE, concordance, ICC."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import stats

from culmann.data.arrays import FloatArray
from culmann.errors import InputError


@dataclass(frozen=True, slots=True)
class Differences:
    """Of one variant to the control, over cases: means with SD (n - 1) and SE (SD over the root of n), all named.

    Absolute and relative ones are means over the cases of |d| and of |d| over the control's load, as in Table 3 of the paper.
    """

    cases: int
    absolute_n_mean: float
    absolute_n_sd: float
    absolute_n_se: float
    absolute_percent_mean: float
    absolute_percent_sd: float
    absolute_percent_se: float
    signed_percent_mean: float
    signed_percent_sd: float
    signed_percent_se: float


@dataclass(frozen=True, slots=True)
class Agreement:
    """Of one variant with the control, over cases. Numbers that so few cases do not give are NaN.

    Parameters
    ----------
    bias_n
        Mean of variant less control.
    limits_n
        Bias less and plus 1.96 SD of the differences (Bland and Altman).
    r2
        The square of Pearson's correlation.
    rmse_n
        Root of the mean squared difference.
    ccc
        Lin's concordance correlation, with variances over n as he has them.
    """

    cases: int
    bias_n: float
    sd_n: float
    limits_n: tuple[float, float]
    r2: float
    rmse_n: float
    ccc: float


def differences(control_n: FloatArray, variant_n: FloatArray) -> Differences:
    """Differences of a variant (n,) to the control (n,), in N and in % of the control."""
    signed = variant_n - control_n
    percent = 100 * signed / control_n
    numbers = [number for values in (np.abs(signed), np.abs(percent), percent) for number in mean_sd_se(values)]
    return Differences(len(signed), *numbers)


def mean_sd_se(values: FloatArray) -> tuple[float, float, float]:
    """Mean, SD (n - 1) and standard error of the mean; NaN where there are too few values."""
    n = len(values)
    sd = float(np.std(values, ddof=1)) if n > 1 else float("nan")
    return float(np.mean(values)) if n else float("nan"), sd, sd / float(np.sqrt(n)) if n > 1 else float("nan")


def agreement(control_n: FloatArray, variant_n: FloatArray) -> Agreement:
    """Agreement of a variant (n,) with the control (n,)."""
    signed = variant_n - control_n
    n = len(signed)
    bias, sd, _ = mean_sd_se(signed)
    varied = n > 1 and np.ptp(control_n) > 0 and np.ptp(variant_n) > 0
    r2 = float(stats.pearsonr(control_n, variant_n).statistic) ** 2 if varied else float("nan")
    spread = float(control_n.var() + variant_n.var() + bias**2)
    common = float(((control_n - control_n.mean()) * (variant_n - variant_n.mean())).mean()) if n else float("nan")
    ccc = 2 * common / spread if n > 1 and spread > 0 else float("nan")
    rmse = float(np.sqrt((signed**2).mean())) if n else float("nan")
    return Agreement(n, bias, sd, (bias - 1.96 * sd, bias + 1.96 * sd), r2, rmse, ccc)


@dataclass(frozen=True, slots=True)
class Operators:
    """How well several operators agree on the same cases (two-way analysis of variance).

    Parameters
    ----------
    icc_agreement, icc_consistency
        ICC(2,1) and ICC(3,1) of Shrout and Fleiss 1979: of one operator, with and without the bias between operators.
    within_case_sd
        Root of the mean variance of the operators within a case.
    repeatability
        1.96 root 2 times that: 95 % of two operators differ by less.
    within_case_cv_percent
        Root of the mean squared coefficient of variation within a case.
    """

    cases: int
    operators: int
    icc_agreement: float
    icc_consistency: float
    within_case_sd: float
    repeatability: float
    within_case_cv_percent: float


def operators_agreement(load: FloatArray) -> Operators:
    """Agreement of operators.

    Parameters
    ----------
    load
        (cases, operators), no value missing.

    Raises
    ------
    InputError
        When there are fewer than two operators or no case.
    """
    n, k = load.shape
    if k < 2 or n < 1:
        raise InputError(f"operators are compared on at least one case with two segmentations, and there are {n} with {k}")
    within = load.var(axis=1, ddof=1)
    sd = float(np.sqrt(within.mean()))
    cv = 100 * float(np.sqrt((within / load.mean(axis=1) ** 2).mean()))
    agree = consistent = float("nan")
    if n > 1:
        grand = load.mean()
        rows = k * ((load.mean(axis=1) - grand) ** 2).sum() / (n - 1)
        columns = n * ((load.mean(axis=0) - grand) ** 2).sum() / (k - 1)
        rest = load - load.mean(axis=1, keepdims=True) - load.mean(axis=0, keepdims=True) + grand
        error = (rest**2).sum() / ((n - 1) * (k - 1))
        if rows > 0:
            agree = float((rows - error) / (rows + (k - 1) * error + k * (columns - error) / n))
            consistent = float((rows - error) / (rows + (k - 1) * error))
    return Operators(n, k, agree, consistent, sd, 1.96 * float(np.sqrt(2)) * sd, cv)
