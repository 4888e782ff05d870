"""Statistics against published numbers, other libraries, and closed forms."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from culmann import InputError
from culmann_study.agreement import agreement, differences, operators_agreement
from culmann_study.paired_tests import conover, dunn, friedman, least_p_of_wilcoxon, wilcoxon

#: Computed with scipy by whoever wrote down the recipe of the paper, control first.
LOADS = np.array(
    [
        [100, 92, 97, 101, 103, 110],
        [80, 70, 77, 79, 84, 95],
        [120, 111, 118, 121, 119, 140],
        [90, 85, 88, 91, 95, 99],
        [60, 50, 57, 61, 66, 71],
        [75, 66, 73, 74, 79, 83],
    ],
    dtype=float,
)
NAMES = ["manual", "-2", "-1", "0", "+1", "+2"]


def test_friedman_and_dunn_give_the_check_vector() -> None:
    found = friedman(LOADS)
    assert found.chi2 == pytest.approx(27.809524, abs=1e-6)
    assert found.p == pytest.approx(3.9656e-05, rel=1e-4)
    assert found.mean_ranks == pytest.approx((3.5, 1, 2, 3.8333, 4.6667, 6), abs=1e-4)
    spss = dunn(LOADS, NAMES, "all-pairs")
    assert [at.statistic for at in spss] == pytest.approx([-2.31455, -1.38873, 0.308607, 1.08012, 2.31455], abs=1e-5)
    assert [at.p for at in spss] == pytest.approx([0.020638, 0.164915, 0.757621, 0.280087, 0.020638], abs=1e-6)
    assert [at.p_adjusted for at in spss] == pytest.approx([0.309563, 1, 1, 1, 0.309563], abs=1e-6)
    bonferroni = dunn(LOADS, NAMES, "against-control")
    assert bonferroni[0].p_adjusted == pytest.approx(5 * 0.020638, abs=1e-5)


def test_holm_is_that_of_statsmodels() -> None:
    multitest = pytest.importorskip("statsmodels.stats.multitest")
    found = wilcoxon(LOADS, NAMES)
    raw = [stats.wilcoxon(LOADS[:, n] - LOADS[:, 0]).pvalue for n in range(1, 6)]
    assert [at.p for at in found] == pytest.approx(raw)
    assert [at.p_adjusted for at in found] == pytest.approx(multitest.multipletests(raw, method="holm")[1])


def test_conover_is_that_of_scikit_posthocs_against_the_control() -> None:
    library = pytest.importorskip("scikit_posthocs")
    matrix = library.posthoc_conover_friedman(LOADS).to_numpy()
    assert [at.p for at in conover(LOADS, NAMES)] == pytest.approx(matrix[0, 1:])


def test_dunn_finds_what_the_paper_could_find() -> None:
    """With twelve femurs, a z of 2.94 is the least that is significant for all fifteen pairs."""
    needed = stats.norm.isf(0.05 / 15 / 2)
    assert needed == pytest.approx(2.94, abs=0.005)
    rng = np.random.default_rng(1)
    loads = (
        5000 + 500 * rng.standard_normal((12, 1)) + np.array([0, -900, -300, 10, 40, 90]) + 30 * rng.standard_normal((12, 6))
    )
    found = {at.variant: at for at in dunn(loads, NAMES, "all-pairs")}
    assert found["-2"].p_adjusted < 0.05
    assert found["0"].p_adjusted == 1


def test_variants_that_are_all_alike_differ_in_nothing() -> None:
    alike = np.repeat(np.array([[1000.0], [2000.0], [3000.0], [2500.0]]), 3, axis=1)
    names = ["a", "b", "c"]
    assert friedman(alike).p == 1
    assert [at.p for at in [*wilcoxon(alike, names), *dunn(alike, names, "all-pairs"), *conover(alike, names)]] == [1] * 6


@pytest.mark.parametrize(("shape", "said"), [((2, 6), "there are 2"), ((1, 6), "there is 1"), ((8, 2), "at least 3 variants")])
def test_too_little_is_refused(shape: tuple[int, int], said: str) -> None:
    with pytest.raises(InputError, match=said):
        friedman(np.arange(shape[0] * shape[1], dtype=float).reshape(shape))


def test_least_p_of_wilcoxon_is_that_of_scipy() -> None:
    for n in range(3, 9):
        least = stats.wilcoxon(np.arange(1.0, n + 1)).pvalue
        assert least_p_of_wilcoxon(n) == pytest.approx(least)


def test_differences_are_means_of_the_cases() -> None:
    found = differences(np.array([1000.0, 2000.0]), np.array([900.0, 2400.0]))
    assert found.absolute_n_mean == 250
    assert found.absolute_percent_mean == pytest.approx((10 + 20) / 2)  # not 250 / 1500
    assert found.signed_percent_mean == pytest.approx((-10 + 20) / 2)
    assert found.absolute_n_sd == pytest.approx(np.std([100, 400], ddof=1))
    assert found.absolute_n_se == pytest.approx(found.absolute_n_sd / np.sqrt(2))


def test_agreement_has_its_closed_forms() -> None:
    x = np.array([1.0, 2.0, 3.0, 4.0]) * 1000
    same = agreement(x, x)
    assert (same.bias_n, same.r2, same.rmse_n, same.ccc) == pytest.approx((0, 1, 0, 1))
    shifted = agreement(x, x + 500)
    # Lin 1989: 2 s_xy / (s_x² + s_y² + (mean x - mean y)²), with variances over n.
    assert shifted.ccc == pytest.approx(2 * x.var() / (2 * x.var() + 500**2))
    assert shifted.limits_n == pytest.approx((500, 500))
    noisy = x + np.array([100, -100, 50, -50])
    assert agreement(x, noisy).r2 == pytest.approx(np.corrcoef(x, noisy)[0, 1] ** 2)
    assert agreement(x, noisy).rmse_n == pytest.approx(np.sqrt(np.mean([100**2, 100**2, 50**2, 50**2])))


def test_icc_is_that_of_shrout_and_fleiss() -> None:
    """Table 2 and 4 of Shrout and Fleiss 1979: four judges, six targets."""
    rated = np.array([[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9], [6, 2, 4, 7]], dtype=float)
    found = operators_agreement(rated)
    assert found.icc_agreement == pytest.approx(0.29, abs=0.005)
    assert found.icc_consistency == pytest.approx(0.71, abs=0.005)
    assert found.within_case_sd == pytest.approx(np.sqrt(rated.var(axis=1, ddof=1).mean()))
    with pytest.raises(InputError, match="two segmentations"):
        operators_agreement(rated[:, :1])
