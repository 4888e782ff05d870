"""Datasets: cases of a scan and its labels in a folder, with a description, a table and splits by patient."""

from __future__ import annotations

from culmann.dataset.checking import check_dataset
from culmann.dataset.model import Dataset, DatasetCase, Pair
from culmann.dataset.reading import read_dataset
from culmann.dataset.splits import Fold, Splits, read_splits, split_by_counts, split_k_fold, write_splits
from culmann.dataset.writing import NewCase, write_dataset

__all__ = [
    "Dataset",
    "DatasetCase",
    "Fold",
    "NewCase",
    "Pair",
    "Splits",
    "check_dataset",
    "read_dataset",
    "read_splits",
    "split_by_counts",
    "split_k_fold",
    "write_dataset",
    "write_splits",
]
