"""Slabs: the planes of a lattice, shared out among threads that run compiled code without the interpreter's lock."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

from culmann.data.arrays import IntArray

SpanArray = npt.NDArray[np.uint64]


class Slabs:
    """Runs a kernel once a slab; a kernel takes the first and the past-the-last node plane as its last arguments.

    Kernels write only to the planes they are given, and sums over the lattice are kept plane by plane until `total`, so that
    the number of threads changes no bit of a result.
    """

    def __init__(self, work: IntArray, threads: int | None = None) -> None:
        """`work[i]` says how much there is to do in node plane i; threads get equal shares of it."""
        n = min(threads or os.cpu_count() or 1, max(1, len(work) // 2))
        share = np.cumsum(work) / max(1, work.sum())
        cuts = [0, *(int(np.searchsorted(share, t / n)) + 1 for t in range(1, n)), len(work)]
        self.planes = len(work)
        self._bounds = [(a, b) for a, b in pairwise(cuts) if b > a]
        self._pool = ThreadPoolExecutor(len(self._bounds) - 1) if len(self._bounds) > 1 else None
        self._partial = np.zeros(self.planes)

    def run(self, kernel: Callable[..., Any], *arguments: Any) -> None:
        """Call `kernel(*arguments, first, last)` for every slab and wait for all of them."""
        others = []
        if self._pool is not None:
            others = [self._pool.submit(kernel, *arguments, *bounds) for bounds in self._bounds[1:]]
        kernel(*arguments, *self._bounds[0])
        wait(others)
        for other in others:
            other.result()

    def total(self, kernel: Callable[..., Any], *arguments: Any) -> float:
        """The same for a kernel whose next-to-last arguments take one partial sum a plane: their sum."""
        self.run(kernel, *arguments, self._partial)
        return float(self._partial.sum())

    def close(self) -> None:
        """End the threads."""
        if self._pool is not None:
            self._pool.shutdown()


def plane_work(node_span: SpanArray) -> IntArray:
    """Number of nodes in the lines of every node plane."""
    return np.asarray((node_span[:, :, 1] - node_span[:, :, 0]).sum(axis=1), dtype=np.int64)


def node_spans(element_span: IntArray) -> SpanArray:
    """(ni + 1, nj + 1, 2): where every line of nodes begins and ends, from the spans of the lines of elements."""
    ni, nj, _ = element_span.shape
    big = np.iinfo(np.int64).max
    first = np.full((ni + 1, nj + 1), big)
    last = np.zeros((ni + 1, nj + 1), dtype=np.int64)
    filled = element_span[:, :, 1] > element_span[:, :, 0]
    low = np.where(filled, element_span[:, :, 0], big)
    high = np.where(filled, element_span[:, :, 1] + 1, 0)
    for a in (0, 1):
        for b in (0, 1):
            view = (slice(a, ni + a), slice(b, nj + b))
            first[view] = np.minimum(first[view], low)
            last[view] = np.maximum(last[view], high)
    first[last == 0] = 0
    # Unsigned, so that compiled loops over a line need no test for negative indices and vectorise.
    return np.ascontiguousarray(np.stack([first, last], axis=2).astype(np.uint64))
