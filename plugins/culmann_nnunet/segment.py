"""The step `nnunet`: the labels of a scan by a pinned model."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Literal

import numpy as np
from pydantic import Field

from culmann.config import Config
from culmann.data import Labels, Scan
from culmann.data.images import write_nifti
from culmann.errors import InputError
from culmann.journal import Journal
from culmann_nnunet.archives import unpacked
from culmann_nnunet.model import expect_pinned, read_model
from culmann_nnunet.plausible import expect_ct
from culmann_nnunet.prediction import Prediction, make_network


class NnunetConfig(Config):
    """Options of `nnunet`."""

    model: Path = Field(
        description="The model: a folder of `culmann train nnunet`, one of nnU-Net itself (with plans.json, dataset.json and "
        "fold_0/checkpoint_final.pth), or the zip file of one."
    )
    sha256: str | None = Field(
        None,
        pattern="^[0-9A-Fa-f]{64}$",
        description="SHA-256 of the model; of a folder, of the names and digests of all its files. It must be given: without "
        "it the error tells what to write.",
    )
    folds: list[int] | None = Field(
        None, min_length=1, description="Folds whose outputs are averaged; null uses all that the model has."
    )
    checkpoint: Literal["final", "best"] = Field(
        "final", description="Of a folder that nnU-Net wrote: which of its checkpoints. Models of culmann have the final one."
    )
    step_fraction: float = Field(
        0.5,
        gt=0,
        le=1,
        description="How far windows move, as a share of their size; 0.5 as nnU-Net does, 1 is faster and coarser.",
    )
    mirroring: bool = Field(
        True,
        description="Predict mirrored images too, where the model was trained with them, and average: up to 8 times slower.",
    )
    device: Literal["auto", "cpu", "cuda"] = Field(
        "auto", description="Where to compute; `auto` takes a GPU where there is one."
    )
    postprocess: bool = Field(
        True, description="Keep only the largest parts of the labels for which the training found that to help."
    )
    keep_probabilities: bool = Field(
        False, description="Leave the probability of every label (0 to 1) as an image in the `qc` folder of the run."
    )


def nnunet(scan: Scan, config: NnunetConfig, journal: Journal) -> Labels:
    """Segment a scan with nnU-Net; the labels have the numbers and names of the dataset that the model was trained on.

    Nothing of the model is loaded before its SHA-256 was compared, and then only tensors, numbers and text. Images that are
    smaller than a window of the network are padded by nnU-Net.

    Raises
    ------
    InputError
        When the model is not pinned, is another one, is damaged, or its weights fit no network; when the scan is not in
        Hounsfield units, or nothing is found in it.
    """
    scan.expect_hu("nnunet")
    expect_pinned(config.model, config.sha256)
    journal.progress("the model is read")
    with unpacked(config.model) as folder:
        model = read_model(folder, config.folds, config.checkpoint)
        expect_ct(scan, model.plans, journal)
        network = make_network(
            model,
            device=config.device,
            step_fraction=config.step_fraction,
            mirroring=config.mirroring,
            window=lambda done: journal.progress(f"window {done}"),
        )
        found = network.predict(scan, postprocess=config.postprocess, probabilities=config.keep_probabilities)
    if not model.axes_of_patient and np.diag(scan.grid.axes).min() < 0.7:
        journal.warn(
            "the model does not say how its training images lay, and the axes of this scan do not run left, back and up: the "
            "network may see the body in a pose that it never saw"
        )
    _keep(found, journal)
    return found.labels


def _keep(found: Prediction, journal: Journal) -> None:
    for name, array in found.probability.items():
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "probability.nii.gz"
            write_nifti(path, array.astype(np.float32), found.labels.grid)
            plain = "".join(letter if letter.isalnum() or letter in "-_" else "-" for letter in name)
            journal.attach(f"probability-{plain}.nii.gz", path.read_bytes())


def read_sha256(text: str | None) -> str | None:
    """A SHA-256 as it is typed; raises InputError when it is none."""
    if text is not None and (len(text) != 64 or not all(letter in "0123456789abcdefABCDEF" for letter in text)):
        raise InputError(f"{text!r} is no SHA-256", hint="it has 64 digits and letters from a to f")
    return text
