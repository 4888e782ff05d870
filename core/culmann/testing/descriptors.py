"""Checks of what a plugin says without running: its descriptors, and what importing it costs."""

from __future__ import annotations

import os
import re
import subprocess
import sys

from culmann.steps import Step

#: What no plugin module may import: it would be paid for at every start of culmann.
HEAVY = (
    "SimpleITK",
    "ansys",
    "gmsh",
    "matplotlib",
    "meshio",
    "monai",
    "nnunetv2",
    "numba",
    "numpy",
    "pandas",
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
    faults = []
    if len(step.summary.split()) < 3 or "\n" in step.summary or not (step.summary[0].isupper() or step.summary[0].isdigit()):
        faults.append(f"the summary {step.summary!r} is not a sentence on one line")
    elif len(step.summary) > 120:
        faults.append(f"the summary has {len(step.summary)} characters; 120 fit into the list of steps")
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
