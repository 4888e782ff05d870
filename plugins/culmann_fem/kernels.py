"""How the kernels are compiled: which of them are called from Python, what is only a part of one, and what arithmetic may do.

numba compiles a function anew for every kernel that uses it, and to machine code of its own besides, with a way in from Python
and one from C. A part has neither, which saves a third of the time. Parts in which sums may be reordered are written into the
kernel: otherwise the first run, which has them at hand, would call them as they were compiled alone, and every later one as
they were compiled with the kernel, and the two would differ in the last bits.

Caution for who edits a part: the cache notices a change in the file of a kernel, and none in the files of its parts.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

import numba


class Compiler(Protocol):
    """Makes a compiled function of one in Python."""

    def __call__(self, function: Callable[..., Any], /) -> Callable[..., Any]:
        """The compiled one."""


_njit: Any = numba.njit
# Not-a-number and infinity stay what they are.
_FAST = {"contract", "reassoc", "nsz", "arcp", "afn"}
_WITHIN = {"nogil": True, "error_model": "numpy", "no_cpython_wrapper": True, "no_cfunc_wrapper": True}
_KERNEL = {"nogil": True, "error_model": "numpy", "no_cfunc_wrapper": True, "cache": True}

#: Called from Python, without its lock.
kernel: Compiler = _njit(**_KERNEL)
#: The same, and sums may be reordered.
fast_kernel: Compiler = _njit(**_KERNEL, fastmath=_FAST)
#: Called by kernels only: from Python it would crash.
part: Compiler = _njit(**_WITHIN)
fast_part: Compiler = _njit(**_WITHIN, fastmath=_FAST, forceinline=True)
#: Written into its caller before that is compiled at all: cheap where there is one caller, dear where there are several.
inlined: Compiler = _njit(**_WITHIN, inline="always")
