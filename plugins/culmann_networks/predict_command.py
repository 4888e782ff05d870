"""`culmann predict unet3d` and `culmann predict unet2d-multiaxial`."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from culmann.data import Labels, Scan
from culmann.errors import InputError
from culmann.journal import Journal
from culmann.pipeline.problems import did_you_mean
from culmann_networks.architecture import Architecture

SCANS = Annotated[Path, typer.Argument(metavar="SCANS", help="A dataset, a folder of image files, or one image file.")]
MODEL = Annotated[str, typer.Option("--model", help="The folder of a trained model, or the name of one of the zoo.")]
OUT = Annotated[Path, typer.Option("--out", metavar="FOLDER", help="The folder for the label maps, one .nii.gz a scan.")]
SHA256 = Annotated[str | None, typer.Option("--sha256", help="Of weights.safetensors: other weights are refused.")]
CASE = Annotated[list[str] | None, typer.Option("--case", help="A case of the dataset; may be repeated; default, all.")]
CONFIG = Annotated[Path | None, typer.Option("--config", metavar="FILE", help="A YAML file with options of the step.")]
SETTINGS = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="OPTION=VALUE", help="Change an option of the step, as overlap=0.25. May be repeated."),
]
DEVICE = Annotated[str, typer.Option("--device", help="auto, cpu or cuda.")]


def _command(architecture: Architecture, about: str) -> Callable[..., None]:
    def predict(
        scans: SCANS,
        model: MODEL,
        out: OUT,
        sha256: SHA256 = None,
        case: CASE = None,
        config: CONFIG = None,
        settings: SETTINGS = None,
        device: DEVICE = "auto",
    ) -> None:
        _predict(architecture, scans, model, out, sha256, case, config, [*(settings or []), f"device={device}"])

    predict.__doc__ = about
    return predict


unet3d = _command("unet3d", "Segment scans with a 3-D U-Net; options are those of the step `unet3d`.")
unet2d_multiaxial = _command(
    "unet2d-multiaxial",
    "Segment scans with three 2-D U-Nets, one a plane; options are those of the step `unet2d-multiaxial`.",
)


def _predict(
    architecture: Architecture,
    scans: Path,
    model: str,
    out: Path,
    sha256: str | None,
    cases: list[str] | None,
    config: Path | None,
    settings: list[str],
) -> None:
    from culmann.dataset.predicting import scans_meant, write_label_maps
    from culmann.option_files import read_options

    settings = [*settings, *_named(architecture, model, sha256), *([f"sha256={json.dumps(sha256)}"] if sha256 else [])]
    who = f"predict {architecture}"
    from culmann_networks import steps

    files = scans_meant(scans, cases or ())
    if architecture == "unet3d":
        volume = read_options(steps.Unet3dConfig, who, config, settings)

        def segment(scan: Scan, journal: Journal) -> Labels:
            return steps.unet3d(scan, volume, journal)
    else:
        planes = read_options(steps.Unet2dConfig, who, config, settings)

        def segment(scan: Scan, journal: Journal) -> Labels:
            return steps.unet2d_multiaxial(scan, planes, journal)

    failed = write_label_maps(files, out, segment, partial(typer.echo, err=True))
    typer.echo(f"{len(files) - failed} of {len(files)} label maps are in {out}")
    if failed:
        raise typer.Exit(2)


def _named(architecture: Architecture, model: str, sha256: str | None) -> list[str]:
    """The settings that name a model: that at a path, or else that of the zoo. One for another command is refused."""
    path = Path(model).expanduser()
    if not path.exists():
        from culmann_networks.zoo import entries

        facts = {name: entry.facts.architecture for name, entry in entries().items()}
        if model not in facts:
            raise InputError(
                f"there is no model at {model}, and the zoo has none of that name{did_you_mean(model, facts)}",
                hint="give a folder that `culmann train` wrote, or a name that `culmann models list` shows",
            )
        found, setting = facts[model], f"zoo={json.dumps(model)}"
    else:
        if (path / "plans.json").is_file():
            raise InputError(f"{path} is a model of nnU-Net", hint="`culmann predict nnunet` takes it")
        from culmann_networks.model_file import open_model

        found, setting = open_model(path, sha256).facts.architecture, f"model={json.dumps(str(path))}"
    if found != architecture:
        raise InputError(f"{model} is a model for `{found}`", hint=f"`culmann predict {found}` takes it")
    return [setting]
