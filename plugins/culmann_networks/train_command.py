"""`culmann train unet3d` and `culmann train unet2d-multiaxial`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from culmann_networks.architecture import Architecture

if TYPE_CHECKING:
    from culmann.dataset import Dataset, Fold
    from culmann_networks.model_file import ModelFile

DATASET = Annotated[Path, typer.Argument(metavar="DATASET", help="The folder of a dataset: dataset.yaml and cases.csv.")]
OUT = Annotated[
    Path, typer.Option("--out", metavar="MODEL", help="The folder of the model. A stopped training in it is gone on with.")
]
CONFIG = Annotated[Path | None, typer.Option("--config", metavar="FILE", help="A YAML file with options of the training.")]
SETTINGS = Annotated[
    list[str] | None, typer.Option("--set", metavar="OPTION=VALUE", help="Change an option, as epochs=100. May be repeated.")
]
SPLITS = Annotated[
    Path | None,
    typer.Option("--splits", metavar="FILE", help="Splits of `culmann dataset split`; default: DATASET/splits.json."),
]
FOLD = Annotated[int | None, typer.Option("--fold", min=0, help="The fold of the splits; the first is 0.")]
EPOCHS = Annotated[int | None, typer.Option("--epochs", min=1, help="The same as --set epochs=N.")]
DEVICE = Annotated[str | None, typer.Option("--device", help="The same as --set device=NAME: auto, cpu or cuda.")]
SEED = Annotated[int | None, typer.Option("--seed", min=0, help="The same as --set seed=N.")]
ANEW = Annotated[bool, typer.Option("--anew", help="Start over, whatever the folder holds.")]


def _show_3d(wanted: bool) -> None:
    _show("unet3d", wanted)


def _show_2d(wanted: bool) -> None:
    _show("unet2d-multiaxial", wanted)


def _show(architecture: Architecture, wanted: bool) -> None:
    if wanted:
        from culmann_networks.options_display import show_options
        from culmann_networks.training_options import OPTIONS

        show_options(OPTIONS[architecture])
        raise typer.Exit


_HELP = "Show what --config and --set take, with the defaults, and stop."
SHOW_3D = Annotated[bool, typer.Option("--options", callback=_show_3d, is_eager=True, help=_HELP)]
SHOW_2D = Annotated[bool, typer.Option("--options", callback=_show_2d, is_eager=True, help=_HELP)]


def unet3d(
    dataset: DATASET,
    out: OUT,
    config: CONFIG = None,
    settings: SETTINGS = None,
    splits: SPLITS = None,
    fold: FOLD = None,
    epochs: EPOCHS = None,
    device: DEVICE = None,
    seed: SEED = None,
    anew: ANEW = False,
    options: SHOW_3D = False,  # noqa: ARG001 - its callback does it
) -> None:
    """Train a 3-D U-Net on patches of the dataset's scans, as in the paper unless options say otherwise."""
    _train("unet3d", dataset, out, config, _shortcuts(settings, epochs, device, seed), splits, fold, anew)


def unet2d_multiaxial(
    dataset: DATASET,
    out: OUT,
    config: CONFIG = None,
    settings: SETTINGS = None,
    splits: SPLITS = None,
    fold: FOLD = None,
    epochs: EPOCHS = None,
    device: DEVICE = None,
    seed: SEED = None,
    anew: ANEW = False,
    options: SHOW_2D = False,  # noqa: ARG001 - its callback does it
) -> None:
    """Train three 2-D U-Nets on axial, coronal and sagittal slices, as in the paper unless options say otherwise."""
    _train("unet2d-multiaxial", dataset, out, config, _shortcuts(settings, epochs, device, seed), splits, fold, anew)


def _shortcuts(settings: list[str] | None, epochs: int | None, device: str | None, seed: int | None) -> list[str]:
    short = {"epochs": epochs, "device": device, "seed": seed}
    return [*(settings or []), *(f"{name}={value}" for name, value in short.items() if value is not None)]


def _train(
    architecture: Architecture,
    folder: Path,
    out: Path,
    config: Path | None,
    settings: list[str],
    splits: Path | None,
    fold: int | None,
    anew: bool,
) -> None:
    from culmann.dataset import read_dataset
    from culmann.option_files import read_options
    from culmann_networks.training_options import OPTIONS

    options = read_options(OPTIONS[architecture], f"train {architecture}", config, settings)
    dataset = read_dataset(folder)
    chosen = _fold(dataset, splits, fold)
    if anew:
        _clear(out)
    from culmann_networks.train import train
    from culmann_networks.training_display import shown_training

    try:
        with shown_training() as (listener, reading):
            model = train(options, dataset, out, fold=chosen, listener=listener, reading=reading)
    except KeyboardInterrupt as stopped:
        stopped.add_note("the epochs that were done are kept: the same command goes on from there")
        raise
    _tell(model, out)


def _fold(dataset: Dataset, splits: Path | None, fold: int | None) -> Fold | None:
    from culmann.dataset import read_splits
    from culmann.errors import InputError

    path = splits or dataset.folder / "splits.json"
    if not path.exists():
        if splits is None and fold is None:
            return None
        raise InputError(f"there is no file of splits {path}", hint="`culmann dataset split` makes it")
    folds = read_splits(path, dataset).folds
    if fold is None and len(folds) > 1:
        raise InputError(f"{path} has {len(folds)} folds", hint=f"say which one with --fold, from 0 to {len(folds) - 1}")
    if (fold or 0) >= len(folds):
        raise InputError(f"{path} has no fold {fold}", hint=f"its folds are 0 to {len(folds) - 1}")
    return folds[fold or 0]


def _clear(out: Path) -> None:
    """Remove what an earlier training wrote, and nothing else."""
    if not out.is_dir():
        return
    for path in [
        *(out / "training").glob("*.safetensors"),
        *(out / name for name in ("weights.safetensors", "model.json", "curves.csv", "curves.png")),
    ]:
        path.unlink(missing_ok=True)


def _tell(model: ModelFile, out: Path) -> None:
    for member, measured in model.facts.metrics.items():
        _tell_member(member, measured)
    typer.echo(f"\nModel in {out}: weights.safetensors, model.json, curves.csv, curves.png")
    typer.echo(f"  model:  {out}\n  sha256: {model.sha256}")


def _tell_member(member: str, measured: dict[str, Any]) -> None:
    dice = measured["validation_dice"]
    said = "no validation" if dice is None else f"validation Dice {dice:.3f} in epoch {measured['validation_dice_of_epoch']}"
    typer.secho(f"{member}: {said}", bold=True)
    typer.echo(f"  ended after {measured['ended']}, {measured['training_minutes']:.1f} min")
    for name, value in measured["validation_dice_per_label"].items():
        typer.echo(f"  {name:<12} {value:.3f}")
