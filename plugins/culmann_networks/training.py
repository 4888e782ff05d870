"""The training of a model: `train` goes through its networks, each from where it stands to its end, and writes the model."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from torch import nn

from culmann.errors import InputError
from culmann_networks import curves
from culmann_networks.architecture import Architecture, members_of
from culmann_networks.cases import Case, Task
from culmann_networks.checkpoint import Standing
from culmann_networks.device import device_of, threads
from culmann_networks.facts import ModelFacts
from culmann_networks.listener import Listener, Silent
from culmann_networks.member import Member, Options
from culmann_networks.model_file import ModelFile, write_model
from culmann_networks.unets import weights_of

#: Options that may change when a training is gone on with: they do not change what an epoch does.
_FREE = frozenset(
    {"epochs", "time_limit_min", "patience_epochs", "checkpoint_every_epochs", "device", "threads", "workers", "keep"}
)


def train_cases(
    architecture: Architecture,
    options: Options,
    task: Task,
    training: Sequence[Case],
    validation: Sequence[Case],
    out: Path,
    about: Mapping[str, Any],
    listener: Listener | None = None,
) -> ModelFile:
    """Train a model on cases in memory, from the checkpoints in the folder where there are some.

    Parameters
    ----------
    architecture, options, task
        What is trained, how, on which labels.
    training, validation
        Cases on the voxels of the network (`read_cases`).
    out
        The folder of the model: `weights.safetensors`, `model.json`, `curves.csv`, `curves.png`, and `training/`, from which
        a training is gone on with.
    about
        What the model shall know of its data.
    listener
        Is told how it goes.

    Raises
    ------
    InputError
        When there is no case, or the folder holds another training.
    SolverError
        When the loss is no number any more, or memory runs out.
    """
    from culmann.pipeline.work import culmann_version

    if not training:
        raise InputError("there is no case to train on")
    listener = listener or Silent()
    device = device_of(options.device)
    same = {k: v for k, v in options.model_dump(mode="json").items() if k not in _FREE}
    identity = {
        "architecture": architecture,
        "data": _digest([*training, *validation]),
        "cases": [case.name for case in training],
        "validated on": [case.name for case in validation],
        "labels": {str(k): v for k, v in task.labels.items()},
        **same,
    }
    facts = ModelFacts(
        architecture=architecture,
        network=options.network,
        patch_voxels=options.patch_voxels,
        spacing_mm=options.spacing_mm,
        window_hu=options.window_hu,
        labels=task.labels,
        culmann=culmann_version(),
    )
    networks: dict[str, nn.Module] = {}
    standings: dict[str, Standing] = {}
    with threads(options.threads):
        for member in members_of(architecture):
            one = Member(architecture, options, facts, member, device, out, identity, listener)
            networks[member], standings[member] = one.train(training, validation)
    measured = {m: _measured(s) for m, s in standings.items()}
    told = {**about, "cases": len(training), "validation_cases": len(validation), "options": options.model_dump(mode="json")}
    model = write_model(out, weights_of(networks), facts.model_copy(update={"training": told, "metrics": measured}))
    curves.write(out, {member: standing.rows for member, standing in standings.items()})
    return model


def _digest(cases: Sequence[Case]) -> str:
    """sha256 of the voxels of all cases: a training is gone on with only on the same data."""
    content = hashlib.sha256()
    for case in cases:
        content.update(case.hu.tobytes())
        content.update(case.classes.tobytes())
    return content.hexdigest()


def _measured(standing: Standing) -> dict[str, Any]:
    return {
        "epochs": standing.epoch,
        "ended": standing.done,
        "training_minutes": round(standing.seconds / 60, 2),
        "validation_dice": standing.best_dice,
        "validation_dice_of_epoch": standing.best_epoch if standing.best_dice is not None else None,
        "validation_dice_per_label": standing.best_per_label,
    }
