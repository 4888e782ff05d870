"""The networks of the paper: U-Nets in 2-D and 3-D, trained and used on CTs of any pose and spacing. Descriptors only."""

from __future__ import annotations

from collections.abc import Iterable

from culmann.commands import Command
from culmann.hookspecs import hookimpl
from culmann.steps import Step

api = 1

_EXTRA = "culmann[networks]"
_PAPER, _UNET, _MONAI = "doi:10.1038/s41598-024-66934-w", "doi:10.1007/978-3-319-24574-4_28", "doi:10.48550/arXiv.2211.02701"


@hookimpl
def culmann_segmenters() -> Iterable[Step]:
    """The ways from a scan to labels by a network that was trained here or comes from the zoo."""
    yield Step(
        "unet3d",
        "culmann_networks.steps:unet3d",
        summary="Labels by a 3-D U-Net in sliding windows, on the grid of the scan",
        cite=(_PAPER, "doi:10.1007/978-3-319-46723-8_49", _MONAI),
        extra=_EXTRA,
    )
    yield Step(
        "unet2d-multiaxial",
        "culmann_networks.steps:unet2d_multiaxial",
        summary="Labels by three 2-D U-Nets on axial, coronal and sagittal slices, fused by majority vote",
        cite=(_PAPER, _UNET, _MONAI),
        extra=_EXTRA,
    )


@hookimpl
def culmann_commands() -> Iterable[Command]:
    """Training, prediction, and the model zoo."""
    yield Command(
        "train unet3d",
        "culmann_networks.train_command:unet3d",
        summary="Train a 3-D U-Net on a dataset",
        extra=_EXTRA,
    )
    yield Command(
        "train unet2d-multiaxial",
        "culmann_networks.train_command:unet2d_multiaxial",
        summary="Train three 2-D U-Nets, one a plane, on a dataset",
        extra=_EXTRA,
    )
    yield Command(
        "predict unet3d",
        "culmann_networks.predict_command:unet3d",
        summary="Segment the scans of a dataset, or scans in a folder, with a 3-D U-Net",
        extra=_EXTRA,
    )
    yield Command(
        "predict unet2d-multiaxial",
        "culmann_networks.predict_command:unet2d_multiaxial",
        summary="Segment the scans of a dataset, or scans in a folder, with three 2-D U-Nets",
        extra=_EXTRA,
    )
    yield Command(
        "models", "culmann_networks.models_command:models", summary="Trained networks: list, show, fetch, verify, pack"
    )
