"""Where threads that run one compiled kernel side by side wait for one another, without the interpreter."""

from __future__ import annotations

import sys
from typing import Any

import numba
import numpy as np
import numpy.typing as npt
from llvmlite import ir
from numba.core import cgutils, types

intrinsic: Any = numba.extending.intrinsic  # which makes of a function one with other arguments

Barrier = npt.NDArray[np.int64]

# Places in a barrier, each on a line of the cache of its own.
_ARRIVED, _ROUND, _BROKEN = 0, 8, 16
# Looks, some 200 microseconds, after which a thread lets others have its core. That is longer than it then sleeps: otherwise
# two threads that were once apart would sleep in turns, each through the arrival of the other.
_IMPATIENT = 50_000


def barrier() -> Barrier:
    """A new one. It serves one call of a kernel on all threads."""
    return np.zeros(24, dtype=np.int64)


def break_up(of: Barrier) -> None:
    """Nobody waits here any more: a thread will not come."""
    of[_BROKEN] = 1


def _place(context: Any, builder: Any, array: Any, data: Any, index: Any) -> Any:
    return builder.gep(context.make_array(array)(context, builder, data).data, [index])


@intrinsic
def _count(typingctx: Any, array: Any, index: Any) -> Any:
    """Add one, as one operation; what was there before."""

    def code(context: Any, builder: Any, _: Any, given: Any) -> Any:
        return builder.atomic_rmw("add", _place(context, builder, array, *given), ir.Constant(ir.IntType(64), 1), "acq_rel")

    return types.int64(array, types.int64), code


@intrinsic
def _read(typingctx: Any, array: Any, index: Any) -> Any:
    """What is there now, and with it all that was written before it was."""

    def code(context: Any, builder: Any, _: Any, given: Any) -> Any:
        return builder.load_atomic(_place(context, builder, array, *given), "acquire", 8)

    return types.int64(array, types.int64), code


@intrinsic
def _write(typingctx: Any, array: Any, index: Any, value: Any) -> Any:
    """Write; who reads it also sees all that was written before."""

    def code(context: Any, builder: Any, _: Any, given: Any) -> Any:
        builder.store_atomic(given[2], _place(context, builder, array, *given[:2]), "release", 8)
        return context.get_dummy_value()

    return types.void(array, types.int64, types.int64), code


@intrinsic
def _give_way(typingctx: Any) -> Any:
    """Let another thread have this core: other programs may be running, too."""

    def code(context: Any, builder: Any, _: Any, __: Any) -> Any:
        number = ir.IntType(32)
        if sys.platform == "win32":
            name, given = "SwitchToThread", []
        else:
            # To sleep and not to yield: who yields goes on using up its share, and the one that is waited for gets none of it.
            name, given = "usleep", [ir.Constant(number, 20)]
        kind = ir.FunctionType(number, [number] * len(given))
        builder.call(cgutils.get_or_insert_function(builder.module, kind, name), given)
        return context.get_dummy_value()

    return types.void(), code


@numba.njit(nogil=True)
def meet(barrier: Any, threads: Any) -> None:
    """Wait until all threads are here. What each wrote before, all of them see after."""
    if threads == 1:
        return
    now = _read(barrier, _ROUND)
    if _count(barrier, _ARRIVED) == threads - 1:
        _write(barrier, _ARRIVED, 0)
        _write(barrier, _ROUND, now + 1)
        return
    looks = 0
    while _read(barrier, _ROUND) == now and _read(barrier, _BROKEN) == 0:
        looks += 1
        if looks > _IMPATIENT:
            _give_way()
