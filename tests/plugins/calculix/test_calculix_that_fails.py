"""A ccx that is missing, dies, hangs or writes nonsense: programs that play these parts on a recorded run of ccx 2.20."""

from __future__ import annotations

import os
import re
import shutil
import signal
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from culmann import EngineError, SolverError
from culmann.journal import QuietJournal
from culmann.testing import check_plugin
from culmann.testing.samples import bar, elastic

pytestmark = pytest.mark.skipif(os.name != "posix", reason="needs a POSIX shell: the programs are scripts")
HERE = Path(__file__).parent


@pytest.fixture
def model():
    """The model of the recorded run: one brick of 2 x 3 x 5 mm³ that yields at 8 MPa, at 2 % in four load steps."""
    mesh, load = bar((1, 1, 1), (1.0, 1.5, 2.0), 0.02)
    return mesh, elastic(mesh, np.full(1, 1000.0), 0.3, 8.0), replace(load, load_steps=(0.25, 0.5, 0.75, 1.0))


@pytest.fixture
def fake(tmp_path, monkeypatch):
    """Makes a program that plays ccx: `$1` is the job, $RECORDED the files of a run."""
    monkeypatch.setenv("RECORDED", str(HERE / "recorded"))

    def write(body: str, name="ccx", mode=0o755) -> Path:
        program = tmp_path / "bin" / name
        program.parent.mkdir(exist_ok=True)
        program.write_text(f'#!/bin/sh\n[ "$1" = -v ] && echo "This is Version 2.99" && exit\n{body}\n', encoding="utf-8")
        program.chmod(mode)
        return program

    return write


def kept_folder(message: str) -> Path:
    found = re.search(r"kept in (\S+)", message)
    assert found, message
    return Path(found[1])


def test_recorded_run_is_read(fake, model, solve):
    response = solve(*model, program=fake('cp "$RECORDED.dat" $1.dat; cp "$RECORDED.sta" $1.sta'))
    assert response.force_n == pytest.approx([0, 7.5, 12, 12, 12], rel=1e-6)
    assert response.displacement_mm == pytest.approx([0, 0.01, 0.02, 0.03, 0.04], abs=1e-12)
    assert response.end.equivalent_plastic_strain == pytest.approx([0.012], rel=1e-5)
    assert response.end.phase.tolist() == [1]
    assert response.stop_reason == ""
    assert response.solver["version"] == "2.99"
    assert response.solver["increments"] == 4


@pytest.mark.parametrize("lost", [10, 300, 900, 1500], ids=lambda n: f"{n} bytes lost")
def test_killed_in_mid_run_keeps_the_curve_so_far(lost, fake, model, solve):
    size = (HERE / "recorded.dat").stat().st_size
    journal = QuietJournal()
    program = fake(f'head -c {size - lost} "$RECORDED.dat" > $1.dat; cp "$RECORDED.sta" $1.sta; echo factoring; kill -9 $$')
    response = solve(*model, journal, program=program)
    assert response.force_n == pytest.approx([0, 7.5, 12, 12], rel=1e-6)
    assert "ended by SIGKILL" in response.stop_reason
    assert "75 % of the displacement" in response.stop_reason
    (warning,) = journal.warnings
    assert warning.startswith(response.stop_reason)
    assert "--force" in warning
    assert b"*STATIC" in journal.attachments["calculix.inp"]
    assert b"factoring" in journal.attachments["calculix.log"]
    # A criterion that the short curve does not reach leaves no run folder: the files are found all the same.
    assert "factoring" in (kept_folder(warning.replace(";", " ")) / "culmann.log").read_text(encoding="utf-8")


def test_segmentation_fault_before_any_result_keeps_deck_and_logs(fake, model, solve):
    program = fake("echo ' *ERROR in allocation'; echo more; kill -SEGV $$")
    with pytest.raises(SolverError, match="ended by SIGSEGV") as failure:
        solve(*model, program=program)
    assert "*ERROR in allocation" in failure.value.message
    folder = kept_folder(failure.value.message)
    assert "*ELEMENT" in (folder / "culmann.inp").read_text(encoding="utf-8")
    assert "more" in (folder / "culmann.log").read_text(encoding="utf-8")


def test_own_error_of_ccx_is_told(fake, model, solve):
    with pytest.raises(SolverError, match="ended with code 201") as failure:
        solve(*model, program=fake("echo ' *ERROR reading *ELASTIC: no constants'; exit 201"))
    assert "no constants" in failure.value.message


def is_running(pid: int) -> bool:
    status = Path(f"/proc/{pid}/stat")
    return status.exists() and status.read_text(encoding="utf-8").split()[2] not in "ZX"


def test_hang_is_ended_with_all_that_it_started(fake, model, solve, tmp_path):
    program = fake(f"sleep 100 & echo $! > {tmp_path}/pid; wait")
    began = time.monotonic()
    with pytest.raises(SolverError, match="stopped after 3 s, the time that `timeout_s` gives it"):
        solve(*model, program=program, timeout_s=3.0)
    assert time.monotonic() - began < 20
    assert not is_running(int((tmp_path / "pid").read_text(encoding="utf-8")))


def test_hang_after_some_increments_keeps_them(fake, model, solve):
    size = (HERE / "recorded.dat").stat().st_size // 2
    response = solve(*model, program=fake(f'head -c {size} "$RECORDED.dat" > $1.dat; sleep 100'), timeout_s=3.0)
    assert len(response.force_n) == 2 + 1
    assert "stopped after 3 s" in response.stop_reason


def test_interrupt_leaves_no_ccx_and_no_folder(fake, model, solve, tmp_path):
    program = fake(f'echo $$ > {tmp_path}/pid; cp "$RECORDED.sta" $1.sta; sleep 100')

    class Impatient(QuietJournal):
        def progress(self, text, done=None):  # noqa: ARG002
            if text.startswith("CalculiX: 100 %"):
                os.kill(os.getpid(), signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        solve(*model, Impatient(), program=program)
    assert not is_running(int((tmp_path / "pid").read_text(encoding="utf-8")))
    assert list(tmp_path.glob("culmann-calculix-*")) == []


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ("head -c 20000 /dev/urandom > $1.dat; cp $1.dat $1.sta; cp $1.dat $1.frd", "solved nothing"),
        ("exit 0", "solved nothing"),
        (': > $1.dat; echo "Job finished"', "solved nothing"),
        ('sed "s/7.500000E+00/**********/" "$RECORDED.dat" > $1.dat', "solved nothing"),
        ('sed "s/-4.000000E-02/          NaN/" "$RECORDED.dat" > $1.dat', "are not numbers"),
        ('sed "s/-8.000000E+00/************/" "$RECORDED.dat" > $1.dat', "solved nothing|cannot be read"),
    ],
    ids=["noise", "nothing", "empty", "stars for a force", "nan", "stars for a stress"],
)
def test_nonsense_is_no_answer(body, told, fake, model, solve):
    with pytest.raises(SolverError, match=told) as failure:
        solve(*model, program=fake(body))
    assert (kept_folder(failure.value.message) / "culmann.inp").is_file()


def test_missing_ccx_says_how_to_install_it(monkeypatch, tmp_path, model, solve):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("CULMANN_CCX", raising=False)
    with pytest.raises(EngineError, match="no CalculiX here") as refusal:
        solve(*model)
    assert "apt install calculix-ccx" in refusal.value.hint


def test_named_program_that_cannot_run(monkeypatch, fake, tmp_path, model, solve):
    with pytest.raises(EngineError, match="the option `program`, does not exist"):
        solve(*model, program=tmp_path / "nowhere")
    with pytest.raises(EngineError, match="the option `program`, cannot be executed"):
        solve(*model, program=fake("exit", mode=0o644))
    monkeypatch.setenv("CULMANN_CCX", str(tmp_path / "nowhere"))
    with pytest.raises(EngineError, match="CULMANN_CCX, does not exist"):
        solve(*model)
    broken = fake("exit")
    broken.write_text("#!/no/such/shell\n", encoding="utf-8")
    with pytest.raises(EngineError, match="cannot be started"):
        solve(*model, program=broken)


def test_newest_version_on_the_path_is_taken_when_there_is_no_plain_ccx(monkeypatch, fake, model, solve):
    play = f'{shutil.which("cp")} "$RECORDED.dat" $1.dat'
    program = fake(play, "ccx_2.21")
    fake(play, "ccx_2.9")
    monkeypatch.delenv("CULMANN_CCX", raising=False)
    monkeypatch.setenv("PATH", str(program.parent))
    assert solve(*model).solver["program"] == str(program)
    plain = fake(play)
    assert solve(*model).solver["program"] == str(plain)
    elsewhere = fake(play, "my-ccx")
    monkeypatch.setenv("CULMANN_CCX", str(elsewhere))
    assert solve(*model).solver["program"] == str(elsewhere)


def test_threads_reach_the_program(fake, model, solve, tmp_path):
    program = fake(f'echo $OMP_NUM_THREADS $CCX_NPROC_EQUATION_SOLVER > {tmp_path}/threads; cp "$RECORDED.dat" $1.dat')
    solve(*model, program=program, threads=3)
    assert (tmp_path / "threads").read_text(encoding="utf-8").split() == ["3", "3"]


def test_the_kit_passes_over_an_engine_that_is_not_here(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("CULMANN_CCX", raising=False)
    check_plugin("culmann_calculix")


def test_the_kit_finds_a_solver_that_solves_nothing(monkeypatch, fake):
    monkeypatch.setenv("CULMANN_CCX", str(fake("exit 201")))
    with pytest.raises(AssertionError, match="does not solve an elastic bar"):
        check_plugin("culmann_calculix")
