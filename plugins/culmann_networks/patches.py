"""Training patches: cut out of a case and moved, turned, sheared and scaled in one interpolation, each from its own seed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from monai.transforms.utils import create_rotate, create_scale, create_shear
from torch import Tensor
from torch.nn.functional import grid_sample

from culmann.data.arrays import FloatArray
from culmann_networks.cases import Case
from culmann_networks.training_options import Augmentation

#: The array axis (z, y, x) of a direction of the patient.
_AXIS = {"up-down": 0, "front-back": 1, "left-right": 2}


@dataclass(frozen=True, slots=True)
class Cutting:
    """How patches are made.

    Parameters
    ----------
    shape
        (z, y, x) of a patch; 1 along the axis of a slice, which always is the first one (see `plane`).
    plane
        The array axis at right angles to slices: it is brought to the front. None for blocks.
    spacing_mm
        (z, y, x) of the cases, in their own order of axes.
    window_hu
        What becomes -1 and 1.
    foreground_share
        Share of the patches that are centred on a labelled voxel.
    augmentation
        How patches are changed.
    """

    shape: tuple[int, int, int]
    plane: int | None
    spacing_mm: tuple[float, float, float]
    window_hu: tuple[float, float]
    foreground_share: float
    augmentation: Augmentation


def patch(case: Case, cutting: Cutting, seed: Sequence[int]) -> tuple[Tensor, Tensor]:
    """Grey values (z, y, x), normalised, and classes (z, y, x) of a patch; the seed decides all that is random."""
    random = np.random.default_rng(seed)
    order = order_of(cutting.plane)
    hu, classes = case.hu.transpose(order), case.classes.transpose(order)
    spacing = np.array([cutting.spacing_mm[a] for a in order])
    shape = np.array(cutting.shape)
    centre = _centre(case, hu.shape, shape, order, cutting, random)
    matrix, centre, flips = _change(cutting, order, spacing, centre, random)
    corners = np.array(np.meshgrid(*[(-(n - 1) / 2, (n - 1) / 2) for n in shape], indexing="ij")).reshape(3, -1)
    reached = matrix @ corners + centre[:, None]
    low = np.clip(np.floor(reached.min(axis=1)).astype(int) - 1, 0, np.array(hu.shape) - 1)
    high = np.clip(np.ceil(reached.max(axis=1)).astype(int) + 2, low + 1, hu.shape)
    box = tuple(slice(a, b) for a, b in zip(low, high, strict=True))
    floor, ceiling = cutting.window_hu
    # Air is 0 here, so that what lies beyond the scan becomes air.
    grey = torch.from_numpy((hu[box].astype(np.float32) - floor) * np.float32(2 / (ceiling - floor)))
    label = torch.from_numpy(classes[box].astype(np.float32))
    where = _sampling(matrix, centre - low, cutting.shape, np.array(grey.shape))
    image = grid_sample(grey[None, None], where, "bilinear", "zeros", align_corners=True)[0, 0] - 1
    truth = grid_sample(label[None, None], where, "nearest", "zeros", align_corners=True)[0, 0]
    if flips:
        image, truth = image.flip(flips), truth.flip(flips)
    return _grey_changes(image, cutting, random), truth.to(torch.uint8)


def order_of(plane: int | None) -> tuple[int, int, int]:
    """The order of array axes that brings the axis at right angles to slices to the front."""
    return (0, 1, 2) if plane is None or plane == 0 else (1, 0, 2) if plane == 1 else (2, 0, 1)


def _centre(
    case: Case,
    size: tuple[int, ...],
    shape: npt.NDArray[Any],
    order: tuple[int, ...],
    cutting: Cutting,
    random: np.random.Generator,
) -> FloatArray:
    """The middle of a patch in voxels: on a label, or anywhere; the patch stays in the case where it fits into it."""
    if case.centres and random.random() < cutting.foreground_share:
        of_class = case.centres[random.integers(len(case.centres))]
        centre = of_class[random.integers(len(of_class))][list(order)].astype(float)
    else:
        centre = random.uniform(-0.5, np.array(size) - 0.5)
    half = (shape - 1) / 2
    least, most = half, np.array(size) - 1 - half
    middle = (np.array(size) - 1) / 2
    centre = np.where(most >= least, np.clip(centre, np.minimum(least, most), np.maximum(least, most)), middle)
    return np.where(shape == 1, np.round(centre), centre)


def _change(
    cutting: Cutting, order: tuple[int, ...], spacing: FloatArray, centre: FloatArray, random: np.random.Generator
) -> tuple[FloatArray, FloatArray, list[int]]:
    """The matrix from offsets in the patch to offsets in the case (voxels), the middle, and the axes that are mirrored."""
    options, flat = cutting.augmentation, cutting.plane is not None
    # Drawn whether they are used or not: one change of an option must not reshuffle all others.
    turn = random.uniform(-1, 1, 3) * np.radians(options.rotation_degrees)
    shift = random.uniform(-1, 1, 3) * options.translation_mm
    shear = random.uniform(-1, 1, 6) * options.shear_factor
    scale = 1 + random.uniform(-1, 1) * options.scaling_factor
    mirrored = random.random(3) < 0.5
    if random.random() >= options.share:
        return np.eye(3), centre, []
    if flat:
        inner = np.eye(3)
        inner[1:, 1:] = _matrix(2, turn[:1], shear[:2], scale)
        shift[0] = 0
    else:
        inner = _matrix(3, turn, shear, scale)
    flips = [n for n, axis in enumerate(order) if mirrored[axis] and any(_AXIS[f] == axis for f in options.flip_axes)]
    matrix = inner * spacing[None, :] / spacing[:, None]
    return matrix, centre + shift / spacing, flips


def _matrix(dimensions: int, turn: FloatArray, shear: FloatArray, scale: float) -> FloatArray:
    """Rotation, shear and scaling in millimetres, by MONAI."""
    product = (
        np.asarray(create_rotate(dimensions, list(turn)))
        @ np.asarray(create_shear(dimensions, list(shear)))
        @ np.asarray(create_scale(dimensions, [scale] * dimensions))
    )
    return np.asarray(product[:dimensions, :dimensions], dtype=float)


def _sampling(matrix: FloatArray, centre: FloatArray, shape: tuple[int, int, int], size: npt.NDArray[Any]) -> Tensor:
    """(1, z, y, x, 3) as `grid_sample` takes it: positions in a box of a size, from -1 to 1, in the order x, y, z."""
    along = [torch.arange(n, dtype=torch.float32) - (n - 1) / 2 for n in shape]
    parts = []
    for row in (2, 1, 0):
        z, y, x = (along[a] * float(matrix[row, a]) for a in range(3))
        at = z[:, None, None] + y[None, :, None] + x[None, None, :] + float(centre[row])
        parts.append(at * (2 / (size[row] - 1)) - 1 if size[row] > 1 else at.sub(0.0).mul(2.0))
    return torch.stack(parts, dim=-1)[None]


def _grey_changes(image: Tensor, cutting: Cutting, random: np.random.Generator) -> Tensor:
    options = cutting.augmentation
    per_hu = 2 / (cutting.window_hu[1] - cutting.window_hu[0])
    if options.contrast_factor:
        air = -1.0
        image = (image - air) * float(1 + random.uniform(-1, 1) * options.contrast_factor) + air
    if options.noise_hu:
        sd = random.uniform(0, options.noise_hu) * per_hu
        image = image + torch.from_numpy(random.standard_normal(image.shape, dtype=np.float32)) * float(sd)
    return image.clamp(-1, 1) if options.contrast_factor or options.noise_hu else image


def batches(
    cases: Sequence[Case], cutting: Cutting, per_case: int | None, batch_size: int, seed: Sequence[int], workers: int
) -> Iterator[tuple[Tensor, Tensor]]:
    """The batches (n, 1, z, y, x), (n, 1, z, y, x) of one epoch; they depend on the seed alone, not on the workers."""
    counts = [per_case if per_case is not None else case.hu.shape[cutting.plane or 0] for case in cases]
    entries = [(c, n) for c, count in enumerate(counts) for n in range(count)]
    shuffled = [entries[i] for i in np.random.default_rng(seed).permutation(len(entries))]
    groups = [shuffled[first : first + batch_size] for first in range(0, len(shuffled), batch_size)]

    def make(group: list[tuple[int, int]]) -> tuple[Tensor, Tensor]:
        made = [patch(cases[c], cutting, (*seed, c, n)) for c, n in group]
        return torch.stack([image for image, _ in made])[:, None], torch.stack([truth for _, truth in made])[:, None]

    yield from map(make, groups) if workers == 0 else _ahead(make, groups, workers)


def _ahead(
    make: Callable[[list[tuple[int, int]]], tuple[Tensor, Tensor]], groups: list[list[tuple[int, int]]], workers: int
) -> Iterator[tuple[Tensor, Tensor]]:
    """The same in the same order, made by threads ahead of their use; never more than twice as many as there are threads."""
    with ThreadPoolExecutor(workers, "patches") as pool:
        waiting = [pool.submit(make, group) for group in groups[: 2 * workers]]
        for n in range(len(groups)):
            following = n + 2 * workers
            if following < len(groups):
                waiting.append(pool.submit(make, groups[following]))
            yield waiting.pop(0).result()
