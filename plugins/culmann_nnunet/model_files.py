"""The files of a model: written from what nnU-Net trained, as safetensors and JSON, so that nothing in them can run."""

from __future__ import annotations

import json
import shutil
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from culmann.errors import InputError
from culmann_nnunet.job import Job

if TYPE_CHECKING:
    import torch

#: Marks a folder as a model of ours.
FORMAT = "culmann-nnunet"
MODEL = "model.json"

State = dict[str, "torch.Tensor"]


def write_model(
    trained: Path, folder: Path, folds: list[int | str], largest: list[list[int]], reached: dict[str, Any], job: Job
) -> None:
    """Put the trained folds of nnU-Net into a model folder: weights alone, plans, labels, curves and a card."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    mirroring: list[int] | None = None
    curves = ["fold,epoch,train_loss,validation_loss,mean_dice"]
    for fold in folds:
        checkpoint = load_checkpoint(trained / f"fold_{fold}" / "checkpoint_final.pth")
        write_weights(folder / f"fold_{fold}.safetensors", checkpoint["network_weights"])
        axes = checkpoint.get("inference_allowed_mirroring_axes")
        mirroring = None if axes is None else [int(axis) for axis in axes]
        logged = checkpoint["logging"]
        rows = zip(logged["train_losses"], logged["val_losses"], logged["mean_fg_dice"], strict=False)
        curves += [f"{fold},{n},{float(a):.6g},{float(b):.6g},{float(c):.6g}" for n, (a, b, c) in enumerate(rows, 1)]
        progress = trained / f"fold_{fold}" / "progress.png"
        if progress.is_file():
            shutil.copyfile(progress, folder / f"fold_{fold}.png")
    shutil.copyfile(trained / "plans.json", folder / "plans.json")
    described = json.loads((trained / "dataset.json").read_text(encoding="utf-8"))
    described.get("culmann", {}).pop("cases", None)  # who was in the training is nobody's business who gets the model
    (folder / "dataset.json").write_text(json.dumps(described, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    (folder / "curves.csv").write_text("\n".join(curves) + "\n", encoding="utf-8")
    facts = {
        "format": FORMAT,
        "version": 1,
        "nnunetv2": version("nnunetv2"),
        "trainer": job.trainer,
        "planner": job.planner,
        "configuration": job.configuration,
        "folds": folds,
        "mirroring_axes": mirroring,
        "keep_largest": largest,
        "epochs": job.epochs,
        "iterations_per_epoch": job.iterations,
        "reached": reached,
        "dataset": described.get("name", ""),
        "licence": described.get("licence", ""),
    }
    (folder / MODEL).write_text(json.dumps(facts, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    (folder / "README.md").write_text(_card(facts, described, job), encoding="utf-8")


def _card(facts: dict[str, Any], described: dict[str, Any], job: Job) -> str:
    """The model card."""
    names = {str(number): name for name, number in described["labels"].items()}
    folds = ", ".join(map(str, facts["folds"]))
    lines = [
        f"# {described.get('name', 'a model')}: nnU-Net v2, {job.configuration}",
        "",
        f"- **Data**: {described.get('name', '')}, {described['numTraining']} cases. {described.get('description', '')}",
        f"- **Licence of the data**: {described.get('licence') or 'not stated'}",
        f"- **Training**: {job.trainer}, {job.epochs} epochs of {job.iterations} batches, folds {folds}; "
        f"nnunetv2 {facts['nnunetv2']} through culmann",
        "- **Intended use**: research on CT in Hounsfield units like that of the training. No medical device.",
        "- **Validation** (Dice on the cases that a fold was not trained on, by nnU-Net; they served to watch the training):",
        "",
        "| fold | cases | " + " | ".join(name for number, name in names.items() if number != "0") + " |",
        "|---|---|" + "---|" * (len(names) - 1),
    ]
    for fold, result in facts["reached"].items():
        dice = result.get("validation_dice", {})
        cells = " | ".join(f"{dice[n]:.4f}" if n in dice else "not measured" for n in names if n != "0")
        lines.append(f"| {fold} | {result.get('cases', 0)} | {cells} |")
    return "\n".join(lines) + "\n"


def load_checkpoint(path: Path) -> dict[str, Any]:
    """A checkpoint of nnU-Net, read so that nothing in it can run: tensors, numbers and text alone.

    Raises
    ------
    InputError
        When the file cannot be read, or holds anything else.
    """
    import pickle

    import numpy as np
    import torch

    numbers = [np.dtype, np.dtypes.Float64DType, np.dtypes.Float32DType, np.dtypes.Int64DType]
    scalar: Any = np._core.multiarray.scalar if hasattr(np, "_core") else np.core.multiarray.scalar  # type: ignore[attr-defined]
    rebuild: Any = np._core.multiarray._reconstruct if hasattr(np, "_core") else np.core.multiarray._reconstruct  # type: ignore[attr-defined]
    # Older numpy wrote the same functions under another name.
    named: list[Any] = [(scalar, "numpy.core.multiarray.scalar"), (rebuild, "numpy.core.multiarray._reconstruct")]
    try:
        with torch.serialization.safe_globals([*numbers, scalar, rebuild, np.ndarray, *named]):
            checkpoint: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
    except OSError as problem:
        raise InputError(f"{path} cannot be read: {problem.strerror}") from problem
    except (pickle.UnpicklingError, RuntimeError, EOFError, ValueError, KeyError, AttributeError) as problem:
        first = str(problem).strip().splitlines()[0] if str(problem).strip() else type(problem).__name__
        raise InputError(
            f"{path} is no checkpoint of nnU-Net that can be read safely: {first}",
            hint="it is damaged, or holds more than tensors, numbers and text, which is not loaded",
        ) from problem
    if not isinstance(checkpoint, dict) or "network_weights" not in checkpoint:
        raise InputError(f"{path} is no checkpoint of nnU-Net: it has no network_weights")
    return checkpoint


def write_weights(path: Path, state: State) -> None:
    """Write tensors as safetensors. Names that share one tensor (nnU-Net's decoder holds its encoder) are kept as aliases."""
    from safetensors.torch import save

    first: dict[tuple[int, tuple[int, ...]], str] = {}
    tensors: State = {}
    aliases: dict[str, str] = {}
    for name, tensor in state.items():
        key = (tensor.data_ptr(), tuple(tensor.shape))
        if tensor.numel() and key in first:
            aliases[name] = first[key]
        else:
            first[key] = name
            tensors[name] = tensor.detach().cpu().contiguous()
    path.write_bytes(save(tensors, metadata={"aliases": json.dumps(aliases)}))


def read_weights(path: Path) -> State:
    """Read what `write_weights` wrote. Raises InputError when the file cannot be read."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="pt", device="cpu") as file:
            state: State = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (no mapping)
            aliases = json.loads((file.metadata() or {}).get("aliases", "{}"))
    except (SafetensorError, OSError, ValueError) as problem:
        raise InputError(f"{path} cannot be read: {problem}", hint="it may be cut off; copy it again") from problem
    return {**state, **{alias: state[name] for alias, name in aliases.items() if name in state}}
