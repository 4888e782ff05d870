"""In CI nothing is skipped quietly, and CI runs the commands of the README."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

SKIPS = """
import pytest

def test_gpu():
    pytest.skip("needs a GPU")

def test_package():
    pytest.importorskip("no_such_package")

@pytest.mark.skipif(True, reason="needs ../shared/data")
def test_data():
    pass

@pytest.mark.skip(reason="not today")
def test_lazy():
    pass

@pytest.mark.xfail(reason="known")
def test_known():
    assert False
"""


@pytest.mark.parametrize(("environment", "failed", "skipped"), [({"CI": "true"}, 1, 2), ({}, 0, 4)])
def test_a_skip_for_want_of_a_package_fails_in_ci(
    environment: dict[str, str], failed: int, skipped: int, tmp_path: Path
) -> None:
    shutil.copy(ROOT / "tests" / "conftest.py", tmp_path)
    (tmp_path / "test_skips.py").write_text(SKIPS)
    clean = {name: value for name, value in os.environ.items() if name not in {"CI", "CULMANN_CI_MAY_LACK"}}
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(tmp_path)]
    done = subprocess.run(
        command, cwd=tmp_path, env={**clean, **environment}, capture_output=True, encoding="utf-8", check=False
    )
    counts = {
        what: int(n) for n, what in re.findall(r"(\d+) (failed|error|skipped|xfailed|passed)", done.stdout.splitlines()[-1])
    }
    assert counts == {what: n for what, n in {"failed": failed, "error": failed, "skipped": skipped, "xfailed": 1}.items() if n}
    if failed:
        assert "skipped in CI, where everything is to be tested: not today" in done.stdout


def test_a_module_that_skips_itself_fails_in_ci(tmp_path: Path) -> None:
    shutil.copy(ROOT / "tests" / "conftest.py", tmp_path)
    (tmp_path / "test_module.py").write_text("import pytest\npytest.importorskip('no_such_package')\n")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(tmp_path)]
    done = subprocess.run(
        command, cwd=tmp_path, env={**os.environ, "CI": "true"}, capture_output=True, encoding="utf-8", check=False
    )
    assert done.returncode not in {0, 5}, done.stdout


def test_ci_runs_the_commands_of_the_readme() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    between = re.search(r"<!-- tests: begin -->\n(.*?)<!-- tests: end -->", readme, flags=re.DOTALL)
    assert between, "the README has no test commands between its marks"
    commands = [line for line in between[1].splitlines() if line and not line.startswith(("<!--", "```"))]
    assert any("pip install" in line and "test" in line for line in commands)
    assert any(line.startswith("pytest") for line in commands)
    assert not any(line.startswith("$") for line in commands), "the commands are run as they stand"
    script = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    assert os.access(ROOT / ".ci" / "run", os.X_OK)
    assert "<!-- tests: begin -->" in script
    assert "pytest" not in re.sub(r"^\s*#.*$", "", script, flags=re.MULTILINE)
