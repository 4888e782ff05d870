"""The three architectures of the comparison, each trained on a dataset into a function from a scan to labels."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from segmentation_scans import Effort, do

from culmann.data import Labels, Scan
from culmann.dataset import Dataset
from culmann.journal import QuietJournal

#: Grey values that become -1 and 1: of bone, which normalises it; and all that a scanner gives, of which nothing is changed.
WINDOW_HU, WHOLE_HU = (-300.0, 1000.0), (-1024.0, 3071.0)

Window = tuple[float, float]


def train(
    architecture: str, dataset: Dataset, out: Path, effort: Effort, window_hu: Window = WINDOW_HU
) -> Callable[[Scan], Labels]:
    """A trained segmenter; nnU-Net finds its window by itself."""
    if architecture == "nnunet":
        return _nnunet(dataset, out, effort)
    unet = _unet3d if architecture == "unet3d" else _unet2d
    return unet(dataset, out, effort, window_hu)


def _unet3d(dataset: Dataset, out: Path, effort: Effort, window_hu: Window) -> Callable[[Scan], Labels]:
    from culmann_networks import steps
    from culmann_networks.train import train as train_network
    from culmann_networks.training_options import Unet3dTraining

    epochs = _epochs(dataset, 2, 2, effort)
    sizes = {"batch_size": 2, "patch_voxels": (48, 64, 64), "patches_per_case": 2}
    train_network(Unet3dTraining(**_common(effort, window_hu), **sizes, epochs=epochs), dataset, out)
    config = steps.Unet3dConfig(model=out, when_empty="warn", threads=1)
    return lambda scan: steps.unet3d(scan, config, QuietJournal())


def _unet2d(dataset: Dataset, out: Path, effort: Effort, window_hu: Window) -> Callable[[Scan], Labels]:
    from culmann_networks import steps
    from culmann_networks.train import train as train_network
    from culmann_networks.training_options import Unet2dTraining

    epochs = _epochs(dataset, 8, 16, effort)
    sizes = {"batch_size": 16, "patch_voxels": (96, 96), "patches_per_case": 8}
    train_network(Unet2dTraining(**_common(effort, window_hu), **sizes, epochs=epochs), dataset, out)
    config = steps.Unet2dConfig(model=out, when_empty="warn", threads=1)
    return lambda scan: steps.unet2d_multiaxial(scan, config, QuietJournal())


def _common(effort: Effort, window_hu: Window) -> dict[str, Any]:
    """What both U-Nets have: small networks, and a rate that falls to nothing over the few steps."""
    from culmann_networks.architecture import UnetOptions

    return {
        "learning_rate": 1e-3,
        "loss": "dice-ce",
        "spacing_mm": (effort.spacing_mm,) * 3,
        "window_hu": window_hu,
        "network": UnetOptions(channels=(16, 32, 64, 128)),
        "validation_share": 0.0,
        "keep": "last",
        "threads": 1,
        "gradient_limit": 5.0,
        "schedule": "cosine",
    }


def _epochs(dataset: Dataset, patches: int, batch: int, effort: Effort) -> int:
    """As many as make the steps, and the cosine of the learning rate ends with them."""
    return max(1, round(effort.steps / max(1, len(dataset.cases) * patches // batch)))


def _nnunet(dataset: Dataset, out: Path, effort: Effort) -> Callable[[Scan], Labels]:
    """nnU-Net as it plans itself for a small memory; its learning rate falls from epoch to epoch of 25 steps."""
    from culmann.pipeline.digests import path_digest
    from culmann_nnunet.segment import NnunetConfig, nnunet

    iterations = min(25, effort.nnunet_steps)
    long = ["--epochs", str(max(1, effort.nnunet_steps // iterations)), "--iterations", str(iterations)]
    small = ["--memory-gb", str(effort.nnunet_memory_gb), "--device", "cpu", "--processes", "1"]
    less = ["--all-cases", "--no-validation", "--no-postprocessing"]
    do("train", "nnunet", str(dataset.folder), "--out", str(out), *long, *small, *less)
    config = NnunetConfig(model=out, sha256=path_digest(out), device="cpu", mirroring=False)
    return lambda scan: nnunet(scan, config, QuietJournal())
