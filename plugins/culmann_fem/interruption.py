"""Ctrl-C during a solve: the first one ends it at the last increment that was solved, another one ends the program as ever."""

from __future__ import annotations

import signal
import threading
from types import FrameType, TracebackType
from typing import Self

from culmann_fem.course import Tell


class Interruption:
    """While it is entered, and once an increment has been told to `told`, Ctrl-C is noted instead of raised.

    Parameters
    ----------
    tell
        Where the progress goes.
    """

    def __init__(self, tell: Tell) -> None:
        self._tell = tell
        self._worth_keeping = False
        self._before = signal.getsignal(signal.SIGINT)
        #: Whether Ctrl-C was pressed.
        self.asked = False

    def __enter__(self) -> Self:
        # Handlers can only be set in the main thread; where Ctrl-C is ignored, as in the background of a shell, it stays so.
        self._mine = threading.current_thread() is threading.main_thread() and callable(self._before)
        if self._mine:
            signal.signal(signal.SIGINT, self._note)
        return self

    def __exit__(self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None) -> None:
        if self._mine:
            signal.signal(signal.SIGINT, self._before)

    def tell(self, text: str, done: float) -> None:
        """An increment has been solved."""
        self._worth_keeping = True
        self._tell(text, done)

    def _note(self, number: int, frame: FrameType | None) -> None:
        assert callable(self._before)
        if self._worth_keeping and not self.asked:
            self.asked = True
        else:
            self._before(number, frame)
