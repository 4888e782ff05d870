"""What the first run tells a person who waits: that kernels are being compiled, which no later run does."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from numba.core import event


class _Compiling(event.Listener):
    """Tells of kernels that the cache does not have: of each part of one, since a log shows but a line now and then."""

    def __init__(self, tell: Callable[[str], None]) -> None:
        self._tell = tell

    def on_start(self, event: Any) -> None:
        """A function is compiled; it may be one that somebody else has written."""
        if event.data["dispatcher"].py_func.__module__.startswith("culmann_fem"):
            self._tell("compiling the solver: once, some 20 s")

    def on_end(self, event: Any) -> None:
        """It goes on with the next one, or with the solve."""


@contextmanager
def compilation_told(tell: Callable[[str], None]) -> Iterator[None]:
    """Tell while kernels have to be compiled within."""
    with event.install_listener("numba:compile", _Compiling(tell)):
        yield
