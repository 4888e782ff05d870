"""A spine of blocks with spines of their own, in soft tissue: an anatomy whose shape and brightness are known."""

from __future__ import annotations

import numpy as np

from culmann.data import Grid, Labels, Scan

HEIGHT, DISC = 24, 6
NAMES = {1: "vertebrae_L3", 2: "vertebrae_L2", 3: "vertebrae_L1", 9: "aorta"}


def block_spine(count: int = 3) -> tuple[Scan, Labels]:
    """Blocks of 40 x 30 x 24 mm with discs of 6 mm between, arches behind that touch, in 2 mm voxels."""
    grid = Grid((48, 48, 45), (2.0, 2.0, 2.0), (10.0, -30.0, 5.0))
    x, y, z = (np.arange(n) * 2.0 + 1 for n in grid.size)
    label = np.zeros(grid.shape, dtype=np.int32)
    for n in range(count):
        low = n * (HEIGHT + DISC)
        body = (
            (abs(x - 48) < 20)[None, None] & (abs(y - 40) < 15)[None, :, None] & ((z > low) & (z < low + HEIGHT))[:, None, None]
        )
        arch = (abs(x - 48) < 8)[None, None] & (abs(y - 66) < 12)[None, :, None]
        arch = arch & ((z > low) & (z < low + HEIGHT + DISC))[:, None, None]
        label[body | arch] = n + 1
    label[:, 10:15, 20:25] = 9
    hu = np.where(np.isin(label, (1, 2, 3)), 300.0, np.where(label == 9, 150.0, 40.0)).astype(np.float32)
    hu[:, :3] = -1000
    hu[:, 3:6] = -100
    return Scan(grid, hu), Labels(grid, label, {v: n for v, n in NAMES.items() if (label == v).any()})
