"""From CT to failure load with no mask given, on the scans that ship."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from culmann.data import Scan
from culmann.image_files import read_image_file, read_label_file
from culmann.journal import QuietJournal
from culmann.pipeline import read_pipeline
from culmann.plugins import load_catalogue
from culmann.shipped import find_pipeline

CULMANN = [sys.executable, "-m", "culmann"]
DEMO = Path(__file__).parents[1] / "pipelines" / "data" / "vertebra_l3_ct"
STUDY = DEMO.parent / "study"


def dice(a: np.ndarray, b: np.ndarray) -> float:
    return 2 * (a & b).sum() / (a.sum() + b.sum())


def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess:
    command = [*CULMANN, "run", *arguments, "--no-report"]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, encoding="utf-8", check=False)


@pytest.mark.parametrize("name", ["femur_auto", "vertebra_auto"])
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


def test_the_shipped_network_finds_the_vertebra_of_a_scan_that_it_never_saw():
    """The demo's CT and labels, which are of others and had no part in the training."""
    from culmann_networks.steps import Unet3dConfig, unet3d
    from culmann_segment.separate_vertebrae import SeparateVertebraeConfig, separate_vertebrae

    file = read_image_file(DEMO / "ct.nii.gz")
    scan = Scan(file.grid, file.array.astype(np.float32))
    journal = QuietJournal()
    halves = unet3d(scan, Unet3dConfig(zoo="vertebra-halves", threads=1), journal)
    assert any("made scans of one person: look at it" in text for text in journal.warnings)
    found = separate_vertebrae(halves, SeparateVertebraeConfig(choose="middle"), journal, scan)
    true = read_label_file(DEMO / "vertebrae.nii.gz")
    assert len(found.present()) == 1
    assert dice(halves.foreground, true.foreground) > 0.85
    assert dice(found.foreground, true.label == 22) > 0.85
    kept = read_label_file(STUDY / "l3_vertebra_halves.nii.gz")  # the column `automatic` of the study
    assert list(kept.present()) == [22]
    assert dice(found.foreground, kept.foreground) > 0.99  # not every processor rounds alike


@pytest.mark.slow
def test_vertebra(tmp_path):
    """The failure load with no mask is near that with the mask that ships: how near is in docs/synthesis.md."""
    loads = []
    for name in ("vertebra_auto", "vertebra_voxel"):
        done = run(tmp_path, name, "--set", "mesh.size_mm=3", "--out", name)
        assert done.returncode == 0, done.stderr
        loads.append(json.loads((tmp_path / name / "strength.json").read_text(encoding="utf-8"))["failure_load_n"])
    assert loads[0] == pytest.approx(loads[1], rel=0.25)
    assert (tmp_path / "vertebra_auto" / "qc" / "vertebrae-vertebrae.png").is_file()
