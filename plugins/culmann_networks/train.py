"""`train`: from a dataset and options to a model in a folder; the Python side of `culmann train`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from culmann.dataset import Dataset, DatasetCase, Fold
from culmann.errors import InputError
from culmann_networks.architecture import Architecture
from culmann_networks.cases import Case, Task, read_case
from culmann_networks.training_options import TrainingOptions, Unet2dTraining, Unet3dTraining

if TYPE_CHECKING:
    from culmann_networks.listener import Listener
    from culmann_networks.model_file import ModelFile


@dataclass(frozen=True, slots=True)
class Parts:
    """Names of the cases that a training takes."""

    training: tuple[str, ...]
    validation: tuple[str, ...]
    how: str


def train(
    options: Unet3dTraining | Unet2dTraining,
    dataset: Dataset,
    out: Path,
    *,
    fold: Fold | None = None,
    listener: Listener | None = None,
    reading: Callable[[str], None] = lambda _: None,
) -> ModelFile:
    """Train a model on a dataset. A training that was stopped, even killed, is gone on with by the same call.

    Parameters
    ----------
    options
        `Unet3dTraining` or `Unet2dTraining`: what decides the architecture.
    dataset
        As `culmann.dataset.read_dataset` gives it.
    out
        The folder of the model.
    fold
        Cases for training and validation; None: `validation_share` of the patients is kept for validation.
    listener
        Is told how the training goes.
    reading
        Is told which case is read.

    Returns
    -------
    ModelFile
        The trained model, as it lies in the folder.

    Raises
    ------
    InputError
        When a case cannot be used, or the folder holds another training.
    SolverError
        When the loss is no number any more.
    """
    architecture: Architecture = "unet2d-multiaxial" if isinstance(options, Unet2dTraining) else "unet3d"
    _expect_free(out)
    parts = parts_of(dataset, options, fold)
    task = task_of(dataset, options)
    by_name = {case.case: case for case in dataset.cases}

    def read(names: tuple[str, ...]) -> list[Case]:
        cases = []
        for name in names:
            reading(name)
            cases.append(_read(dataset, by_name[name], task, options))
        return cases

    from culmann_networks.training import train_cases

    about: dict[str, Any] = {
        "dataset": dataset.name,
        "licence": dataset.licence,
        "training": list(parts.training),
        "validation": list(parts.validation),
        "split": parts.how,
    }
    return train_cases(architecture, options, task, read(parts.training), read(parts.validation), out, about, listener)


def task_of(dataset: Dataset, options: TrainingOptions) -> Task:
    """What is learnt from the labels of a dataset.

    Raises
    ------
    InputError
        When the options name a label that the dataset does not have.
    """
    every = dict(dataset.names)
    wanted = options.labels if options.labels is not None else every
    absent = [f"{v} ({name})" for v, name in wanted.items() if v not in every]
    if absent:
        raise InputError(
            f"the dataset {dataset.name!r} has no label {', '.join(absent)}; it has "
            f"{', '.join(f'{v} ({name})' for v, name in sorted(every.items()))}",
            hint="`labels` are numbers of the dataset",
        )
    return Task(dict(sorted(wanted.items())), options.merge_as, frozenset(every))


def parts_of(dataset: Dataset, options: TrainingOptions, fold: Fold | None) -> Parts:
    """Which cases are trained and validated on.

    Raises
    ------
    InputError
        When nothing is left to train on.
    """
    if fold is not None:
        return Parts(fold.train, fold.validation, "as given")
    patients = sorted({case.patient or case.case for case in dataset.cases})
    shuffled = [patients[i] for i in np.random.default_rng(options.seed).permutation(len(patients))]
    held = set(shuffled[: round(options.validation_share * len(patients))])
    validation = tuple(case.case for case in dataset.cases if (case.patient or case.case) in held)
    training = tuple(case.case for case in dataset.cases if (case.patient or case.case) not in held)
    if not training:
        raise InputError(f"the dataset {dataset.name!r} leaves no case to train on", hint="choose a smaller `validation_share`")
    return Parts(
        training, validation, f"{options.validation_share:g} of the patients for validation, drawn with seed {options.seed}"
    )


def _read(dataset: Dataset, case: DatasetCase, task: Task, options: TrainingOptions) -> Case:
    pair = dataset.load(case)
    return read_case(case.case, pair.scan, pair.labels, task, options.spacing_mm, options.window_hu)


def _expect_free(out: Path) -> None:
    if out.exists() and not out.is_dir():
        raise InputError(f"{out} is a file; a model is a folder", hint="name another place with --out")
    ours = {"weights.safetensors", "model.json", "curves.csv", "curves.png", "training"}
    strange = sorted(p.name for p in out.iterdir() if p.name not in ours and not p.name.startswith(".")) if out.exists() else []
    if strange:
        raise InputError(
            f"the folder {out} holds something else ({', '.join(strange[:3])})", hint="name a folder of its own for the model"
        )
