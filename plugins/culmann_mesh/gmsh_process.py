"""Starts gmsh as a process of its own and brings its tetrahedra back; a crash or a hang becomes an error with the log kept."""

from __future__ import annotations

import importlib.util
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from culmann.data.arrays import FloatArray, IntArray
from culmann.errors import PluginError, SolverError
from culmann.journal import Journal
from culmann.surface import Surface

#: -P: the folder of the script is not searched for modules.
COMMAND = (sys.executable, "-P", str(Path(__file__).with_name("gmsh_child.py")))
_TAIL_LINES = 6


def tetrahedra(
    surface: Surface, time_limit_s: float, journal: Journal, command: Sequence[str] = COMMAND
) -> tuple[FloatArray, IntArray]:
    """Points (n, 3) and corners (m, 4) of tetrahedra that fill a closed surface.

    Parameters
    ----------
    surface
        Closed, without intersections; its triangles become outer faces as they are.
    time_limit_s
        After so long the process is ended.
    journal
        Gets the progress and the log `gmsh.log`.
    command
        What to start; the folder with the arrays is appended.

    Raises
    ------
    PluginError
        When gmsh is not installed, or a library of the system that it needs is not.
    SolverError
        When the process crashes, fails, gives no tetrahedra, or runs longer than allowed. The folder with its log stays.
    """
    if importlib.util.find_spec("gmsh") is None:
        raise PluginError("gmsh-tet10 needs gmsh, which is not installed", hint="pip install 'culmann[gmsh]'")
    folder = Path(tempfile.mkdtemp(prefix="culmann-gmsh-"))
    np.savez(folder / "surface.npz", points_mm=surface.points_mm, triangles=surface.triangles)
    log, result = folder / "gmsh.log", folder / "tetrahedra.npz"
    code = _run([*command, str(folder)], log, time_limit_s, journal)
    text = log.read_text(encoding="utf-8", errors="replace")
    journal.attach("gmsh.log", text.encode())
    if code == 0 and result.exists():
        with np.load(result) as made:
            points, cells = np.asarray(made["points_mm"], dtype=np.float64), np.asarray(made["cells"], dtype=np.int64)
        if len(cells):
            shutil.rmtree(folder, ignore_errors=True)
            return points, cells
    raise _failure(code, text, log, time_limit_s)


def _run(command: Sequence[str], log: Path, time_limit_s: float, journal: Journal) -> int | None:
    """Exit code of the process; None when it ran out of time."""
    began = time.monotonic()
    with log.open("wb") as sink:
        environment = {**os.environ, "OMP_NUM_THREADS": "1"}
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=sink, stderr=subprocess.STDOUT, env=environment)
        try:
            while True:
                left = began + time_limit_s - time.monotonic()
                try:
                    return process.wait(timeout=min(2.0, max(left, 0.01)))
                except subprocess.TimeoutExpired:
                    if left <= 0:
                        return None
                    last = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()[-1:]
                    journal.progress(f"gmsh has run for {time.monotonic() - began:.0f} s: {''.join(last)[:100]}")
        finally:
            if process.poll() is None:
                process.kill()
                process.wait()


def _failure(code: int | None, text: str, log: Path, time_limit_s: float) -> PluginError | SolverError:
    tail = "\n".join(f"    {line}" for line in text.strip().splitlines()[-_TAIL_LINES:])
    said = f"; its last words:\n{tail}" if tail else ", without a word"
    if "cannot open shared object file" in text:
        missing = next(line for line in text.splitlines() if "cannot open shared object file" in line)
        return PluginError(
            f"gmsh cannot be loaded: {missing.strip()}",
            hint="install the libraries of the system that it links to; on Debian and Ubuntu: "
            "apt-get install libglu1-mesa libxrender1 libxcursor1 libxft2 libxinerama1",
        )
    hint = "ask for another `element_volume_mm3`, and look at the labels for thin places"
    if code is None:
        what, hint = f"gmsh was ended after {time_limit_s:g} s", "raise `time_limit_s`, or `element_volume_mm3`"
    elif code < 0:
        what = f"gmsh crashed ({_signal(-code)})"
    elif code:
        what = f"gmsh failed (exit code {code})"
    else:
        what = "gmsh made no tetrahedra"
    return SolverError(f"{what}{said}\n  its log: {log}", hint=hint)


def _signal(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
