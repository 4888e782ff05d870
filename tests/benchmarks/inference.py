"""Inference of one network by culmann, by nnU-Net's predictor and by MONAI's, on one CT: seconds and peak memory.

    python tests/benchmarks/inference.py                       # the trunk that ships, fresh weights, one thread
    python tests/benchmarks/inference.py --repeats 5 --threads 2 --model MODEL --scan ct.nii.gz
    python tests/benchmarks/inference.py --spacing-mm 1 --channels 8 16 32 --repeats 1   # a large volume: mind the memory

All get the same volume on the voxels of the network, the same windows (64 cubed, half of each covered again, Gaussian
weights, no mirrored looks) and the same weights. Every run is a process of its own, so that its peak memory is its own; the
runs of all take turns, so that other work on the machine disturbs them alike. `cpu` is the time that the process computed: on a
busy machine compare that. `apart` is the largest difference of the probabilities to those of nnU-Net. Needs nnunetv2 and monai.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from culmann.data import Scan
from culmann.image_files import read_image_file
from culmann.orientation import turn_of
from culmann_networks.architecture import UnetOptions
from culmann_networks.facts import ModelFacts
from culmann_networks.inference import How, shares_of
from culmann_networks.model_file import ModelFile, open_model, write_model
from culmann_networks.placing import resampled, weights_between, working_grid
from culmann_networks.unets import build, load, weights_of

TRUNK = Path(__file__).parents[2] / "pipelines" / "data" / "trunk_ct" / "ct.nii.gz"
WAYS = ("nnU-Net", "MONAI", "culmann, every window", "culmann", "culmann, bfloat16")


def fresh_model(folder: Path, channels: Sequence[int], spacing_mm: float) -> ModelFile:
    """A network with weights of chance: time does not depend on what it learnt."""
    facts = ModelFacts(
        architecture="unet3d",
        network=UnetOptions(channels=tuple(channels), residual_units=2),
        patch_voxels=(64, 64, 64),
        spacing_mm=(spacing_mm,) * 3,
        window_hu=(-300.0, 1000.0),
        labels={1: "vertebra"},
    )
    torch.manual_seed(0)
    return write_model(folder, weights_of({"volume": build("unet3d", facts.network, facts.classes)}), facts)


def volume(model: ModelFile, path: Path) -> np.ndarray:
    """The CT on the voxels of the network."""
    file = read_image_file(path)
    scan = Scan(file.grid, file.array.astype(np.float32))
    turn = turn_of(scan.grid)
    return resampled(turn.apply(scan.hu), weights_between(turn.grid, working_grid(turn.grid, model.facts.spacing_mm)))


def by_culmann(model: ModelFile, hu: np.ndarray, skip: bool, bfloat16: bool = False) -> np.ndarray:
    how = How(torch.device("cpu"), 0.5, 2, skip_below_hu=-200.0 if skip else None, bfloat16=bfloat16)
    return shares_of(load(model), model.facts, hu, how, print)


def grey(model: ModelFile, hu: np.ndarray) -> torch.Tensor:
    low, high = model.facts.window_hu
    return torch.from_numpy((np.clip(hu, low, high) - low) * np.float32(2 / (high - low)) - 1)[None]


def by_monai(model: ModelFile, hu: np.ndarray) -> np.ndarray:
    from monai.inferers import SlidingWindowInferer

    infer = SlidingWindowInferer(model.facts.patch_voxels, sw_batch_size=2, overlap=0.5, mode="gaussian", progress=False)
    network = load(model)["volume"]
    with torch.inference_mode():
        return torch.softmax(infer(grey(model, hu)[None], network)[0], dim=0).numpy()


def by_nnunet(model: ModelFile, hu: np.ndarray) -> np.ndarray:
    from types import SimpleNamespace

    from nnunetv2.inference.predict_from_raw_data import nnUNetPredictor

    predictor = nnUNetPredictor(
        tile_step_size=0.5, use_gaussian=True, use_mirroring=False, perform_everything_on_device=False,
        device=torch.device("cpu"), verbose=False, allow_tqdm=False,
    )  # fmt: skip
    # What the predictor asks of its plans: the size of the patch, and the number of outputs.
    predictor.network = load(model)["volume"]
    predictor.configuration_manager = SimpleNamespace(patch_size=model.facts.patch_voxels)
    predictor.label_manager = SimpleNamespace(num_segmentation_heads=model.facts.classes)
    predictor.list_of_parameters = [predictor.network.state_dict()]
    predictor.allowed_mirroring_axes = None
    logits = predictor.predict_logits_from_preprocessed_data(grey(model, hu))
    return torch.softmax(logits.float(), dim=0).numpy()


def once(way: str, model: ModelFile, hu: np.ndarray) -> np.ndarray:
    if way == "nnU-Net":
        return by_nnunet(model, hu)
    if way == "MONAI":
        return by_monai(model, hu)
    return by_culmann(model, hu, skip="every" not in way, bfloat16="bfloat16" in way)


def child(way: str, folder: Path, threads: int) -> None:
    """One run in this process; prints its numbers as JSON."""
    torch.set_num_threads(threads)
    model, hu = open_model(folder), np.load(folder / "volume.npy")
    once(way, model, hu[:64, :64, :64])  # imports and first calls are not measured
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    wall, cpu = time.perf_counter(), time.process_time()
    found = once(way, model, hu)
    facts = {"seconds": time.perf_counter() - wall, "cpu": time.process_time() - cpu}
    facts["memory_mb"] = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    np.save(folder / f"{WAYS.index(way)}.npy", found)
    print("RESULT " + json.dumps(facts))


def main() -> None:
    """Run all ways in turns and print a table."""
    ask = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    ask.add_argument("--model", type=Path)
    ask.add_argument("--scan", type=Path, default=TRUNK)
    ask.add_argument("--channels", type=int, nargs="+", default=[32, 64, 128, 256], help="of a fresh network")
    ask.add_argument("--spacing-mm", type=float, default=1.5, help="of a fresh network: 1 makes the trunk a large volume")
    ask.add_argument("--repeats", type=int, default=3)
    ask.add_argument("--threads", type=int, default=1)
    ask.add_argument("--crop", type=int, help="Only a cube of so many voxels in the middle.")
    ask.add_argument("--child", nargs=2)
    given = ask.parse_args()
    if given.child:
        child(given.child[0], Path(given.child[1]), given.threads)
        return
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        model = fresh_model(folder, given.channels, given.spacing_mm)
        if given.model:
            mine = open_model(given.model)
            model = write_model(folder, mine.tensors(), mine.facts)
        hu = volume(model, given.scan)
        if given.crop:
            hu = hu[tuple(slice((n - given.crop) // 2, (n + given.crop) // 2) for n in hu.shape)].copy()
        np.save(folder / "volume.npy", hu)
        size = " x ".join(map(str, hu.shape))
        print(f"{given.scan.name} on {size} voxels, windows of {model.facts.patch_voxels}, {given.threads} thread(s)")
        rows: dict[str, list[dict[str, Any]]] = {way: [] for way in WAYS}
        for _ in range(given.repeats):
            for way in WAYS:
                rows[way].append(_run(way, folder, given.threads))
        reference = np.load(folder / "0.npy")
        print(f"{'':<24}{'seconds':>9}{'cpu s':>9}{'peak MB':>9}{'apart':>10}{'same label':>12}")
        for n, way in enumerate(WAYS):
            found, best = np.load(folder / f"{n}.npy"), {k: min(row[k] for row in rows[way]) for k in rows[way][0]}
            same = float((found.argmax(axis=0) == reference.argmax(axis=0)).mean())
            apart = float(np.abs(found - reference).max())
            told = f"{best['seconds']:>9.1f}{best['cpu']:>9.1f}{best['memory_mb']:>9.0f}{apart:>10.2g}{100 * same:>10.2f} %"
            print(f"{way:<24}{told}", flush=True)


def _run(way: str, folder: Path, threads: int) -> dict[str, Any]:
    command = [sys.executable, __file__, "--child", way, str(folder), "--threads", str(threads)]
    done = subprocess.run(
        command, capture_output=True, text=True, check=True, env={**os.environ, "OMP_NUM_THREADS": str(threads)}
    )
    line = next(line for line in done.stdout.splitlines() if line.startswith("RESULT "))
    facts: dict[str, Any] = json.loads(line.removeprefix("RESULT "))
    return facts


if __name__ == "__main__":
    main()
