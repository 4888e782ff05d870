"""nnU-Net v2, trained and used, and TotalSegmentator, which rests on it. Descriptors only."""

from __future__ import annotations

from collections.abc import Iterable

from culmann.commands import Command
from culmann.hookspecs import hookimpl
from culmann.steps import Step

api = 1

_NNUNET = "doi:10.1038/s41592-020-01008-z"


@hookimpl
def culmann_segmenters() -> Iterable[Step]:
    """Scans into labels by networks that configured themselves."""
    yield Step(
        "nnunet",
        "culmann_nnunet.segment:nnunet",
        summary="Labels by a model of nnU-Net v2 whose weights are pinned by their SHA-256",
        cite=(_NNUNET,),
        extra="culmann[nnunet]",
    )
    yield Step(
        "totalsegmentator",
        "culmann_nnunet.total_segmentator:total_segmentator",
        summary="Femurs, hips, sacrum and every vertebra by TotalSegmentator, which downloads its weights or is given them",
        cite=("doi:10.1148/ryai.230024", _NNUNET),
        extra="culmann[totalsegmentator]",
    )


@hookimpl
def culmann_commands() -> Iterable[Command]:
    """Training and prediction."""
    yield Command(
        "train nnunet",
        "culmann_nnunet.train_command:train",
        summary="Train nnU-Net v2 on a dataset: plan, preprocess, train the folds, and make one model of them.",
        extra="culmann[nnunet]",
    )
    yield Command(
        "predict nnunet",
        "culmann_nnunet.predict_command:predict",
        summary="Segment the scans of a dataset, or scans in a folder, with a model of nnU-Net.",
        extra="culmann[nnunet]",
    )
