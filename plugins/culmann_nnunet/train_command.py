"""`culmann train nnunet`."""

from __future__ import annotations

import importlib.util
import os
from pathlib import Path
from typing import Annotated, Any

import typer

from culmann.errors import InputError, PluginError

#: More processes than this wait for each other.
_MOST_PROCESSES = 8


def train(
    dataset: Annotated[Path, typer.Argument(metavar="DATASET", help="The folder of a dataset: dataset.yaml and cases.csv.")],
    out: Annotated[Path, typer.Option(metavar="MODEL", help="The folder of the model to be made.")],
    splits: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Splits of `culmann dataset split`; default DATASET/splits.json, or else 5-fold."),
    ] = None,
    fold: Annotated[list[int] | None, typer.Option(help="A fold to train, from 0; may be repeated; default, all.")] = None,
    all_cases: Annotated[
        bool, typer.Option("--all-cases", help="Train one network on all cases instead, without validation.")
    ] = False,
    epochs: Annotated[int, typer.Option(min=1, help="How long; 1000 as published.")] = 1000,
    iterations: Annotated[int, typer.Option(min=1, help="Batches in an epoch.")] = 250,
    configuration: Annotated[str, typer.Option(help="What nnU-Net plans: 3d_fullres, 2d, 3d_lowres.")] = "3d_fullres",
    planner: Annotated[
        str, typer.Option(help="Who plans: ExperimentPlanner as published, nnUNetPlannerResEncM and others of nnU-Net.")
    ] = "ExperimentPlanner",
    trainer: Annotated[
        str,
        typer.Option(help="Who trains: nnUNetTrainer, nnUNetTrainerNoMirroring (for left and right) and others of nnU-Net."),
    ] = "nnUNetTrainer",
    memory_gb: Annotated[float, typer.Option(min=0.1, help="GPU memory to plan for: it decides the size of patches.")] = 8.0,
    device: Annotated[str, typer.Option(help="auto, cpu or cuda.")] = "auto",
    processes: Annotated[int | None, typer.Option(min=1, help="Processes that load and preprocess.")] = None,
    work: Annotated[
        Path | None, typer.Option(help="Where it works; default MODEL.work. The same command goes on there.")
    ] = None,
    keep_work: Annotated[bool, typer.Option("--keep-work", help="Leave that folder in the end.")] = False,
    validation: Annotated[bool, typer.Option(help="Predict the validation cases in the end.")] = True,
    postprocessing: Annotated[bool, typer.Option(help="Find out whether keeping the largest parts helps.")] = True,
) -> None:
    """Train nnU-Net on a dataset: plan, preprocess, train the folds, and make one model of them."""
    from culmann.dataset import read_dataset, read_splits, split_k_fold
    from culmann_nnunet.training import Settings, train_nnunet

    expect_nnunet()
    found = read_dataset(dataset)
    file = splits or (found.folder / "splits.json" if (found.folder / "splits.json").is_file() else None)
    if all_cases and (fold or splits):
        raise InputError("--all-cases trains without splits", hint="leave out --fold and --splits")
    chosen = None if all_cases else read_splits(file, found) if file else split_k_fold(found)
    if chosen is not None:
        typer.echo(f"{chosen.how}, seed {chosen.seed}{f', from {file}' if file else ''}", err=True)
    settings = Settings(
        configuration,
        planner,
        trainer,
        memory_gb,
        epochs,
        iterations,
        max(1, iterations // 5),
        processes or max(1, min(_MOST_PROCESSES, (os.cpu_count() or 2) - 1)),
        _device(device),
        validation,
        postprocessing,
    )
    place = work or out.expanduser().resolve().with_name(f"{out.expanduser().resolve().name}.work")
    sha256 = train_nnunet(found, chosen, fold, out, place, settings, show, keep_work=keep_work)
    typer.echo(f"The model is in {out}. In a pipeline:\n")
    typer.echo(f"    use: nnunet\n    with:\n      model: {out}\n      sha256: {sha256}")


def expect_nnunet() -> None:
    """Raise PluginError, with what to install, unless nnU-Net is there."""
    for package in ("nnunetv2", "torch", "safetensors"):
        if importlib.util.find_spec(package) is None:
            raise PluginError(f"nnU-Net needs {package}, which is not installed", hint="pip install 'culmann[nnunet]'")


def _device(text: str) -> str:
    if text not in {"auto", "cpu", "cuda"}:
        raise InputError(f"--device {text!r} is none of auto, cpu, cuda")
    if text == "cpu":
        return text
    import torch

    if text == "cuda" and not torch.cuda.is_available():
        raise InputError("--device cuda needs a GPU that torch can use, and there is none", hint="use --device cpu")
    return "cuda" if torch.cuda.is_available() else "cpu"


def show(event: dict[str, Any]) -> None:
    """One line of what the training tells, on standard error."""
    match event["event"]:
        case "case":
            text = f"copied {event['case']}"
        case "stage":
            text = event["text"]
        case "plan":
            patch = " x ".join(map(str, event["patch"]))
            spacing = " x ".join(f"{value:.3g}" for value in event["spacing_mm"])
            text = f"planned: patches of {patch} voxels (z, y, x) of {spacing} mm, {event['batch']} in a batch"
        case "batch":
            text = f"fold {event['fold']}, epoch {event['epoch'] + 1}: batch {event['batch']} of {event['batches']}"
        case "epoch":
            dice = ", ".join("none" if value is None else f"{value:.3f}" for value in event["dice"])
            left = event["seconds"] * (event["epochs"] - event["epoch"])
            text = (
                f"fold {event['fold']}, epoch {event['epoch']} of {event['epochs']}: loss {event['train_loss']:.4f}, "
                f"validation {event['validation_loss']:.4f}, Dice of patches {dice}; "
                f"{event['seconds']:.0f} s, {_time(left)} left"
            )
        case "validated":
            dice = ", ".join(f"{value:.4f}" for value in event["dice"].values())
            text = f"fold {event['fold']}: Dice {dice} on {event['cases']} validation cases"
        case _:
            return
    typer.echo(text, err=True)


def _time(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
