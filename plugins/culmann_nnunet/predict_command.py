"""`culmann predict nnunet`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from culmann.data import Labels, Scan
from culmann.dataset.predicting import scans_meant, write_label_maps
from culmann.errors import InputError
from culmann.journal import Journal


def predict(
    scans: Annotated[Path, typer.Argument(metavar="SCANS", help="A dataset, a folder of image files, or one image file.")],
    model: Annotated[Path, typer.Option(help="The model: a folder or a zip file.")],
    out: Annotated[Path, typer.Option(help="The folder for the label maps, one .nii.gz a scan.")],
    sha256: Annotated[str | None, typer.Option(help="Of the model; without it, the error tells it, to be confirmed.")] = None,
    case: Annotated[list[str] | None, typer.Option(help="A case of the dataset; may be repeated; default, all.")] = None,
    fold: Annotated[list[int] | None, typer.Option(help="A fold to use; may be repeated; default, all.")] = None,
    step_fraction: Annotated[float, typer.Option(min=0.1, max=1, help="How far windows move, as a share of their size.")] = 0.5,
    mirroring: Annotated[bool, typer.Option(help="Predict mirrored images as well.")] = True,
    postprocess: Annotated[bool, typer.Option(help="Keep largest parts where the training found that to help.")] = True,
    device: Annotated[str, typer.Option(help="auto, cpu or cuda.")] = "auto",
) -> None:
    """Segment scans with a model of nnU-Net; the network is loaded once for all of them."""
    from culmann_nnunet.archives import unpacked
    from culmann_nnunet.model import expect_pinned, read_model
    from culmann_nnunet.segment import read_sha256
    from culmann_nnunet.train_command import expect_nnunet

    expect_nnunet()
    if device not in {"auto", "cpu", "cuda"}:
        raise InputError(f"--device {device!r} is none of auto, cpu, cuda")
    if (model / "weights.safetensors").is_file():
        raise InputError(f"{model} is no model of nnU-Net", hint="`culmann predict unet3d` and `unet2d-multiaxial` take these")
    expect_pinned(model, read_sha256(sha256))
    from culmann_nnunet.plausible import expect_ct
    from culmann_nnunet.prediction import make_network

    files = scans_meant(scans, case or ())
    with unpacked(model) as folder:
        read = read_model(folder, fold)
        network = make_network(read, device=device, step_fraction=step_fraction, mirroring=mirroring)

        def segment(scan: Scan, journal: Journal) -> Labels:
            expect_ct(scan, read.plans, journal)
            return network.predict(scan, postprocess=postprocess, probabilities=False).labels

        failed = write_label_maps(files, out, segment, lambda text: typer.echo(text, err=True))
    typer.echo(f"{len(files) - failed} of {len(files)} label maps are in {out}")
    if failed:
        raise typer.Exit(2)
