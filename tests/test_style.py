"""Style, types and the direction of imports, by the tools that the project names."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
PACKAGES = sorted(PROJECT["project"]["entry-points"]["culmann"].values())


@pytest.mark.parametrize(
    "command",
    [
        ["-m", "ruff", "check", "."],
        ["-m", "ruff", "format", "--check", "."],
        ["-m", "mypy"],
        ["-c", "from importlinter.cli import lint_imports_command; lint_imports_command()", "--no-cache"],
    ],
    ids=["ruff-check", "ruff-format", "mypy", "import-linter"],
)
def test_clean(command: list[str]) -> None:
    done = subprocess.run([sys.executable, *command], cwd=ROOT, capture_output=True, encoding="utf-8", check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_import_linter_knows_every_plugin_that_ships() -> None:
    linter = PROJECT["tool"]["importlinter"]
    core, between = linter["contracts"]
    assert sorted(linter["root_packages"]) == ["culmann", *PACKAGES]
    assert sorted(core["forbidden_modules"]) == PACKAGES
    assert sorted(between["modules"]) == PACKAGES
    assert sorted(path.name for path in (ROOT / "plugins").iterdir() if (path / "__init__.py").exists()) == PACKAGES
