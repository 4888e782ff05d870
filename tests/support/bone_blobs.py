"""A data set of made-up CTs with balls (1) and rods (2) of bone in noisy soft tissue, for tiny networks to learn."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from culmann.data import Grid, Labels, Scan
from culmann.dataset import Dataset, NewCase, write_dataset

NAMES = {1: "ball", 2: "rod"}


def blob_case(seed: int, size: int = 40, spacing_mm: float = 2.0, noise_hu: float = 30.0) -> tuple[Scan, Labels]:
    """A ball of 250 HU and a rod of 600 HU along z, both anywhere, in soft tissue that a rim of air surrounds."""
    random = np.random.default_rng(seed)
    grid = Grid((size, size, size), (spacing_mm,) * 3, (-40.0, 10.0, -30.0))
    z, y, x = np.indices(grid.shape)
    r = size * 0.16
    ball = random.uniform(0.3, 0.7, 3) * size
    corner = random.choice([0.24, 0.76], 2) * size + random.uniform(-2, 2, 2)
    label = np.zeros(grid.shape, dtype=np.int32)
    label[(z - ball[0]) ** 2 + (y - ball[1]) ** 2 + (x - ball[2]) ** 2 < r**2] = 1
    label[((y - corner[0]) ** 2 + (x - corner[1]) ** 2 < (0.5 * r) ** 2) & (z > 0.2 * size) & (z < 0.8 * size)] = 2
    hu = np.choose(label, [30.0, 250.0, 600.0]) + noise_hu * random.standard_normal(grid.shape)
    rim = (np.minimum(y, x) < 2) | (np.maximum(y, x) >= size - 2)
    hu = np.where(rim & (label == 0), -1000.0, hu)
    return Scan(grid, np.round(hu).astype(np.float32)), Labels(grid, label, NAMES)


def blob_dataset(folder: Path, cases: int = 6, size: int = 40) -> Dataset:
    """Written into a folder."""

    def made() -> Iterator[NewCase]:
        for n in range(cases):
            scan, labels = blob_case(n, size)
            yield NewCase(f"case{n}", scan, labels, patient=f"p{n}")

    return write_dataset(folder, made(), name="blobs", labels={"ball": 1, "rod": 2}, licence="made up")
