"""`culmann dataset`: check, split and export; the importers have a file of their own."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from culmann.errors import InputError
from culmann_datasets.import_commands import importing

dataset = typer.Typer(
    help="Make, check, split and export datasets of cases.", no_args_is_help=True, add_completion=False, rich_markup_mode=None
)
dataset.add_typer(importing, name="import")
export = typer.Typer(
    help="Write a dataset in another layout.", no_args_is_help=True, add_completion=False, rich_markup_mode=None
)
dataset.add_typer(export, name="export")

FOLDER = Annotated[Path, typer.Argument(metavar="DATASET", help="The folder of the dataset.")]


@dataset.callback()
def _dataset() -> None:
    """Make, check, split and export datasets of cases."""


@export.callback()
def _export() -> None:
    """Write a dataset in another layout."""


@dataset.command("check")
def check(folder: FOLDER) -> None:
    """Read every image of a dataset, and say what is wrong with it, with line and column."""
    from culmann.dataset import check_dataset, read_dataset

    found = read_dataset(folder)
    for text in check_dataset(found, lambda case, done: progress(case, done)):
        typer.echo(f"caution: {text}", err=True)
    patients = len({case.patient for case in found.cases})
    labels = ", ".join(f"{name} {number}" for name, number in found.labels.items())
    typer.echo(f"{found.name}: {len(found.cases)} cases of {patients} patients; labels {labels}")


@dataset.command("split")
def split(
    folder: FOLDER,
    folds: Annotated[int | None, typer.Option(help="How many folds; default 5, or 1 with --counts.")] = None,
    counts: Annotated[
        str, typer.Option(metavar="TRAIN/VALIDATION/TEST", help="So many cases for each part, as 12/4/2, instead of k-fold.")
    ] = "",
    seed: Annotated[int, typer.Option(help="What the draw begins with.")] = 0,
    out: Annotated[Path | None, typer.Option(help="The file to write; default splits.json in the dataset.")] = None,
) -> None:
    """Split a dataset by patient, so that no person is on both sides, and write the splits to a file."""
    from culmann.dataset import read_dataset, read_splits, split_by_counts, split_k_fold, write_splits

    found = read_dataset(folder)
    if counts:
        numbers = counts.split("/")
        if len(numbers) != 3 or not all(number.strip().isdigit() for number in numbers):
            raise InputError(f"--counts {counts!r} is not of the form train/validation/test", hint="for example 12/4/2")
        train, validation, test = (int(number) for number in numbers)
        splits = split_by_counts(found, train, validation, test, folds=folds or 1, seed=seed)
    else:
        splits = split_k_fold(found, 5 if folds is None else folds, seed)
    path = out or found.folder / "splits.json"
    if path.exists() and read_splits(path, found) != splits:
        raise InputError(
            f"{path} holds other splits: what was trained on them would be judged by cases that it has seen",
            hint="name another file with --out, or remove that one",
        )
    write_splits(splits, path)
    for number, fold in enumerate(splits.folds):
        parts = f"{len(fold.train)} to train, {len(fold.validation)} to validate, {len(fold.test)} to test"
        typer.echo(f"fold {number}: {parts}")
    typer.echo(f"{splits.how}, seed {splits.seed}: {path}")


@export.command("nnunet")
def nnunet(
    folder: FOLDER,
    out: Annotated[Path, typer.Option(help="Where the folder DatasetXXX_name is made.")],
    number: Annotated[int, typer.Option(help="The number XXX that nnU-Net knows it by.")] = 500,
) -> None:
    """Write nnU-Net's raw folder: imagesTr, labelsTr and dataset.json."""
    from culmann.dataset import read_dataset
    from culmann.dataset.nnunet_raw import nnunet_name, write_nnunet_raw

    found = read_dataset(folder)
    written = write_nnunet_raw(found, out / nnunet_name(found, number), progress)
    typer.echo(f"{len(found.cases)} cases: {written}")


def progress(case: str, done: float) -> None:
    """One line a case, on standard error."""
    typer.echo(f"{100 * done:3.0f} %  {case}", err=True)
