"""Ctrl-C in mid-solve, in a process of its own: the curve so far is kept, and a second Ctrl-C ends it at once."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

CHILD = """
import json, signal, sys
sys.path.insert(0, sys.argv[1])
from conftest import block, material
from culmann.journal import QuietJournal
from culmann_fem.native import NativeSolverConfig, native_solver

signal.signal(signal.SIGINT, signal.default_int_handler)

class Impatient(QuietJournal):
    told = 0
    def progress(self, text, done=None):
        if "compiling" in text:  # on a machine that has not done it yet
            return
        self.told += 1
        print("solved", text, flush=True)
        sys.stdin.readline()
    def incomplete(self, text):
        self.why = text

slab = block(size=(6, 6, 6), strain=0.03, steps=300, bonded=True)
journal = Impatient()
answer = native_solver(slab.mesh, material(216, stress=8.0), slab.load, NativeSolverConfig(scheme=sys.argv[2]), journal)
after = signal.getsignal(signal.SIGINT) is signal.default_int_handler
facts = [len(answer.force_n), answer.stop_reason, journal.why, journal.warnings, answer.solver["external_work_nmm"], after]
print("answer", json.dumps(facts), flush=True)
"""


def pressing(scheme: str, presses: int) -> tuple[int, str, str]:
    """Press Ctrl-C so many times once three increments are solved."""
    command = [sys.executable, "-c", CHILD, str(Path(__file__).parent), scheme]
    with subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    ) as child:
        timer = threading.Timer(120, child.kill)
        timer.start()
        try:
            assert child.stdin is not None
            assert child.stdout is not None
            for number in range(1, 4):
                assert child.stdout.readline().startswith("solved")
                if number == 3:
                    for _ in range(presses):
                        child.send_signal(signal.SIGINT)
                        # A signal that is not yet delivered would swallow the next one.
                        threading.Event().wait(0.3)
                child.stdin.write("go on\n")
                try:
                    child.stdin.flush()
                except BrokenPipeError:
                    break
            out, err = child.communicate()
        finally:
            timer.cancel()
    return child.returncode, out, err


@pytest.mark.skipif(os.name != "posix", reason="signals of posix")
@pytest.mark.parametrize("scheme", ["plastic", "secant-converged", "secant-lagged"])
def test_the_curve_so_far_is_kept(scheme):
    code, out, err = pressing(scheme, 1)
    assert code == 0, err
    points, reason, why, warnings, work, restored = json.loads(out.rpartition("answer ")[2])
    assert points == 4, "the origin and the three increments that were solved"
    assert reason == "stopped by Ctrl-C at 1 % of the displacement"
    assert why == reason
    assert warnings == []
    assert work > 0
    assert restored


@pytest.mark.skipif(os.name != "posix", reason="signals of posix")
def test_a_second_one_ends_at_once():
    code, out, err = pressing("plastic", 2)
    assert code != 0
    assert "KeyboardInterrupt" in err
    assert "answer" not in out
