"""`culmann export` at the command line: what it says, and what it says when something is missing."""

from __future__ import annotations

import subprocess
import sys

import pytest

WITHOUT = """
import sys
sys.modules.update({name: None for name in ("highdicom", "pydicom")})
from culmann.cli import main
main()
"""


def culmann(*arguments: object, script: str = "from culmann.cli import main; main()") -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", script, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, encoding="utf-8", check=False)


def test_every_export_writes_what_it_says(run_folder, tmp_path):
    for command, more, at in (
        ("bids", ["--subject", "01"], "dataset_description.json"),
        ("ro-crate", [], "ro-crate-metadata.json"),
        ("slicer", ["--variant", "left"], "scene.mrml"),
    ):
        done = culmann("export", command, run_folder, "--out", tmp_path / command, *more)
        assert done.returncode == 0, done.stderr
        assert str(tmp_path / command) in done.stdout
        assert (tmp_path / command / at).is_file()


def test_without_highdicom_the_extra_is_named_and_the_others_work(run_folder, tmp_path):
    wanted = ["export", "dicom-seg", run_folder, "--source", tmp_path, "--out", tmp_path / "seg.dcm"]
    done = culmann(*wanted, script=WITHOUT)
    assert done.returncode == 2
    assert "pip install 'culmann[dicom]'" in done.stderr
    assert culmann("export", "ro-crate", run_folder, "--out", tmp_path / "crate", script=WITHOUT).returncode == 0


@pytest.mark.parametrize("command", ["bids", "ro-crate", "slicer"])
def test_a_folder_that_is_no_run_is_refused_in_a_sentence(command, tmp_path):
    done = culmann("export", command, tmp_path, "--out", tmp_path / "out")
    assert done.returncode == 2
    assert done.stderr.startswith("error: ")
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "out").exists()
