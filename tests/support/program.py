"""The program `culmann` in a folder of its own, with a plugin of steps that say a word, stop, fail or crash."""

from __future__ import annotations

import io
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from culmann.cli import main

PLUGIN = '''
import os, signal, time
from culmann import *

api = 1


def _say(text):
    def step(labels: Labels, journal: Journal) -> Report:
        """Say a word."""
        journal.progress("42 N", 0.5)
        journal.attach("mask.png", b"a picture")
        return Report({"word.txt": text.encode(), "word.png": b"a picture"})
    return step


greet = _say("hello")


def linger(labels: Labels, journal: Journal) -> Report:
    """Say a word and let it be read: a terminal is drawn ten times in a second."""
    journal.progress("42 N", 0.5)
    time.sleep(0.4)
    return Report({"word.txt": b"hello"})


def stop(labels: Labels) -> Report:
    """Press Ctrl-C, also where the process was started in the background and ignores it."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    os.kill(os.getpid(), getattr(signal, os.environ.get("STOP_BY", "SIGINT")))
    return Report({"never.txt": b"x"})


def diverge(labels: Labels) -> Report:
    """Find no solution."""
    raise SolverError("no equilibrium", hint="load it less")


def crash(labels: Labels) -> Report:
    """Have a mistake in it."""
    raise ZeroDivisionError("in the plugin")


def read(labels: Labels) -> Strength:
    """Give a strength."""
    return Strength(1234.4, "made up", 0.5, 0.019, 2500.0, ("be careful",))


@hookimpl
def culmann_analyses():
    for name in ("greet", "linger", "stop", "diverge", "crash", "read"):
        yield Step(name, f"word:{name}", summary=f"A step that does {name}")
'''
YAML = "name: word\ninputs:\n  bone: {{type: Labels, path: {labels}}}\nsteps:\n  word: {{use: {use}}}\noutputs: [word]\n"


class Program:
    """The program in a folder of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __call__(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run it in this process, which has imported already what takes most of the time of a start."""
        out, err = io.StringIO(), io.StringIO()
        terminate = signal.getsignal(signal.SIGTERM)
        with pytest.MonkeyPatch.context() as patch:
            patch.chdir(self.folder)
            patch.setenv("COLUMNS", "100")
            patch.setattr(sys, "argv", ["culmann", *arguments])
            patch.setattr(sys, "stdout", out)
            patch.setattr(sys, "stderr", err)
            try:
                with pytest.raises(SystemExit) as ended:
                    main()
            finally:
                signal.signal(signal.SIGTERM, terminate)
        return subprocess.CompletedProcess(arguments, int(ended.value.code or 0), out.getvalue(), err.getvalue())

    def apart(self, *arguments: str, env: Mapping[str, str] | None = None) -> subprocess.CompletedProcess[str]:
        """Run it in a process of its own, as a user does."""
        environment = {**os.environ, "PYTHONIOENCODING": "utf-8", "COLUMNS": "100", **(env or {})}
        return subprocess.run(
            [sys.executable, "-m", "culmann", *arguments],
            cwd=self.folder,
            env=environment,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            check=False,
        )
