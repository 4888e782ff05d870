"""The program ccx: found, run in a folder of its own, followed, and ended when its time is over."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from culmann.errors import EngineError

INSTALL = (
    "install it: `apt install calculix-ccx` (Debian, Ubuntu), `conda install -c conda-forge calculix`, or from "
    "https://www.calculix.de; then put `ccx` on the PATH, or name it with the option `program` or in the environment variable "
    "CULMANN_CCX"
)
#: As distributions and the authors call it.
_NAMES = re.compile(r"ccx(_?\d+\.\d+)?(_(MT|i8|pardiso|static|dynamic))*(\.exe)?", re.IGNORECASE)
_POLL_S = 0.1


@dataclass(frozen=True, slots=True)
class Ended:
    """How a run of ccx ended.

    Parameters
    ----------
    code
        Its exit code; below 0 for the signal that ended it.
    seconds
        How long it ran.
    timed_out
        Whether it was ended because it ran past its time.
    said
        What it printed.
    """

    code: int
    seconds: float
    timed_out: bool
    said: str

    @property
    def without_equilibrium(self) -> bool:
        """Whether it gave up because no increment, however small, converged."""
        return "increment size smaller than minimum" in self.said

    def describe(self) -> str:
        """In words, with the errors that ccx printed."""
        if self.timed_out:
            return f"CalculiX was stopped after {self.seconds:.0f} s, the time that `timeout_s` gives it"
        lines = (line.strip() for line in self.said.splitlines())
        errors = "; ".join(list(dict.fromkeys(line for line in lines if "*ERROR" in line))[:4])
        told = f": {errors}" if errors else ""
        if self.code < 0:
            name = signal.Signals(-self.code).name if -self.code in set(signal.Signals) else f"signal {-self.code}"
            memory = ", perhaps because the machine ran out of memory" if name == "SIGKILL" else ""
            return f"CalculiX was ended by {name} after {self.seconds:.0f} s{memory}{told}"
        return f"CalculiX ended with code {self.code} after {self.seconds:.0f} s{told}"

    def last_lines(self) -> str:
        """The last of what ccx printed, indented."""
        lines = [line.strip() for line in self.said.splitlines() if line.strip()]
        return "".join(f"\n    {line}" for line in lines[-6:])


def find_ccx(program: Path | None) -> Path:
    """The program to run: the one that is named, that of CULMANN_CCX, or `ccx` or `ccx_2.xx` on the PATH, the newest.

    Raises
    ------
    EngineError
        When there is none, with how to install it, or it cannot be executed.
    """
    named = [(str(program), "the option `program`")] if program else []
    named += [(os.environ["CULMANN_CCX"], "the environment variable CULMANN_CCX")] if os.environ.get("CULMANN_CCX") else []
    for name, source in named:
        found = shutil.which(name)
        if found is None:
            what = "cannot be executed" if Path(name).exists() else "does not exist"
            raise EngineError(f"{name}, named by {source}, {what}", hint=f"name the program ccx; or {INSTALL}")
        return Path(found)
    plain = shutil.which("ccx")
    if plain is not None:
        return Path(plain)
    versions = []
    for folder in os.get_exec_path():
        with contextlib.suppress(OSError):
            versions += [path for path in Path(folder).iterdir() if _NAMES.fullmatch(path.name) and os.access(path, os.X_OK)]
    if not versions:
        raise EngineError("there is no CalculiX here: `ccx` is not on the PATH", hint=INSTALL)
    return max(versions, key=lambda path: [int(n) for n in re.findall(r"\d+", path.name)])


def version_of(program: Path) -> str:
    """What `ccx -v` says, such as `2.20`; `unknown` when it does not say."""
    try:
        done = subprocess.run([program, "-v"], capture_output=True, timeout=20, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return "unknown"
    found = re.search(rb"Version\s+(\S+)", done.stdout + done.stderr)
    return found[1].decode("ascii", "replace") if found else "unknown"


def run_ccx(program: Path, folder: Path, job: str, threads: int, timeout_s: float, tell: Callable[[], None]) -> Ended:
    """Run `ccx <job>` in a folder, and call `tell` now and then; whatever happens, no ccx is left running.

    Raises
    ------
    EngineError
        When the program cannot be started.
    """
    count = str(threads or os.cpu_count() or 1)
    names = ("OMP_NUM_THREADS", "CCX_NPROC_STIFFNESS", "CCX_NPROC_EQUATION_SOLVER", "CCX_NPROC_RESULTS")
    environment = {**os.environ, **dict.fromkeys(names, count)}
    log = folder / f"{job}.log"
    began, timed_out = time.monotonic(), False
    with log.open("wb") as out:
        try:
            # In a session of its own, so that a wrapper script ends together with what it started.
            process = subprocess.Popen(
                [program, job],
                cwd=folder,
                env=environment,
                stdout=out,
                stderr=out,
                stdin=subprocess.DEVNULL,
                start_new_session=True,
            )
        except OSError as problem:
            raise EngineError(f"{program} cannot be started: {problem.strerror}", hint=INSTALL) from problem
        try:
            while True:
                try:
                    code = process.wait(_POLL_S)
                    break
                except subprocess.TimeoutExpired:
                    tell()
                if time.monotonic() - began > timeout_s:
                    timed_out = True
                    _end(process)
        finally:
            _end(process)
    said = log.read_text(encoding="utf-8", errors="replace")
    return Ended(code, time.monotonic() - began, timed_out, said)


def _end(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        with contextlib.suppress(ProcessLookupError):
            if hasattr(os, "killpg"):
                os.killpg(process.pid, signal.SIGKILL)
            else:  # Windows
                process.kill()
        process.wait()
