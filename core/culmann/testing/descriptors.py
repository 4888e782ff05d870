"""Checks of what a plugin says without running: its descriptors, and what importing it costs."""

from __future__ import annotations

import os
import re
import subprocess
import sys

import typer

from culmann.catalogue import CommandOffer
from culmann.errors import CulmannError
from culmann.steps import Step
from culmann.targets import load_command

#: What no plugin module may import: it would be paid for at every start of culmann.
HEAVY = (
    "SimpleITK",
    "ansys",
    "gmsh",
    "highdicom",
    "matplotlib",
    "meshio",
    "monai",
    "nnunetv2",
    "numba",
    "numpy",
    "pandas",
    "pydicom",
    "pyvista",
    "scipy",
    "skimage",
    "torch",
)

_DOI = re.compile(r"doi:10\.\d{4,9}/\S+")
_YEAR = re.compile(r"\b(1[89]|20)\d\d\b")
_IMPORTS = """
import importlib, sys
before = set(sys.modules)
importlib.import_module(sys.argv[1])
print(*sorted({name.partition('.')[0] for name in set(sys.modules) - before}))
"""


def wrong_descriptor(step: Step, kind: str) -> list[str]:
    """What is wrong with a descriptor, beyond what `Step` refuses itself."""
    faults = _wrong_summary(step.summary)
    for source in step.cite:
        is_reference = source.startswith(("https://", "http://")) or (_YEAR.search(source) and len(source.split()) > 3)
        if not _DOI.fullmatch(source) and not is_reference:
            faults.append(f"the citation {source!r} is no 'doi:10.…', no web address and no full reference with a year")
    if kind == "readers":
        if not step.suffixes:
            faults.append("a reader says in `suffixes` which files it takes, for example ('.nii.gz',) or '/' for a folder")
        faults += [f"the suffix {s!r} begins with no dot" for s in step.suffixes if s != "/" and not s.startswith(".")]
    elif step.suffixes:
        faults.append("only readers have `suffixes`")
    return faults


def wrong_command(offer: CommandOffer) -> list[str]:
    """What is wrong with a command: its sentence, its code, what its arguments say of themselves."""
    faults = _wrong_summary(offer.command.summary)
    try:
        target = load_command(offer)
    except CulmannError as error:
        return [*faults, str(error)]
    try:
        app = target if isinstance(target, typer.Typer) else typer.Typer()
        if app is not target:
            app.command("it")(target)
        made = [typer.main.get_command(app)]
    except Exception as error:  # typer looks at annotations when the command is made
        return [*faults, f"typer cannot make a command of it: {error}"]
    for command in made:
        made += getattr(command, "commands", {}).values()
        untold = [p.name for p in command.params if not getattr(p, "help", "")]
        faults += [f"its argument {name!r} of {command.name!r} has no help" for name in untold]
        if not (command.help or "").strip():
            faults.append(f"{command.name!r} has no docstring, which is its help")
    return faults


def _wrong_summary(summary: str) -> list[str]:
    if len(summary.split()) < 3 or "\n" in summary or not (summary[0].isupper() or summary[0].isdigit()):
        return [f"the summary {summary!r} is not a sentence on one line"]
    return [f"the summary has {len(summary)} characters; 120 fit into the list"] if len(summary) > 120 else []


def heavy_imports(module: str) -> list[str]:
    """What importing a plugin module drags in that it should not; tried in a fresh process."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    done = subprocess.run(
        [sys.executable, "-c", _IMPORTS, module], capture_output=True, encoding="utf-8", env=environment, check=False
    )
    if done.returncode:
        return [f"importing it in a fresh process fails: {done.stderr.strip().splitlines()[-1]}"]
    heavy = sorted(set(done.stdout.split()) & set(HEAVY))
    if not heavy:
        return []
    return [f"importing it imports {', '.join(heavy)}: keep descriptors in it, and the functions in another module"]
