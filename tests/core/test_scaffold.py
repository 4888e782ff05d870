"""A new plugin, of every kind, is installed and passes its own tests as it was written."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from culmann.errors import InputError
from culmann.scaffold import KINDS, new_plugin


@pytest.mark.parametrize("kind", KINDS)
def test_new_plugin_passes_its_own_tests(kind: str, tmp_path: Path, install: Callable[[Path], dict[str, str]]) -> None:
    root = new_plugin(f"made-up-{kind}", kind, tmp_path)
    environment = install(root)
    pytest_command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(root / "tests")]
    done = subprocess.run(pytest_command, cwd=root, env=environment, capture_output=True, encoding="utf-8", check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert " passed" in done.stdout
    assert "skipped" not in done.stdout


def test_new_plugins_are_clean_and_typed(tmp_path: Path) -> None:
    roots = [new_plugin(f"made-up-{kind}", kind, tmp_path) for kind in KINDS]
    tools = [
        ["ruff", "check", "--isolated", "--line-length=128"],
        ["ruff", "format", "--check", "--isolated", "--line-length=128"],
    ]
    commands = [(root, [*tool, "."]) for root in roots for tool in tools]
    packages = [str(root / root.name.replace("-", "_")) for root in roots]
    commands.append((tmp_path, ["mypy", "--strict", "--cache-dir", str(tmp_path / "cache"), *packages]))
    for folder, command in commands:
        done = subprocess.run([sys.executable, "-m", *command], cwd=folder, capture_output=True, encoding="utf-8", check=False)
        assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("name", ["Lab", "9lab", "lab--law", "../lab", "", "lab law"])
def test_refuses_a_name_that_is_none(name: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be the name"):
        new_plugin(name, folder=tmp_path)
    assert not list(tmp_path.iterdir())


def test_refuses_a_name_that_is_taken(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="installed already"):
        new_plugin("numpy", folder=tmp_path)


def test_refuses_the_name_of_an_installed_step(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"there is a step 'kopperdahl' already, of plugin 'vertebra' of culmann"):
        new_plugin("kopperdahl", folder=tmp_path)
    assert not list(tmp_path.iterdir())


def test_refuses_a_folder_that_is_there(tmp_path: Path) -> None:
    (tmp_path / "made-up").mkdir()
    with pytest.raises(InputError, match="is there already"):
        new_plugin("made-up", folder=tmp_path)
    assert not list((tmp_path / "made-up").iterdir())


def test_refuses_an_unknown_kind(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no template for 'poem'"):
        new_plugin("made-up", "poem", tmp_path)


def test_leaves_nothing_when_it_cannot_write(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises(InputError, match="cannot be written"):
        new_plugin("made-up", folder=tmp_path / "file")


def test_underscores_become_hyphens(tmp_path: Path) -> None:
    assert new_plugin("made_up", folder=tmp_path).name == "made-up"
