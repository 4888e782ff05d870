"""From a trained model to a folder for the zoo: weights, an entry with their SHA-256, and a card."""

from __future__ import annotations

import re
import shutil
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from culmann.errors import InputError
from culmann_networks.facts import ModelFacts
from culmann_networks.model_file import FACTS, WEIGHTS, ModelFile, open_model, write_model
from culmann_networks.zoo import CARD, ENTRY, NAME_PATTERN, EntryFacts


def pack(
    trained: Path,
    out: Path,
    *,
    about: str,
    licence: str,
    card: Path | None = None,
    url: str | None = None,
    half: bool = False,
) -> EntryFacts:
    """Write the folder of a model for the zoo; its name is the model's.

    Parameters
    ----------
    trained
        The folder that `culmann train` wrote.
    out
        The new folder; it must not exist.
    about, licence, url
        For the entry.
    card
        A model card in Markdown; None: one is written from the facts, with places to fill in.
    half
        Keep weights in half precision, which halves the file.

    Raises
    ------
    InputError
        When there is no model, the name or the folder cannot be used, or the card cannot be read.
    """
    if not re.fullmatch(NAME_PATTERN, out.name):
        raise InputError(f"{out.name!r} cannot be the name of a model", hint="use lower-case letters, digits, hyphens and dots")
    if out.exists():
        raise InputError(f"there is a {out} already", hint="give another --out, or remove it")
    model = open_model(trained)
    text = _read(card) if card is not None else written_card(out.name, about, licence, model.facts)
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=out.parent, prefix=f".{out.name}.") as place:
        folder = Path(place) / out.name
        folder.mkdir()
        packed = _weights(model, folder, half)
        facts = EntryFacts(
            name=out.name,
            about=about,
            architecture=model.facts.architecture,
            labels=model.facts.labels,
            licence=licence,
            sha256=packed.sha256,
            size_bytes=packed.path.stat().st_size,
            url=url,
        )
        plain: dict[str, Any] = facts.model_dump(mode="json")
        plain["labels"] = dict(facts.labels)
        (folder / ENTRY).write_text(yaml.safe_dump(plain, sort_keys=False, allow_unicode=True, width=120), encoding="utf-8")
        (folder / CARD).write_text(text, encoding="utf-8")
        for name in ("curves.csv", "curves.png"):
            if trained.is_dir() and (trained / name).is_file():
                shutil.copyfile(trained / name, folder / name)
        folder.rename(out)
    return facts


def _weights(model: ModelFile, folder: Path, half: bool) -> ModelFile:
    if not half:
        shutil.copyfile(model.path, folder / WEIGHTS)
        if (model.path.with_name(FACTS)).is_file():
            shutil.copyfile(model.path.with_name(FACTS), folder / FACTS)
        return open_model(folder)
    tensors = {
        name: value.astype(np.float16) if value.dtype == np.float32 else value for name, value in model.tensors().items()
    }
    return write_model(folder, tensors, model.facts)


def _read(card: Path) -> str:
    try:
        return card.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as problem:
        raise InputError(f"the card {card} cannot be read: {problem}") from problem


def written_card(name: str, about: str, licence: str, facts: ModelFacts) -> str:
    """A model card from what the model knows of itself; what only its authors know is asked for."""
    training = facts.training
    spacing = " x ".join(f"{s:g}" for s in facts.spacing_mm)
    lines = [
        f"# {name}",
        "",
        about,
        "",
        "## The model",
        "",
        f"- step: `{facts.architecture}`, windows of {' x '.join(map(str, facts.patch_voxels))} voxels of {spacing} mm, "
        f"grey values {facts.window_hu[0]:g} to {facts.window_hu[1]:g} HU",
        f"- labels: {', '.join(f'{v} {label}' for v, label in sorted(facts.labels.items()))}",
        f"- licence of the weights: {licence}",
        "",
        "## Data",
        "",
        f"- dataset: {training.get('dataset', 'unknown')} ({training.get('licence') or 'licence not given'})",
        f"- {training.get('cases', '?')} cases for training, {training.get('validation_cases', '?')} for validation "
        f"({training.get('split', 'unknown split')})",
        "",
        "## Measured",
        "",
        "Dice on the validation cases, on the voxels of the network; they chose the epoch that was kept, so that new cases "
        "will be somewhat worse.",
        "",
        "| network | epochs | minutes | Dice | per label |",
        "|---|---|---|---|---|",
    ]
    for member, measured in facts.metrics.items():
        dice, each = measured.get("validation_dice"), measured.get("validation_dice_per_label") or {}
        told = ", ".join(f"{label} {value:.3f}" for label, value in each.items()) or "none"
        lines.append(
            f"| {member} | {measured.get('epochs')} | {measured.get('training_minutes')} | "
            f"{'not measured' if dice is None else f'{dice:.3f}'} | {told} |"
        )
    return "\n".join(
        [
            *lines,
            "",
            "## Intended use",
            "",
            "Research only. It is not a medical device. *To be filled in: for which scans it is meant.*",
            "",
            "## What it does not do",
            "",
            "*To be filled in: scans and bones on which it fails.*",
            "",
        ]
    )
