"""Tissue classes of what has no label: the brightness of the CT in clusters, as SynthSeg does it."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

#: Air, lung or bowel gas, fat, fluid and muscle, blood with contrast, bone without a label.
_CLASSES_HU = (-1000.0, -700.0, -100.0, 40.0, 180.0, 600.0)

#: A class with a smaller share of the voxels is none.
_LEAST_SHARE = 1e-3


def class_means(hu: npt.NDArray[np.float32]) -> tuple[float, ...]:
    """Means of the brightness classes of voxels, ascending: k-means in one dimension, begun at what CT usually shows, HU."""
    if hu.size == 0:
        return ()
    values, counts = np.unique(np.round(np.clip(hu, -1024, 2000)).astype(np.int32), return_counts=True)
    means = np.array(_CLASSES_HU)
    for _ in range(30):
        nearest = np.abs(values[:, None] - means[None, :]).argmin(axis=1)
        weight = np.bincount(nearest, counts, minlength=len(means))
        kept = weight > _LEAST_SHARE * counts.sum()
        total = np.bincount(nearest, counts * values, minlength=len(means))
        moved = total[kept] / weight[kept]
        if len(moved) == len(means) and np.abs(moved - means).max() < 0.5:
            break
        means = moved
    return tuple(float(mean) for mean in means)


def tissue_at(hu: float) -> str:
    """The tissue that an unlabelled class of this mean brightness is painted as."""
    limits = ((-850, "air"), (-250, "lung"), (-40, "fat"), (110, "muscle"), (350, "blood"))
    return next((tissue for limit, tissue in limits if hu < limit), "cortical")
