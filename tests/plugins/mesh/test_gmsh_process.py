"""The process that gmsh runs in: a crash, a hang, a failure and a missing gmsh are told, and the log is kept."""

from __future__ import annotations

import importlib.util
import re
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from culmann.errors import PluginError, SolverError
from culmann.journal import QuietJournal
from culmann.surface import Surface
from culmann_mesh.gmsh_process import tetrahedra

CORNERS = np.array([[0.0, 0, 0], [4, 0, 0], [0, 4, 0], [0, 0, 4]])
TETRAHEDRON = Surface(CORNERS, np.array([[0, 2, 1], [0, 1, 3], [1, 2, 3], [2, 0, 3]]))


@pytest.fixture(autouse=True)
def _folder_of_its_own(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """What is kept of a crash is not to stay on the machine."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))


def fill(code: str, time_limit_s: float = 60.0) -> Any:
    """The step's call with another program in the place of ours."""
    return tetrahedra(TETRAHEDRON, time_limit_s, QuietJournal(), command=[sys.executable, "-c", code])


def kept_log(error: Exception) -> Path:
    found = re.search(r"its log: (\S+)", str(error))
    assert found
    return Path(found[1])


def test_a_crash_is_an_error_with_the_last_words_and_the_log() -> None:
    code = "import os, signal; print('HXT was here', flush=True); os.kill(os.getpid(), signal.SIGSEGV)"
    with pytest.raises(SolverError, match=r"gmsh crashed \(SIGSEGV\)") as caught:
        fill(code)
    assert "HXT was here" in str(caught.value)
    log = kept_log(caught.value)
    assert log.read_text(encoding="utf-8").strip() == "HXT was here"
    assert log.with_name("surface.npz").exists()
    assert "element_volume_mm3" in caught.value.hint


def test_a_hang_is_ended_at_the_time_limit() -> None:
    began = time.monotonic()
    with pytest.raises(SolverError, match=r"gmsh was ended after 0.5 s") as caught:
        fill("import time; print('going', flush=True); time.sleep(60)", time_limit_s=0.5)
    assert time.monotonic() - began < 10
    assert "time_limit_s" in caught.value.hint
    assert kept_log(caught.value).exists()


def test_a_failure_and_an_empty_result_are_told() -> None:
    with pytest.raises(SolverError, match=r"gmsh failed \(exit code 1\)(?s:.*)no such surface"):
        fill("raise RuntimeError('no such surface')")
    with pytest.raises(SolverError, match="gmsh made no tetrahedra"):
        fill("pass")


def test_a_missing_library_of_the_system_is_named() -> None:
    words = "OSError: libGLU.so.1: cannot open shared object file: No such file or directory"
    with pytest.raises(PluginError, match=r"gmsh cannot be loaded: OSError: libGLU\.so\.1") as caught:
        fill(f"import sys; sys.exit({words!r})")
    assert "libglu1-mesa" in caught.value.hint


def test_a_missing_gmsh_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    with pytest.raises(PluginError, match="needs gmsh") as caught:
        fill("pass")
    assert caught.value.hint == "pip install 'culmann[gmsh]'"


def test_gmsh_fills_a_tetrahedron_and_keeps_its_log() -> None:
    journal = QuietJournal()
    points, cells = tetrahedra(TETRAHEDRON, 60.0, journal)
    at = points[cells]
    assert np.linalg.det(at[:, 1:] - at[:, :1]).sum() / 6 == pytest.approx(4**3 / 6)
    assert b"HXT" in journal.attachments["gmsh.log"] or b"Info" in journal.attachments["gmsh.log"]
