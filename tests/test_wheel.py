"""What is built from the project is whole: a wheel made from the source distribution runs without the checkout."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


def _do(*command: str, cwd: Path, env: dict[str, str] | None = None) -> str:
    done = subprocess.run(
        [sys.executable, "-m", *command], cwd=cwd, env=env, capture_output=True, encoding="utf-8", check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, str]]:
    """A folder with the installed wheel, and the environment of a process that imports from it."""
    folder = tmp_path_factory.mktemp("dist")
    _do("hatchling", "build", "-t", "sdist", "-d", str(folder), cwd=ROOT)
    (source,) = folder.glob("culmann-*.tar.gz")
    options = ("--quiet", "--no-deps", "--no-build-isolation", "--no-index")
    _do("pip", "wheel", *options, "--wheel-dir", str(folder), str(source), cwd=folder)
    (wheel,) = folder.glob("culmann-*.whl")
    _do("pip", "install", *options, "--target", str(folder / "site"), str(wheel), cwd=folder)
    return folder, {**os.environ, "PYTHONPATH": str(folder / "site"), "PYTHONIOENCODING": "utf-8"}


def test_runs_from_the_wheel(installed: tuple[Path, dict[str, str]]) -> None:
    folder, environment = installed
    code = "import culmann.shipped as s; print(s.__file__); print(*s.shipped_pipelines())"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=folder, env=environment, capture_output=True, encoding="utf-8", check=True
    )
    where, names = done.stdout.splitlines()
    assert Path(where).is_relative_to(folder / "site")
    assert names.split() == sorted(
        path.stem for path in (ROOT / "pipelines").glob("*.yaml") if not path.stem.startswith("study_")
    )
    for name in names.split():
        assert "no problems" in _do("culmann", "check", name, cwd=folder, env=environment)


def test_has_its_plugins_templates_and_data(installed: tuple[Path, dict[str, str]]) -> None:
    folder, environment = installed
    assert "voxel-mesh" in _do("culmann", "plugins", cwd=folder, env=environment)
    _do("culmann", "new", "plugin", "made-up", cwd=folder, env=environment)
    shipped = {path.relative_to(ROOT / "pipelines") for path in (ROOT / "pipelines").rglob("*") if path.is_file()}
    packed = folder / "site" / "culmann" / "pipelines"
    assert {path.relative_to(packed) for path in packed.rglob("*") if path.is_file()} == shipped
    assert (folder / "site" / "culmann" / "py.typed").is_file()
