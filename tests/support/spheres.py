"""A tiny dataset for networks: two balls of bone in soft tissue, in scans with their axes in different orders."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from culmann.data import Grid, Labels, Scan
from culmann.dataset import Dataset, NewCase, write_dataset

#: Numbers with a gap, as those of real label maps.
NAMES = {"head": 4, "shaft": 9}

_AXES = (
    (1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0),
    (0.0, 1.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0, -1.0),
)


def ball_case(seed: int, size: tuple[int, int, int] = (32, 30, 28)) -> tuple[Scan, Labels]:
    """A scan and its labels: the head is to the left of the shaft and above it, whatever the order of the axes."""
    draw = np.random.default_rng(seed)
    grid = Grid(size, (1.5, 1.6, 1.7), tuple(draw.uniform(-30, 30, 3)), _AXES[seed % 2])
    low, high = grid.extent_mm()
    middle = (low + high) / 2 + draw.uniform(-2, 2, 3)
    k, j, i = np.indices(grid.shape)
    place = grid.to_world(np.stack([i.ravel(), j.ravel(), k.ravel()], axis=1))
    label = np.zeros(len(place), dtype=np.int32)
    label[np.linalg.norm(place - middle + (6, 0, 6), axis=1) < 7 + draw.uniform(-1, 1)] = NAMES["shaft"]
    label[np.linalg.norm(place - middle - (6, 0, 6), axis=1) < 9 + draw.uniform(-1, 1)] = NAMES["head"]
    hu = draw.normal(-60, 40, len(place))
    hu[label == NAMES["shaft"]] += 900
    hu[label == NAMES["head"]] += 450
    names = {number: name for name, number in NAMES.items()}
    return Scan(grid, hu.reshape(grid.shape).astype(np.float32)), Labels(grid, label.reshape(grid.shape), names)


def ball_dataset(folder: Path, cases: int) -> Dataset:
    """Two cases for each patient."""
    made = (NewCase(f"c{n}", *ball_case(n), f"p{n // 2}", ("left", "right")[n % 2]) for n in range(cases))
    return write_dataset(folder, made, name="balls", labels=NAMES, licence="CC0")
