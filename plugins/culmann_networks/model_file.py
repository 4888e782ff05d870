"""A model on disk: one safetensors file that holds the weights and, in its header, the facts; its SHA-256 covers both."""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from culmann.errors import InputError
from culmann_networks.facts import ModelFacts
from culmann_networks.fingerprints import sha256_of

#: The file within a folder that a training wrote, and the readable copy of its facts.
WEIGHTS, FACTS = "weights.safetensors", "model.json"

#: The entry of the header.
_KEY = "culmann"

#: A header longer than this is none of ours.
_LONGEST_HEADER = 16_000_000


@dataclass(frozen=True, slots=True)
class ModelFile:
    """A weights file whose header was read and whose content was found to be the one that was pinned.

    Parameters
    ----------
    path
        The file.
    facts
        From its header.
    sha256
        Of the whole file.
    """

    path: Path
    facts: ModelFacts
    sha256: str

    def tensors(self) -> dict[str, npt.NDArray[Any]]:
        """The weights by name."""
        from safetensors.numpy import load_file

        return load_file(self.path)


def weights_path(model: Path) -> Path:
    """The weights file that a path stands for: a folder as `culmann train` writes it, or the file itself.

    Raises
    ------
    InputError
        When there is none.
    """
    path = model / WEIGHTS if model.is_dir() else model
    if path.is_file():
        return path
    if model.is_dir() and (model / "training").is_dir():
        raise InputError(
            f"the training in {model} has not finished: there is no {WEIGHTS} yet",
            hint="go on with the same `culmann train` command; it takes up where it stopped",
        )
    raise InputError(f"there is no model at {model}", hint=f"give the folder that `culmann train` wrote, or its {WEIGHTS}")


def open_model(model: Path, sha256: str | None = None) -> ModelFile:
    """The model at a path, checked against a pin where one is given.

    Raises
    ------
    InputError
        When there is no model, the file is not a safetensors file with our facts, it is not the one that was pinned, or the
        readable copy of the facts beside it says something else than the weights file.
    """
    path = weights_path(model)
    found = sha256_of(path)
    if sha256 is not None and found != sha256.lower():
        raise InputError(
            f"{path} is not the file that was pinned: its SHA-256 is {found}, and {sha256.lower()} is wanted",
            hint="it was changed, damaged or replaced: get it again from where it came; "
            "if it is the one that you mean, write its SHA-256 into `sha256`",
        )
    header = _header(path)
    text = header.get("__metadata__", {}).get(_KEY)
    if not isinstance(text, str):
        raise InputError(
            f"{path} holds weights without a description of the network that they belong to",
            hint="weights of other programs cannot be used as they are; train with `culmann train`, or take a model of the zoo",
        )
    try:
        described = json.loads(text)
    except ValueError as problem:
        raise InputError(f"the description in {path} is damaged", hint="copy the file again") from problem
    copy = path.with_name(FACTS)
    if model.is_dir() and copy.is_file() and _read(copy) != described:
        raise InputError(
            f"{copy} is only a readable copy of what stands in {path.name}, and it says something else",
            hint=f"it was edited, or the files belong to two models; without {copy.name} the weights file is used as it is",
        )
    return ModelFile(path, ModelFacts.read(described, str(path)), found)


def write_model(folder: Path, tensors: Mapping[str, npt.NDArray[Any]], facts: ModelFacts) -> ModelFile:
    """Write weights with their facts, and the readable copy; each file appears whole."""
    from safetensors.numpy import save

    folder.mkdir(parents=True, exist_ok=True)
    plain = facts.model_dump(mode="json")
    part = folder / f".{WEIGHTS}.part"
    # In one order, so that the same weights give the same file.
    ordered = {name: np.ascontiguousarray(tensors[name]) for name in sorted(tensors)}
    part.write_bytes(save(ordered, metadata={_KEY: json.dumps(plain, sort_keys=True)}))
    copy = folder / f".{FACTS}.part"
    copy.write_text(json.dumps(plain, indent=1) + "\n", encoding="utf-8")
    (folder / FACTS).unlink(missing_ok=True)
    part.replace(folder / WEIGHTS)
    copy.replace(folder / FACTS)
    return open_model(folder)


def _header(path: Path) -> dict[str, Any]:
    """The JSON at the head of a safetensors file: eight bytes of length, then the text."""
    try:
        with path.open("rb") as file:
            (length,) = struct.unpack("<Q", file.read(8))
            if not 2 <= length <= min(_LONGEST_HEADER, path.stat().st_size - 8):
                raise ValueError(length)
            header = json.loads(file.read(length))
        if not isinstance(header, dict):
            raise ValueError(header)
    except (struct.error, ValueError, UnicodeDecodeError) as problem:
        raise InputError(
            f"{path} is no safetensors file, or it is cut off",
            hint="weights are read from safetensors only, because other formats can hold programs; copy the file again",
        ) from problem
    _expect_whole(path, header)
    return header


def _expect_whole(path: Path, header: Mapping[str, Any]) -> None:
    """Whether the file is as long as its header says."""
    try:
        ends = [int(entry["data_offsets"][1]) for name, entry in header.items() if name != "__metadata__"]
    except (KeyError, TypeError, IndexError, ValueError) as problem:
        raise InputError(f"the header of {path} is damaged", hint="copy the file again") from problem
    with path.open("rb") as file:
        (length,) = struct.unpack("<Q", file.read(8))
    if path.stat().st_size != 8 + length + max(ends, default=0):
        raise InputError(f"{path} is cut off or longer than its header says", hint="copy the file again")


def _read(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except ValueError:
        return None
