"""What the first run tells a person who waits: that kernels are being compiled, which no later run does."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from numba.core import event


class _Compiling(event.Listener):
    """Tells of the first kernel that the cache does not have."""

    def __init__(self, tell: Callable[[str], None]) -> None:
        self._tell = tell
        self._told = False

    def on_start(self, event: Any) -> None:
        """A function is compiled; it may be one that somebody else has written."""
        ours = event.data["dispatcher"].py_func.__module__.startswith("culmann_fem")
        if ours and not self._told:
            self._told = True
            self._tell("compiling the solver, on the first run only: some 10 to 20 seconds")

    def on_end(self, event: Any) -> None:
        """It goes on with the next one, or with the solve."""


@contextmanager
def compilation_told(tell: Callable[[str], None]) -> Iterator[None]:
    """Tell once if kernels have to be compiled within."""
    with event.install_listener("numba:compile", _Compiling(tell)):
        yield
