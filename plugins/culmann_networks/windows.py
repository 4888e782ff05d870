"""A network over a volume in overlapping windows, weighted by a Gaussian: blocks in 3-D, slices in 2-D by the same code."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from monai.data.utils import compute_importance_map
from torch import Tensor

from culmann.errors import SolverError

#: (n, 1, z, y, x) to (n, classes, z, y, x): shares that add up to 1.
Run = Callable[[Tensor], Tensor]
Size = tuple[int, int, int]

#: The standard deviation of the Gaussian over the size of the window, as in MONAI and nnU-Net.
_SIGMA = 0.125
#: Probabilities of more classes than this are summed up in half precision, for want of memory.
_FEW = 8


@dataclass(frozen=True, slots=True)
class Windows:
    """How a volume is cut.

    Parameters
    ----------
    size
        Of a window: z, y, x.
    overlap
        Share of a window that the next one covers again, along every axis.
    batch
        Windows that go through the network at once.
    divisor
        Windows that are made smaller for want of memory stay multiples of this.
    """

    size: Size
    overlap: float = 0.5
    batch: int = 4
    divisor: int = 1


def starts(length: int, window: int, overlap: float) -> list[int]:
    """First voxels of the windows along one axis: as few as keep the overlap, evenly spaced, from edge to edge."""
    if window >= length:
        return [0]
    gaps = math.ceil((length - window) / max(1.0, window * (1 - overlap)) - 1e-9)
    return [round(n * (length - window) / gaps) for n in range(gaps + 1)]


def sliding(
    volume: Tensor,
    run: Run,
    windows: Windows,
    classes: int,
    worth: Tensor | None,
    told: Callable[[str], None],
    done: Callable[[float], None] = lambda _: None,
) -> Tensor:
    """Shares (classes, z, y, x) of the classes; where no window lies that is worth the work, all is background.

    Parameters
    ----------
    volume
        (z, y, x), normalised; on the device that computes. It is continued by -1, air, where it is smaller than a window.
    run
        The network with a softmax behind it.
    windows
        How to cut; smaller ones are taken when memory runs out.
    classes
        Number of classes.
    worth
        (z, y, x): a window without any such voxel is left out; None: every window counts.
    told
        Is told when the batch or the window had to be made smaller.
    done
        Is told the share of the work that is done.

    Raises
    ------
    SolverError
        When memory runs out with the smallest window.
    """
    while True:
        try:
            return _pass(volume, run, windows, classes, worth, told, done)
        except _TooLarge:
            windows = _smaller(windows)
            told(f"not enough memory: windows of {' x '.join(map(str, windows.size))} voxels, not those of the training")


class _TooLarge(Exception):  # noqa: N818 - it is no error yet
    """One window alone does not fit into memory."""


def _pass(
    volume: Tensor,
    run: Run,
    windows: Windows,
    classes: int,
    worth: Tensor | None,
    told: Callable[[str], None],
    done: Callable[[float], None],
) -> Tensor:
    padded, inner = _padded(volume, windows.size)
    full = (slice(None), *inner)
    useful = None if worth is None else _padded(worth, windows.size, False)[0]
    places = [place for place in _places(tuple(padded.shape), windows) if useful is None or bool(useful[place].any())]
    gauss = compute_importance_map(windows.size, "gaussian", sigma_scale=_SIGMA, device=volume.device, dtype=torch.float32)
    box = _box(places)
    total, weight = _sums(classes, box, volume.device, told)
    gauss = gauss.reshape(windows.size).to(total.device, total.dtype)
    first, batch = 0, windows.batch
    while first < len(places):
        chosen = places[first : first + batch]
        try:
            shares = run(torch.stack([padded[place] for place in chosen])[:, None])
        except (RuntimeError, MemoryError) as problem:
            if not is_out_of_memory(problem):
                raise
            if volume.device.type == "cuda":
                torch.cuda.empty_cache()
            if len(chosen) == 1:
                raise _TooLarge from problem
            batch = len(chosen) // 2
            told(f"not enough memory: {batch} windows at a time instead of {len(chosen)}")
            continue
        for place, share in zip(chosen, shares, strict=True):
            there = tuple(slice(p.start - b.start, p.stop - b.start) for p, b in zip(place, box, strict=True))
            total[(slice(None), *there)].addcmul_(share.to(total.device, total.dtype), gauss)
            weight[there] += gauss
        first += len(chosen)
        done(first / len(places))
    unseen = weight == 0
    total /= weight.masked_fill_(unseen, 1.0)
    total[0].masked_fill_(unseen, 1.0)
    if total.shape[1:] != padded.shape:
        part, total = total, total.new_zeros((classes, *padded.shape))
        total[0] = 1
        total[(slice(None), *box)] = part
    return total[full]


def _sums(classes: int, box: tuple[slice, ...], device: torch.device, told: Callable[[str], None]) -> tuple[Tensor, Tensor]:
    """Where shares and weights are summed up: beside the network where there is room, else in the memory of the machine."""
    shape = tuple(b.stop - b.start for b in box)
    kind = torch.float32 if classes <= _FEW else torch.float16
    try:
        return torch.zeros((classes, *shape), dtype=kind, device=device), torch.zeros(shape, dtype=kind, device=device)
    except (RuntimeError, MemoryError) as problem:
        if not is_out_of_memory(problem):
            raise
        if device.type != "cpu":
            told("not enough memory on the GPU for the probabilities: they are summed up on the CPU")
            return _sums(classes, box, torch.device("cpu"), told)
        raise SolverError(
            f"not enough memory for the probabilities of {classes} classes on {' x '.join(map(str, shape))} voxels",
            hint="crop the scan to what matters, or take a model with fewer labels or coarser voxels",
        ) from problem


def _places(shape: tuple[int, ...], windows: Windows) -> list[tuple[slice, ...]]:
    along = [
        [slice(at, at + size) for at in starts(n, size, windows.overlap if size > 1 else 0.0)]
        for n, size in zip(shape, windows.size, strict=True)
    ]
    return list(itertools.product(*along))


def _box(places: list[tuple[slice, ...]]) -> tuple[slice, ...]:
    """The part of the volume that windows cover; only that is summed up."""
    if not places:
        return (slice(0, 0),) * 3
    return tuple(slice(min(p[a].start for p in places), max(p[a].stop for p in places)) for a in range(3))


def _padded(volume: Tensor, size: Size, value: float | bool = -1.0) -> tuple[Tensor, tuple[slice, ...]]:
    """The volume made at least as large as a window, and where the volume lies in it."""
    missing = [max(0, s - n) for n, s in zip(volume.shape, size, strict=True)]
    inner = tuple(slice(m // 2, m // 2 + n) for m, n in zip(missing, volume.shape, strict=True))
    if not any(missing):
        return volume, inner
    both = [side for m in reversed(missing) for side in (m // 2, m - m // 2)]
    return torch.nn.functional.pad(volume, both, value=value), inner


def _smaller(windows: Windows) -> Windows:
    """Half the longest side, as long as it stays a multiple of what the network needs."""
    size = list(windows.size)
    for axis in sorted(range(3), key=lambda a: -size[a]):
        half = size[axis] // 2 // windows.divisor * windows.divisor
        if half >= windows.divisor and size[axis] > windows.divisor and half >= 8:
            size[axis] = half
            z, y, x = size
            return Windows((z, y, x), windows.overlap, 1, windows.divisor)
    raise SolverError(
        f"not enough memory for the network, even in windows of {' x '.join(map(str, windows.size))} voxels",
        hint="close other programs, take `device: cpu` in place of a GPU, or a machine with more memory",
    )


def is_out_of_memory(problem: BaseException) -> bool:
    """Whether torch ran out of memory: it has a class for GPUs, and only words for the CPU."""
    words = ("out of memory", "not enough memory", "can't allocate memory", "could not allocate")
    return isinstance(problem, MemoryError | torch.cuda.OutOfMemoryError) or any(w in str(problem).lower() for w in words)
