"""A foreign distribution's law is found by its name and runs in a pipeline with the shipped steps, by the command line."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

PIPELINE = """
name: foreign
inputs:
  scan: {type: Scan}
  bone: {type: Labels}
steps:
  density: {use: linear-calibration, with: {slope: 0.0008, intercept: 0, kind: qct-k2hpo4, assumed: false}}
  mesh: {use: voxel-mesh, with: {size_mm: 2}}
  plates: {use: endplates}
  law: {use: lab-law, with: {hardening: 0.05}}
  load: {use: compression, with: {contact: rollers}}
  response: {use: native-solver}
  strength: {use: force-at-strain}
outputs: [strength, response]
"""


def _culmann(folder: Path, environment: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "culmann", *arguments]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, encoding="utf-8", check=False)


def test_foreign_law_runs_to_a_failure_load(with_lab_law: dict[str, str], block_of_bone: Path, tmp_path: Path) -> None:
    (tmp_path / "foreign.yaml").write_text(PIPELINE)
    files = [f"--input=scan={block_of_bone / 'ct.nii.gz'}", f"--input=bone={block_of_bone / 'labels.nii.gz'}"]
    done = _culmann(tmp_path, with_lab_law, "run", "foreign.yaml", *files, "--out", "result")
    assert done.returncode == 0, done.stderr
    strength = json.loads((tmp_path / "result" / "strength.json").read_text(encoding="utf-8"))
    # E = 12000 * 0.2² + 5 = 485 MPa; at 1.9 % the stress is 485 * (0.009 + 0.05 * 0.010) = 4.6075 MPa, on 36 x 28 mm²
    assert strength["failure_load_n"] == pytest.approx(4.6075 * 36 * 28, rel=0.01)
    assert f"Failure load  {strength['failure_load_n']:.0f} N" in done.stdout
    manifest = json.loads((tmp_path / "result" / "manifest.json").read_text(encoding="utf-8"))
    assert manifest["plugins"]["lab-law"] == "0.3.0"
    assert "made-up laboratory" in manifest["citations"]["lab-law"][0]


def test_foreign_law_is_listed_with_its_distribution(with_lab_law: dict[str, str], tmp_path: Path) -> None:
    done = _culmann(tmp_path, with_lab_law, "plugins")
    assert done.returncode == 0, done.stderr
    assert any("lab-law" in line and "[lab-law 0.3.0]" in line for line in done.stdout.splitlines())
    shown = _culmann(tmp_path, with_lab_law, "plugins", "lab-law").stdout
    assert "stiffness_mpa  number, > 0; default 12000" in shown
    assert "Young's modulus at a density of 1 g/cm³." in shown


def test_without_the_distribution_the_name_is_unknown(tmp_path: Path) -> None:
    (tmp_path / "foreign.yaml").write_text(PIPELINE)
    command = [sys.executable, "-m", "culmann", "check", "foreign.yaml"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, encoding="utf-8", check=False)
    assert done.returncode == 2
    assert "foreign.yaml:10:" in done.stderr
    assert "there is no step 'lab-law'" in done.stderr
    assert "Traceback" not in done.stderr
