"""Slabs: the planes of a lattice, shared out among threads that run compiled code without the interpreter's lock."""

from __future__ import annotations

import os
from collections.abc import Callable
from itertools import pairwise
from queue import SimpleQueue
from threading import Thread
from typing import Any

import numpy as np

from culmann.data.arrays import IntArray
from culmann_fem.barrier import Barrier, barrier, break_up

_Done = SimpleQueue[BaseException | None]
#: A kernel, its arguments, where it meets others, and where to say that it is done.
_Job = tuple[Callable[..., Any], tuple[Any, ...], Barrier | None, _Done]


class Slabs:
    """Runs a kernel once a slab; a kernel takes the first and the past-the-last node plane as its last arguments.

    Kernels write only to the planes they are given, and sums over the lattice are kept plane by plane until `total`, so that
    the number of threads changes no bit of a result.
    """

    def __init__(self, work: IntArray, threads: int | None = None) -> None:
        """`work[i]` says how much there is to do in node plane i; threads get equal shares of it."""
        self.planes = len(work)
        #: (threads + 1,): where the slab of each thread begins, and where the last one ends.
        self.bounds = shares(work, min(threads or os.cpu_count() or 1, max(1, len(work) // 2)))
        self.threads = len(self.bounds) - 1
        self._slabs = list(pairwise(self.bounds.tolist()))
        self._workers = [_Worker() for _ in self._slabs[1:]]
        self._partial = np.zeros(self.planes)

    def run(self, kernel: Callable[..., Any], *arguments: Any) -> None:
        """Call `kernel(*arguments, first, last)` for every slab and wait for all of them."""
        done: _Done = SimpleQueue()
        for worker, slab in zip(self._workers, self._slabs[1:], strict=True):
            worker.jobs.put((kernel, (*arguments, *slab), None, done))
        kernel(*arguments, *self._slabs[0])
        self._await(done)

    def together(self, kernel: Callable[..., Any], *arguments: Any) -> None:
        """Call `kernel(*arguments, barrier, threads, t)` on every thread t; they can wait for one another at the barrier."""
        here = barrier()
        done: _Done = SimpleQueue()
        try:
            for t, worker in enumerate(self._workers, start=1):
                worker.jobs.put((kernel, (*arguments, here, self.threads, t), here, done))
            kernel(*arguments, here, self.threads, 0)
        except BaseException:
            break_up(here)
            raise
        self._await(done)

    def _await(self, done: _Done) -> None:
        errors = [error for error in [done.get() for _ in self._workers] if error is not None]
        if errors:
            raise errors[0]

    def total(self, kernel: Callable[..., Any], *arguments: Any) -> float:
        """The same for a kernel whose next-to-last arguments take one partial sum a plane: their sum."""
        self.run(kernel, *arguments, self._partial)
        return float(self._partial.sum())

    def close(self) -> None:
        """End the threads."""
        for worker in self._workers:
            worker.jobs.put(None)
        self._workers = []


class _Worker(Thread):
    """A thread that does one job after another: an executor's own bookkeeping would take longer than most of them do."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.jobs: SimpleQueue[_Job | None] = SimpleQueue()
        self.start()

    def run(self) -> None:
        while (job := self.jobs.get()) is not None:
            kernel, arguments, meeting, done = job
            try:
                kernel(*arguments)
            except BaseException as error:
                if meeting is not None:
                    break_up(meeting)
                done.put(error)
            else:
                done.put(None)
            del job, kernel, arguments, done  # which hold large arrays


def shares(work: IntArray, threads: int) -> IntArray:
    """Where the slabs of at most so many threads begin, with equal shares of the work, and where the last one ends."""
    share = np.cumsum(work) / max(1, work.sum())
    cuts = [0, *(int(np.searchsorted(share, t / threads)) + 1 for t in range(1, threads)), len(work)]
    return np.unique(np.minimum(cuts, len(work)))
