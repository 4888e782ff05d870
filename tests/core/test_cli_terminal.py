"""The command line in a terminal and in a log: colour, progress, letters."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest
from program import Program

from culmann.cli.progress import LogLines


def test_a_terminal_without_the_letters_is_no_reason_to_fail(culmann: Program) -> None:
    done = culmann.apart("plugins", "kopperdahl", env={"PYTHONIOENCODING": "latin-1"})
    assert done.returncode == 0, done.stderr
    assert "yield_strain  number, > 0, ? 0.1" in done.stdout


def _in_terminal(folder: Path, *arguments: str, env: Mapping[str, str]) -> tuple[int, str]:
    """Exit code and everything that the program writes to a terminal of 80 columns."""
    import pty

    ours, theirs = pty.openpty()
    environment = {name: value for name, value in os.environ.items() if name not in {"NO_COLOR", "CI", "COLUMNS"}}
    environment |= {"TERM": "xterm", "PYTHONIOENCODING": "utf-8", **env}
    command = [sys.executable, "-m", "culmann", *arguments]
    process = subprocess.Popen(command, cwd=folder, env=environment, stdin=theirs, stdout=theirs, stderr=theirs)
    os.close(theirs)
    said = bytearray()
    try:
        while data := os.read(ours, 65536):
            said += data
    except OSError:  # Linux says so when the other side is closed
        pass
    os.close(ours)
    return process.wait(), said.decode("utf-8")


needs_terminal = pytest.mark.skipif(sys.platform == "win32", reason="there are no pseudo-terminals on Windows")


@needs_terminal
@pytest.mark.parametrize(("no_color", "coloured"), [({}, True), ({"NO_COLOR": "1"}, False)])
def test_colour_is_for_terminals_that_want_it(no_color: dict[str, str], coloured: bool, tmp_path: Path) -> None:
    code, said = _in_terminal(tmp_path, "plugins", "no-such-step", env=no_color)
    assert code == 2
    assert "there is no step 'no-such-step'" in said
    assert ("\x1b[" in said) is coloured


@needs_terminal
def test_a_terminal_shows_what_the_step_says(culmann: Program) -> None:
    code, said = _in_terminal(culmann.folder, "run", "linger.yaml", "--plugin", "word.py", env={})
    plain = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", said)
    assert code == 0, plain
    assert re.search(r"word \(linger\) 0:00:0\d 42 N \(50 %\)", plain)
    assert re.search(r"✓ word \(linger\): \d+\.\d s", plain)
    code, said = _in_terminal(culmann.folder, "run", "crash.yaml", "--plugin", "word.py", env={})
    assert code == 2
    assert "word (crash)" in said


def test_a_log_hears_of_a_long_step_now_and_then(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter([0.0, 1.0, 12.0, 12.0, 13.0])
    monkeypatch.setattr("time.monotonic", lambda: next(clock))
    log = LogLines()
    log.started("response", "native-solver")
    log.progress("response", "100 N", 0.1)  # after 1 s: too soon
    log.progress("response", "900 N", 0.5)  # after 12 s
    log.progress("response", "950 N", 0.6)  # a second later
    assert capsys.readouterr().err == "response: native-solver starts\nresponse: 900 N (50 %)\n"


def test_a_log_that_nobody_reads_any_more_does_not_stop_the_run(culmann: Program) -> None:
    read, write = os.pipe()
    os.close(read)
    command = [sys.executable, "-m", "culmann", "run", "read.yaml", "--plugin", "word.py"]
    done = subprocess.run(command, cwd=culmann.folder, stdout=subprocess.PIPE, stderr=write, check=False, encoding="utf-8")
    os.close(write)
    assert "Failure load  1234 N" in done.stdout
    assert (culmann.folder / "runs" / "read" / "strength.json").is_file()
