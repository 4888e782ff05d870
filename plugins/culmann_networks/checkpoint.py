"""Where a training stands, in one file that is replaced whole: weights, the state of Adam, and what was measured. No pickle."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from safetensors.torch import save as to_bytes
from torch import Tensor, nn

from culmann.errors import InputError

Row = dict[str, float | int | None]


@dataclass(slots=True)
class Standing:
    """Where the training of one network stands.

    Parameters
    ----------
    epoch
        Epochs that are done.
    seconds
        Time that they took.
    rows
        One for every epoch: loss, validation Dice, learning rate, seconds.
    best_dice, best_epoch
        The best validation, and when; None before the first one.
    best
        The weights of then.
    done
        Why the training ended; empty while it has not.
    """

    epoch: int = 0
    seconds: float = 0.0
    rows: list[Row] = field(default_factory=list)
    best_dice: float | None = None
    best_epoch: int = 0
    best_per_label: dict[str, float] = field(default_factory=dict)
    best: dict[str, Tensor] = field(default_factory=dict)
    done: str = ""


def save(
    path: Path, standing: Standing, network: nn.Module, optimiser: torch.optim.Optimizer, scaler: Any, facts: dict[str, Any]
) -> None:
    """Write all that is needed to go on, and what the training is, in place of what was there."""
    state = optimiser.state_dict()
    tensors = {f"network.{name}": value for name, value in network.state_dict().items()}
    tensors |= {f"best.{name}": value for name, value in standing.best.items()}
    for number, entry in state["state"].items():
        tensors |= {f"adam.{number}.{key}": torch.as_tensor(value) for key, value in entry.items()}
    told = {
        "epoch": standing.epoch,
        "seconds": standing.seconds,
        "rows": standing.rows,
        "best_dice": standing.best_dice,
        "best_epoch": standing.best_epoch,
        "best_per_label": standing.best_per_label,
        "done": standing.done,
        "scaler": scaler.state_dict(),
        "training": facts,
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.part")
    plain = {name: value.detach().cpu().clone().contiguous() for name, value in tensors.items()}
    part.write_bytes(to_bytes(plain, metadata={"culmann-training": json.dumps(told)}))
    part.replace(path)


def restore(path: Path, network: nn.Module, optimiser: torch.optim.Optimizer, scaler: Any, facts: dict[str, Any]) -> Standing:
    """Bring network and optimiser to where a checkpoint stands; a fresh standing when there is none.

    Raises
    ------
    InputError
        When the checkpoint belongs to a training with other data or options, or is damaged.
    """
    if not path.exists():
        return Standing()
    again = "give another folder with --out, or start over with --anew"
    try:
        with safe_open(path, framework="pt") as file:
            told = json.loads(file.metadata()["culmann-training"])
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - it is no dict
    except Exception as problem:
        raise InputError(f"the checkpoint {path} cannot be read", hint=again) from problem
    # What only one of them knows is an option that came later: its default is what was done before.
    other = [key for key in sorted(facts.keys() & told["training"].keys()) if facts[key] != told["training"][key]]
    if other:
        raise InputError(
            f"{path.parent.parent} holds a training that differs in {', '.join(other)}, and cannot be gone on with",
            hint=again,
        )
    network.load_state_dict({name.removeprefix("network."): v for name, v in tensors.items() if name.startswith("network.")})
    state = optimiser.state_dict()
    entries: dict[int, dict[str, Tensor]] = {}
    for name, value in tensors.items():
        if name.startswith("adam."):
            _, number, key = name.split(".", 2)
            entries.setdefault(int(number), {})[key] = value
    optimiser.load_state_dict({"state": entries, "param_groups": state["param_groups"]})
    scaler.load_state_dict(told["scaler"])
    best = {name.removeprefix("best."): value for name, value in tensors.items() if name.startswith("best.")}
    return Standing(
        told["epoch"],
        told["seconds"],
        told["rows"],
        told["best_dice"],
        told["best_epoch"],
        told["best_per_label"],
        best,
        told["done"],
    )
