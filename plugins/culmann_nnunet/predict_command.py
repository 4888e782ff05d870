"""`culmann predict nnunet`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from culmann.data import Scan
from culmann.errors import InputError
from culmann.image_files import SUFFIXES, read_image_file, write_image_file
from culmann.journal import QuietJournal


def predict(
    scans: Annotated[Path, typer.Argument(help="A dataset, a folder of image files, or one image file.")],
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
    expect_pinned(model, read_sha256(sha256))
    from culmann_nnunet.plausible import expect_ct
    from culmann_nnunet.prediction import make_network

    files = dict(_files(scans, case or []))
    out.mkdir(parents=True, exist_ok=True)
    with unpacked(model) as folder:
        read = read_model(folder, fold)
        network = make_network(read, device=device, step_fraction=step_fraction, mirroring=mirroring)
        failed = 0
        for number, (name, path) in enumerate(files.items(), 1):
            journal = QuietJournal()
            try:
                file = read_image_file(path)
                scan = Scan(file.grid, file.array.astype(np.float32))
                expect_ct(scan, read.plans, journal)
                labels = network.predict(scan, postprocess=postprocess, probabilities=False).labels
                write_image_file(out / f"{name}.nii.gz", labels)
                found = ", ".join(labels.present().values())
            except InputError as problem:
                failed += 1
                found = f"failed: {problem.message}"
            for text in journal.warnings:
                typer.echo(f"caution: {name}: {text}", err=True)
            typer.echo(f"{number} of {len(files)}: {name}: {found}", err=True)
    typer.echo(f"{len(files) - failed} of {len(files)} label maps are in {out}")
    if failed:
        raise typer.Exit(2)


def _files(scans: Path, cases: list[str]) -> Iterator[tuple[str, Path]]:
    """(name, file) of every scan."""
    from culmann.dataset import read_dataset

    if (scans / "dataset.yaml").is_file():
        dataset = read_dataset(scans)
        for entry in [dataset.case(name) for name in cases] if cases else dataset.cases:
            yield entry.case, entry.scan
        return
    if cases:
        raise InputError(f"--case names cases of a dataset, and {scans} is none")
    if scans.is_file():
        yield _name(scans), scans
        return
    found = [path for path in sorted(scans.glob("*")) if path.name.lower().endswith(SUFFIXES)]
    if not found:
        raise InputError(f"there is no image in {scans}", hint=f"readable are {', '.join(SUFFIXES)}")
    for path in found:
        yield _name(path), path


def _name(path: Path) -> str:
    suffix = next((s for s in SUFFIXES if path.name.lower().endswith(s)), path.suffix)
    return path.name[: -len(suffix)] if suffix else path.name
