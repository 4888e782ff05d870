"""Commands that plugins add: typed like any other, imported when called, each failure kept to the plugin that caused it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from culmann import Command
from culmann.cli.app import app
from culmann.commands import OWN
from culmann.plugins import load_catalogue
from culmann.testing.check import find_faults

DESCRIPTORS = """
from culmann import Command, hookimpl
api = 1

@hookimpl
def culmann_commands():
    yield Command("weigh", "{module}_code:weigh", summary="Weigh a whole bone")
    yield Command("train {module}-net", "{module}_code:train", summary="Train the net of a lab")
    yield Command("tools-of-{module}", "{module}_code:tools", summary="Tools of the lab")
    yield Command("broken-{module}", "{module}_code:missing", summary="Points at nothing at all")
    yield Command("heavy-{module}", "{module}_heavy:run", summary="Needs what is not there", extra="{module}[heavy]")
"""
CODE = '''
"""Functions."""
from typing import Annotated
import typer
from culmann import InputError
print("CODE IMPORTED")

def weigh(
    bone: Annotated[str, typer.Argument(help="Which bone.")],
    times: Annotated[int, typer.Option(help="How often.")] = 1,
) -> None:
    """Weigh a whole bone on a balance."""
    if bone == "ghost":
        raise InputError("a ghost weighs nothing", hint="take a bone")
    typer.echo(f"{bone} weighs {times}")

def train(data: Annotated[str, typer.Argument(help="Where the data are.")]) -> None:
    """Train the net."""
    typer.echo(f"trained on {data}")

tools = typer.Typer(help="Tools.", no_args_is_help=True)

@tools.command("saw")
def saw() -> None:
    """Saw."""
    typer.echo("sawn")

@tools.command("file")
def file() -> None:
    """File."""
'''


def lab(folder: Path, module: str) -> Path:
    """A distribution whose plugin adds commands."""
    root = folder / module
    root.mkdir(parents=True)
    (root / f"{module}.py").write_text(DESCRIPTORS.format(module=module))
    (root / f"{module}_code.py").write_text(CODE)
    (root / f"{module}_heavy.py").write_text("import no_such_package\n")
    (root / "pyproject.toml").write_text(
        '[build-system]\nrequires = ["hatchling"]\nbuild-backend = "hatchling.build"\n'
        f'[project]\nname = "{module}"\nversion = "1.0"\n'
        f'[project.entry-points.culmann]\n{module} = "{module}"\n[tool.hatch.build.targets.wheel]\nonly-include = ["."]\n'
    )
    return root


@pytest.fixture(scope="module")
def with_lab(install: Callable[[Path], dict[str, str]], tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    return install(lab(tmp_path_factory.mktemp("lab"), "laba"))


@pytest.fixture(scope="module")
def with_two_labs(
    install: Callable[[Path], dict[str, str]], tmp_path_factory: pytest.TempPathFactory, with_lab: dict[str, str]
) -> dict[str, str]:
    other = install(lab(tmp_path_factory.mktemp("lab"), "labb"))
    return {**other, "PYTHONPATH": os.pathsep.join([with_lab["PYTHONPATH"], other["PYTHONPATH"]])}


def culmann(environment: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "culmann", *arguments]
    return subprocess.run(command, env=environment, capture_output=True, encoding="utf-8", check=False)


def test_the_program_lists_them_without_importing_their_code(with_lab: dict[str, str]) -> None:
    done = culmann(with_lab, "--help")
    assert re.search(r"^  weigh +Weigh a whole bone\.$", done.stdout, flags=re.MULTILINE)
    assert re.search(r"^  train +Train: .*laba-net", done.stdout, flags=re.MULTILINE)
    assert "CODE IMPORTED" not in done.stdout
    assert "culmann train laba-net  Train the net of a lab  [laba 1.0]" in culmann(with_lab, "plugins").stdout


def test_it_runs_with_its_arguments_and_its_errors_are_told_in_a_sentence(with_lab: dict[str, str]) -> None:
    assert culmann(with_lab, "weigh", "femur", "--times", "3").stdout.endswith("femur weighs 3\n")
    assert "How often." in culmann(with_lab, "weigh", "--help").stdout
    ghost = culmann(with_lab, "weigh", "ghost")
    assert ghost.returncode == 2
    assert ghost.stderr == "error: a ghost weighs nothing\n  hint: take a bone\n"


def test_two_words_make_a_group_and_a_typer_has_sub_commands(with_two_labs: dict[str, str]) -> None:
    assert culmann(with_two_labs, "train", "labb-net", "here").stdout.endswith("trained on here\n")
    listed = culmann(with_two_labs, "train", "--help").stdout
    assert "laba-net" in listed
    assert "labb-net" in listed
    assert culmann(with_two_labs, "tools-of-labb", "saw").stdout.endswith("sawn\n")
    assert "No such command 'sew'" in culmann(with_two_labs, "tools-of-labb", "sew").stderr
    assert "No such command" in culmann(with_two_labs, "trian").stderr


def test_what_is_wrong_names_the_plugin(with_two_labs: dict[str, str]) -> None:
    clash = culmann(with_two_labs, "weigh", "femur")
    assert "command 'weigh' is offered twice: by plugin 'laba' of laba 1.0 and by plugin 'labb' of labb 1.0" in clash.stderr
    broken = culmann(with_two_labs, "broken-laba")
    assert "command 'broken-laba' of plugin 'laba' of laba 1.0: its target 'laba_code:missing' does not exist" in broken.stderr
    heavy = culmann(with_two_labs, "heavy-laba")
    assert "command 'heavy-laba' needs no_such_package: pip install 'laba[heavy]'" in heavy.stderr
    assert "Traceback" not in clash.stderr + broken.stderr + heavy.stderr


@pytest.mark.parametrize("name", ["Weigh", "a b c", "weigh it!", "run", "new net"])
def test_a_name_that_cannot_be_typed_or_is_taken_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match=f"command name {name!r}"):
        Command(name, "a:b", summary="Does something")


def test_the_names_that_are_taken_are_those_of_the_program() -> None:
    own = {command.name or command.callback.__name__ for command in app.registered_commands}
    own |= {group.name for group in app.registered_groups}
    assert own <= set(OWN)


def test_hook_is_called_and_held_to_the_contract(tmp_path: Path) -> None:
    file = tmp_path / "made_up.py"
    file.write_text(
        "from culmann import Command, hookimpl\napi = 1\n\n@hookimpl\ndef culmann_commands():\n"
        "    yield Command('weigh', 'json:dumps', summary='weigh')\n"
    )
    assert [offer.command.name for offer in load_catalogue([file]).commands if offer.plugin == "made_up.py"] == ["weigh"]
    told = "\n".join(find_faults(file))
    assert "the summary 'weigh' is not a sentence on one line" in told
    assert "has no help" in told
    file.write_text(file.read_text().replace("Command('weigh', 'json:dumps', summary='weigh')", "'weigh'"))
    assert "its hook culmann_commands yielded 'weigh', which is not a culmann.Command" in find_faults(file)[0]
