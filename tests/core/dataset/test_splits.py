"""Splits: by patient, seeded, as large as asked for, and refused where they do not fit their dataset."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from culmann.dataset import (
    Dataset,
    DatasetCase,
    Fold,
    Splits,
    read_splits,
    split_by_counts,
    split_k_fold,
    write_splits,
)
from culmann.errors import InputError


def _dataset(cases_per_patient: list[int]) -> Dataset:
    nowhere = Path("/nowhere")
    cases = [
        DatasetCase(f"p{p}-{c}", f"p{p}", ("left", "right", "")[min(c, 2)], nowhere, nowhere)
        for p, count in enumerate(cases_per_patient)
        for c in range(count)
    ]
    return Dataset(nowhere, "femurs", {"femur": 1}, tuple(cases))


#: The femurs of Saillard et al.: 11 patients, 18 femurs.
FEMURS = _dataset([2] * 7 + [1] * 4)


def _patients(cases: tuple[str, ...]) -> set[str]:
    return {case.partition("-")[0] for case in cases}


@given(st.lists(st.integers(1, 4), min_size=5, max_size=30), st.integers(2, 5), st.integers(0, 1000))
def test_k_fold_holds_every_case_out_once_and_parts_no_patient(counts: list[int], folds: int, seed: int) -> None:
    dataset = _dataset(counts)
    splits = split_k_fold(dataset, folds, seed)
    held = [case for fold in splits.folds for case in fold.validation]
    assert sorted(held) == sorted(case.case for case in dataset.cases)
    for fold in splits.folds:
        assert not _patients(fold.train) & _patients(fold.validation)
        assert sorted(fold.train + fold.validation) == sorted(held)
        assert fold.validation
    sizes = [len(fold.validation) for fold in splits.folds]
    assert max(sizes) - min(sizes) <= max(counts)
    assert split_k_fold(dataset, folds, seed) == splits


def test_the_split_of_the_paper() -> None:
    splits = split_by_counts(FEMURS, 12, 4, 2, folds=5, seed=3)
    assert len(splits.folds) == 5
    for fold in splits.folds:
        assert (len(fold.train), len(fold.validation), len(fold.test)) == (12, 4, 2)
        parts = [_patients(part) for part in (fold.train, fold.validation, fold.test)]
        assert not parts[0] & parts[1]
        assert not parts[0] & parts[2]
        assert not parts[1] & parts[2]
    tested = [case for fold in splits.folds for case in fold.test]
    assert len(set(tested)) == 10
    assert split_by_counts(FEMURS, 12, 4, 2, folds=5, seed=3) == splits
    assert split_by_counts(FEMURS, 12, 4, 2, folds=5, seed=4) != splits


def test_counts_that_cannot_be() -> None:
    pairs = _dataset([2] * 9)
    with pytest.raises(InputError, match="no choice of patients gives 3 cases for the test part"):
        split_by_counts(pairs, 12, 3, 3)
    with pytest.raises(InputError, match=r"20 \+ 4 \+ 2 cases are wanted"):
        split_by_counts(pairs, 20, 4, 2)
    with pytest.raises(InputError, match="at least 10 patients"):
        split_k_fold(pairs, 10)
    with pytest.raises(InputError, match="hold nothing out"):
        split_k_fold(pairs, 1)


def test_a_file_of_splits_comes_back_and_is_checked(tmp_path: Path) -> None:
    path = tmp_path / "splits.json"
    splits = split_k_fold(FEMURS, seed=7)
    write_splits(splits, path)
    assert read_splits(path, FEMURS) == splits
    with pytest.raises(InputError, match="has no case 'p10-0'"):
        read_splits(path, _dataset([2] * 7 + [1] * 3))
    write_splits(Splits("femurs", "by hand", 0, (Fold(("p0-0",), ("p0-1",)),)), path)
    with pytest.raises(InputError, match="the patient 'p0' is in train and, with 'p0-1', in validation"):
        read_splits(path, FEMURS)
    write_splits(Splits("femurs", "by hand", 0, (Fold(("p0-0",), (), ("p0-0",)),)), path)
    with pytest.raises(InputError, match="'p0-0' stands in train and in test"):
        read_splits(path, FEMURS)
    for wrong in (
        "{",
        "[]",
        json.dumps({"folds": 3}),
        json.dumps({"dataset": "", "how": "", "seed": 0, "folds": [{"train": "x"}]}),
    ):
        path.write_text(wrong, encoding="utf-8")
        with pytest.raises(InputError, match="no file of splits"):
            read_splits(path, FEMURS)
