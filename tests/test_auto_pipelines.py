"""From CT to failure load with no mask given, on the scans that ship."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from culmann.pipeline import read_pipeline
from culmann.plugins import load_catalogue
from culmann.shipped import find_pipeline

CULMANN = [sys.executable, "-m", "culmann"]


def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess:
    command = [*CULMANN, "run", *arguments, "--no-report"]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, encoding="utf-8", check=False)


@pytest.mark.parametrize("name", ["femur_auto"])
def test_a_scan_is_all_they_take(name):
    graph = read_pipeline(find_pipeline(name), load_catalogue())
    assert set(graph.inputs) == {"scan"}


@pytest.mark.slow
def test_femur(tmp_path):
    coarse = ["--set", "mesh.size_mm=4", "--set", "fine.spacing_mm=[2,2,2]", "--set", "load.increment_mm=0.1"]
    done = run(tmp_path, "femur_auto", *coarse, "--variant", "left", "--out", "out")
    assert done.returncode == 0, done.stderr
    strength = json.loads((tmp_path / "out" / "left" / "strength.json").read_text(encoding="utf-8"))
    assert 3000 < strength["failure_load_n"] < 15000
    assert any("calibration is assumed" in text for text in strength["caveats"])
