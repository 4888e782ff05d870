"""The code of docs/writing_a_plugin.md works as it stands there."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from culmann.plugins import load_catalogue
from culmann.testing import check_plugin

MANUAL = (Path(__file__).parents[2] / "docs" / "writing_a_plugin.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```", MANUAL, flags=re.MULTILINE | re.DOTALL)


@pytest.fixture
def folder(tmp_path: Path, block_of_bone: Path) -> Path:
    """Every block of the manual that begins with a file name, as that file, and a bone to go with it."""
    for _, code in BLOCKS:
        if named := re.match(r"# (\w+\.(?:py|yaml))\n", code):
            (tmp_path / named[1]).write_text(code, encoding="utf-8")
    for name in ("ct.nii.gz", "labels.nii.gz"):
        (tmp_path / name).write_bytes((block_of_bone / name).read_bytes())
    return tmp_path


def _run(folder: Path, *command: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONIOENCODING": "utf-8"}
    return subprocess.run(
        [sys.executable, "-m", *command],
        cwd=folder,
        env=environment,
        capture_output=True,
        encoding="utf-8",
        check=False,
    )


def test_the_law_in_one_file_keeps_the_contract(folder: Path) -> None:
    check_plugin(folder / "my_law.py")


def test_the_commands_run_to_a_failure_load(folder: Path) -> None:
    shell = next(code for language, code in BLOCKS if language == "sh" and "my_bone.yaml" in code)
    for line in shell.splitlines():
        done = _run(folder, *line.split())
        assert done.returncode == 0, done.stderr
    assert "Failure load" in done.stdout


def test_the_tests_of_the_law_pass(folder: Path) -> None:
    done = _run(folder, "pytest", "-q", "-p", "no:cacheprovider", "test_my_law.py", "test_numbers.py")
    assert done.returncode == 0, done.stdout
    assert "2 passed" in done.stdout


def test_the_function_with_a_journal_is_a_step(folder: Path) -> None:
    plugin = folder / "limit.py"
    with plugin.open("a", encoding="utf-8") as file:
        file.write("\nfrom culmann import Step, hookimpl\napi = 1\n\n\n@hookimpl\ndef culmann_preprocessors():\n")
        file.write("    yield Step('limit', 'limit:limit', summary='A limit of Hounsfield units')\n")
    assert "limit" in load_catalogue([plugin]).offers
    check_plugin(plugin)


def test_every_block_is_tried_or_shows_no_code_to_run() -> None:
    tried = {language for language, code in BLOCKS if re.match(r"# \w+\.(py|yaml)\n|culmann|@hookimpl", code)}
    assert {language for language, _ in BLOCKS} - tried == {"toml"}
