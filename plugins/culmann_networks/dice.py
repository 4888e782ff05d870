"""The Dice score of a label map against the truth, counted over whole cases."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt


def dice_per_class(
    found: Sequence[npt.NDArray[np.uint8]], truth: Sequence[npt.NDArray[np.uint8]], classes: int
) -> dict[int, float]:
    """{class: mean over cases of 2 |A and B| / (|A| + |B|)}; a case in which neither has the class does not count."""
    scores: dict[int, list[float]] = {c: [] for c in range(1, classes)}
    for a, b in zip(found, truth, strict=True):
        both = np.bincount(a[a == b], minlength=classes)
        sizes = np.bincount(a.ravel(), minlength=classes) + np.bincount(b.ravel(), minlength=classes)
        for c in range(1, classes):
            if sizes[c]:
                scores[c].append(2 * int(both[c]) / int(sizes[c]))
    return {c: float(np.mean(values)) for c, values in scores.items() if values}
