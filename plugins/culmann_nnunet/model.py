"""A model of nnU-Net as it is used: ours, or a folder that nnU-Net wrote itself, looked at before anything of it is loaded."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from culmann.errors import InputError
from culmann.pipeline.digests import path_digest
from culmann_nnunet.model_files import FORMAT, MODEL, State, load_checkpoint, read_weights

#: Plans name classes to be imported. Only those of the networks and of torch's layers are.
_NETWORKS = "dynamic_network_architectures.architectures."
_LAYERS = "torch.nn."


@dataclass(frozen=True, slots=True)
class Model:
    """What a model folder says.

    Parameters
    ----------
    folder
        Where it is.
    plans, dataset
        `plans.json` and `dataset.json`.
    trainer, configuration
        Names that nnU-Net knows; of a folder of nnU-Net they come from its checkpoint.
    mirroring_axes
        Along which axes (z, y, x) a mirrored image may be predicted as well.
    labels
        {number that the network gives: (number, name)}.
    axes_of_patient
        Whether it was trained on images whose axes run left, back and up.
    keep_largest
        Groups of the network's numbers of which only the largest part is kept.
    weights
        The network's weights of every fold that is used.
    """

    folder: Path
    plans: dict[str, Any]
    dataset: dict[str, Any]
    trainer: str
    configuration: str
    mirroring_axes: tuple[int, ...] | None
    labels: dict[int, tuple[int, str]]
    axes_of_patient: bool
    keep_largest: tuple[tuple[int, ...], ...]
    weights: tuple[State, ...]


def expect_pinned(path: Path, sha256: str | None) -> None:
    """Raise InputError unless a model is the one that was pinned; without a pin, the message tells the digest to confirm."""
    if not path.exists():
        raise InputError(
            f"there is no model {path}", hint="a model is a folder that `culmann train nnunet` made, or its zip file"
        )
    found = path_digest(path)
    if not sha256:
        raise InputError(
            f"the weights {path} are not pinned: whoever can change them decides what this pipeline finds",
            hint=f"if they are from whom you think, write it beside the model:\n        sha256: {found}",
        )
    if sha256.lower() != found:
        raise InputError(
            f"the model {path} is not the one that was pinned: its SHA-256 is {found}, and {sha256.lower()} was wanted",
            hint="it was changed, damaged or exchanged; get it again, or pin the new one if you know where it is from",
        )


def read_model(folder: Path, folds: Sequence[int] | None, checkpoint: str = "final") -> Model:
    """Read a model whose pin was checked.

    Parameters
    ----------
    folder
        A folder of ours, one of nnU-Net (`trainer__plans__configuration`), or one that holds exactly one of these.
    folds
        Which folds to use, all for None.
    checkpoint
        Of a folder of nnU-Net: `final` or `best`.

    Raises
    ------
    InputError
        When it is no model, lacks a fold, names classes that are no network, or holds more than tensors, numbers and text.
    """
    home = _home(folder)
    plans, dataset = _json(home / "plans.json"), _json(home / "dataset.json")
    if (home / MODEL).is_file():
        facts = _json(home / MODEL)
        if facts.get("format") != FORMAT:
            raise InputError(f"{home / MODEL} is no description of a model of nnU-Net")
        known = [fold for fold in facts["folds"] if (home / f"fold_{fold}.safetensors").is_file()]
        weights = tuple(read_weights(home / f"fold_{fold}.safetensors") for fold in _chosen(home, known, folds))
        trainer, configuration, axes = facts["trainer"], facts["configuration"], facts["mirroring_axes"]
        largest = tuple(tuple(int(v) for v in group) for group in facts.get("keep_largest", []))
    else:
        name = f"checkpoint_{checkpoint}.pth"
        known = [_fold(path.parent.name) for path in sorted(home.glob(f"fold_*/{name}"))]
        loaded = [load_checkpoint(home / f"fold_{fold}" / name) for fold in _chosen(home, known, folds)]
        weights = tuple(entry["network_weights"] for entry in loaded)
        trainer, configuration = str(loaded[0]["trainer_name"]), str(loaded[0]["init_args"]["configuration"])
        axes, largest = loaded[0].get("inference_allowed_mirroring_axes"), ()
    _expect_networks(home, plans, configuration)
    mirroring = None if axes is None else tuple(int(axis) for axis in axes)
    labels, upright = _labels(home, dataset)
    return Model(home, plans, dataset, trainer, configuration, mirroring, labels, upright, largest, weights)


def _home(folder: Path) -> Path:
    homes = sorted(path.parent for path in folder.rglob("plans.json") if (path.parent / "dataset.json").is_file())
    homes = [home for home in homes if (home / MODEL).is_file() or any(home.glob("fold_*/checkpoint_*.pth"))]
    if len(homes) != 1:
        what = "holds no model of nnU-Net" if not homes else f"holds {len(homes)} models"
        raise InputError(
            f"{folder} {what}",
            hint="give the folder with plans.json, dataset.json and the folds"
            if not homes
            else "give the folder of one of them",
        )
    return homes[0]


def _json(path: Path) -> dict[str, Any]:
    try:
        facts = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as problem:
        raise InputError(f"{path} cannot be read: {problem}") from problem
    if not isinstance(facts, dict):
        raise InputError(f"{path} is damaged: an object is wanted")
    return facts


def _fold(name: str) -> int | str:
    text = name.removeprefix("fold_")
    return int(text) if text.isdigit() else text


def _chosen(home: Path, known: Sequence[int | str], folds: Sequence[int] | None) -> list[int | str]:
    numbered = [fold for fold in known if isinstance(fold, int)]
    chosen: list[int | str] = [*folds] if folds is not None else [*(numbered or known)]
    absent = [fold for fold in chosen if fold not in known]
    if absent or not chosen:
        has = ", ".join(map(str, known)) or "none"
        raise InputError(f"{home} has no fold {', '.join(map(str, absent)) or 'with weights'}; it has {has}")
    return chosen


def _expect_networks(home: Path, plans: dict[str, Any], configuration: str) -> None:
    """Raise InputError when the plans name anything to be imported that is no network or layer."""
    if configuration not in plans.get("configurations", {}):
        raise InputError(f"{home / 'plans.json'} has no configuration {configuration!r}: its weights are of another model")
    for name, entry in plans["configurations"].items():
        architecture = entry.get("architecture")
        if architecture is None:
            continue
        wanted = architecture.get("arch_kwargs", {})
        layers = [wanted.get(key) for key in architecture.get("_kw_requires_import", [])]
        bad = [text for text in layers if text is not None and not str(text).startswith(_LAYERS)]
        if not str(architecture.get("network_class_name", "")).startswith(_NETWORKS) or bad:
            named = bad[0] if bad else architecture.get("network_class_name")
            raise InputError(
                f"{home / 'plans.json'}: the configuration {name} names {named!r}, which is no network that nnU-Net brings",
                hint="models with a network of their own are not loaded: the plans would decide which code runs",
            )


def _labels(home: Path, dataset: dict[str, Any]) -> tuple[dict[int, tuple[int, str]], bool]:
    """{number of the network: (number, name)}, and whether the axes of its images run as the patient's."""
    try:
        named = {str(name): number for name, number in dataset["labels"].items()}
    except (KeyError, AttributeError) as problem:
        raise InputError(f"{home / 'dataset.json'} names no labels") from problem
    regions = [name for name, number in named.items() if not isinstance(number, int)]
    if regions:
        raise InputError(
            f"{home / 'dataset.json'}: {', '.join(regions)} is a region of several labels; such models are not used here"
        )
    ours = dataset.get("culmann") if isinstance(dataset.get("culmann"), dict) else {}
    numbers = (ours or {}).get("labels", {})
    labels = {number: (int(numbers.get(name, number)), name) for name, number in named.items() if number != 0}
    return labels, (ours or {}).get("axes") == "LPS"
