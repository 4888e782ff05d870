"""From a scan to labels on its own grid, by the networks of a model."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from culmann.data import Grid, Labels, Scan
from culmann.data.images import write_nifti
from culmann.errors import InputError
from culmann.journal import Journal
from culmann.orientation import Turn, turn_of
from culmann_networks.device import device_of, threads
from culmann_networks.inference import Fusion, How, shares_of
from culmann_networks.model_file import ModelFile
from culmann_networks.placing import classes_onto, resampled, weights_between, working_grid
from culmann_networks.plausible import expect_plausible
from culmann_networks.unets import load

if TYPE_CHECKING:
    from culmann_networks.steps import NetworkConfig


def segment(model: ModelFile, scan: Scan, config: NetworkConfig, fusion: Fusion, journal: Journal) -> Labels:
    """The labels of a scan.

    Raises
    ------
    InputError
        When the scan is not what the model can be used on, the weights do not fit, or nothing is found.
    """
    facts = model.facts
    expect_plausible(scan, facts, facts.architecture, journal, check_hu=config.check_hu)
    with threads(config.threads):
        device = device_of(config.device)
        networks = {name: network.to(device) for name, network in load(model).items()}
        turn = turn_of(scan.grid)
        grid = working_grid(turn.grid, facts.spacing_mm)
        journal.progress(f"to voxels of {' x '.join(f'{s:g}' for s in facts.spacing_mm)} mm")
        hu = resampled(turn.apply(scan.hu), weights_between(turn.grid, grid))
        _tell_padding(grid, facts.patch_voxels, journal)
        how = How(
            device,
            config.overlap,
            config.batch_windows,
            config.test_time_flips,
            fusion,
            config.skip_below_hu,
            bfloat16=config.bfloat16_on_cpu,
        )
        where = "on a GPU" if device.type == "cuda" else "on the CPU"
        shares = shares_of(
            networks, facts, hu, how, journal.warn, lambda share: journal.progress(f"the network {where}", share)
        )
    classes = turn.undo(classes_onto(shares, grid, turn.grid))
    label = np.asarray(facts.numbers, dtype=np.int32)[classes]
    if config.probabilities:
        _keep(shares, grid, turn, scan.grid, facts.labels, journal)
    _expect_something(label, shares, facts.labels, config.when_empty, journal)
    told = f"{facts.architecture}: {model.path.parent.name}, weights {model.sha256[:12]}"
    return Labels(scan.grid, np.ascontiguousarray(label), dict(facts.labels), (*scan.history, told), scan.placement)


def _tell_padding(grid: Grid, patch_voxels: tuple[int, ...], journal: Journal) -> None:
    """That the scan is smaller than a window, which the network did not see in training to this extent."""
    smallest = patch_voxels if len(patch_voxels) == 3 else (1, *patch_voxels)
    if len(patch_voxels) == 3 and any(n < p for n, p in zip(grid.shape, smallest, strict=True)):
        have, want = (" x ".join(map(str, size)) for size in (grid.shape, smallest))
        journal.warn(f"the scan is smaller ({have} voxels of the network) than a window ({want}): it is surrounded by air")


def _expect_something(
    label: npt.NDArray[np.int32], shares: npt.NDArray[np.float32], names: dict[int, str], when_empty: str, journal: Journal
) -> None:
    found = {int(v) for v in np.unique(label) if v != 0}
    if not found:
        most = float(shares[1:].max()) if shares.size else 0.0
        text = (
            f"the network finds nothing of what it knows ({', '.join(names.values())}) in the scan; "
            f"the largest probability is {most:.2g}"
        )
        if when_empty == "error":
            raise InputError(
                text,
                hint="does the scan show what the model was trained on, in the orientation that its header says? "
                "`when_empty: warn` lets the run go on",
            )
        journal.warn(text)
        return
    missing = [name for value, name in names.items() if value not in found]
    if missing and len(names) <= 4:
        journal.warn(f"the network finds no {', '.join(missing)} in the scan")


def _keep(
    shares: npt.NDArray[np.float32], source: Grid, turn: Turn, scan: Grid, names: dict[int, str], journal: Journal
) -> None:
    """Attach the share of every label on the grid of the scan, in thousandths: more digits cannot be packed."""
    weights = weights_between(source, turn.grid)
    for share, (_, name) in zip(shares[1:], sorted(names.items()), strict=True):
        back = np.round(turn.undo(resampled(share, weights)), 3).astype(np.float32)
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "share.nii.gz"
            write_nifti(path, back, scan)
            safe = "".join(c if c.isalnum() or c in "-_." else "-" for c in name)
            journal.attach(f"probability-{safe}.nii.gz", path.read_bytes())
