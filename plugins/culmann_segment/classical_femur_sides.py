"""Which of the round bones in view are the heads of the two femurs, and which is the left one."""

from __future__ import annotations

from dataclasses import replace
from itertools import permutations

import numpy as np

from culmann_segment.classical_femur_head import Head, candidates, fit, neck_of
from culmann_segment.classical_femur_working import Image, resampled

#: Beyond this many voxels of 2 mm the search takes voxels of 3 mm.
_MOST_VOXELS = 30_000_000

#: Least roundness of one of two heads that lie as a pair does, and of a head alone, for which nothing else speaks.
PAIR_ROUND, ALONE_ROUND = 0.55, 0.72

#: Least evidence for a neck that runs away from the pelvis.
_EVIDENCE = 0.5


def find_heads(image: Image) -> tuple[dict[str, Head], float]:
    """Heads by side, none to two of them, and the roundness of the roundest ball of bone in view.

    Two heads that lie beside each other at a distance of hips are left and right as they lie; a single one is told by its neck,
    which runs away from the pelvis.
    """
    extent = np.asarray(image.grid.size) * np.asarray(image.grid.spacing_mm)
    spacing = 2.0 if np.prod(extent / 2.0) <= _MOST_VOXELS else 3.0
    coarse = resampled(image, spacing)
    found = [head for row in candidates(coarse) if (head := fit(coarse, row[:3])) is not None]
    distinct: list[Head] = []
    for head in sorted(found, key=lambda h: -h.roundness):
        if all(np.linalg.norm(head.centre_mm - other.centre_mm) > 15 for other in distinct):
            distinct.append(head)
    roundest = max((head.roundness for head in distinct), default=0.0)
    lie_so = [(a, b) for a, b in permutations(distinct, 2) if _lie_as_hips(a, b)]
    pairs = [(_of_side(coarse, a, "left"), _of_side(coarse, b, "right")) for a, b in lie_so]
    pairs = [pair for pair in pairs if min(head.neck_evidence for head in pair) >= _EVIDENCE]
    if pairs:
        left, right = max(pairs, key=lambda pair: sum(h.roundness + 0.5 * min(h.neck_evidence, 1.0) for h in pair))
        return {"left": left, "right": right}, roundest
    for head in distinct:
        if head.roundness >= ALONE_ROUND and head.neck_evidence >= _EVIDENCE:
            return {head.side: head}, roundest
    return {}, roundest


def _of_side(image: Image, head: Head, side: str) -> Head:
    """A head whose side is known from where it lies, with its neck looked for on that side."""
    neck, _, density = neck_of(image, head.centre_mm, head.radius_mm, side)
    return replace(head, side=side, neck=neck, neck_evidence=density)


def _lie_as_hips(left: Head, right: Head) -> bool:
    """Whether two round bones lie as the heads of a left and a right femur do."""
    x, y, z = left.centre_mm - right.centre_mm
    beside = 110 <= x <= 280 and abs(y) <= 40 and abs(z) <= 40
    alike = abs(left.radius_mm - right.radius_mm) < 0.2 * min(left.radius_mm, right.radius_mm)
    believed = min(left.roundness, right.roundness) >= PAIR_ROUND
    return bool(beside and alike and believed)
