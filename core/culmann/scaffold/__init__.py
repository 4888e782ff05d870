"""What `culmann new plugin` writes: a distribution with one step, its options, and tests that pass at once."""

from __future__ import annotations

import importlib.util
import itertools
import re
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from string import Template

from culmann.errors import InputError
from culmann.plugins import load_catalogue

_TEMPLATES = Path(__file__).parent / "templates"


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of plugin that can be started from a template.

    Parameters
    ----------
    hook
        The hook that yields its step.
    module
        The module of the package that holds the function.
    summary
        What the example step does.
    example
        How a pipeline file uses the step; `$step` stands for its name.
    """

    hook: str
    module: str
    summary: str
    example: str


KINDS: dict[str, Kind] = {
    "material-law": Kind(
        "culmann_material_laws",
        "law",
        "Power law of density, perfectly plastic from a fixed strain on",
        "law: {use: $step, with: {yield_strain: 0.008}}",
    ),
    "calibration": Kind(
        "culmann_calibrations",
        "calibration",
        "Density from the Hounsfield units of water and of one known tissue",
        "density: {use: $step, with: {tissue_hu: 400}}",
    ),
    "preprocessor": Kind(
        "culmann_preprocessors",
        "preprocessor",
        "Limit the Hounsfield units of a scan, so that metal weighs no more than cortical bone",
        "limited: {use: $step, with: {highest_hu: 2000}}",
    ),
    "failure-criterion": Kind(
        "culmann_failure_criteria",
        "criterion",
        "Force at a fixed displacement",
        "strength: {use: $step, with: {displacement_mm: 0.5}}",
    ),
}


def new_plugin(name: str, kind: str = "material-law", folder: Path = Path()) -> Path:
    """Write the distribution `name` into `folder/name`; all of it, or nothing.

    Parameters
    ----------
    name
        Name of the distribution and of its step, such as `lab-law`. The package is called `lab_law`.
    kind
        One of `KINDS`.
    folder
        Where the new folder is made.

    Returns
    -------
    The new folder.

    Raises
    ------
    InputError
        When the name cannot be used or is that of an installed step, the kind has no template, or the folder is there already.
    """
    name = name.replace("_", "-")
    if not re.fullmatch(r"[a-z][a-z0-9]*(-[a-z0-9]+)*", name):
        raise InputError(f"{name!r} cannot be the name of a plugin", hint="use lower-case words joined by hyphens: lab-law")
    if kind not in KINDS:
        raise InputError(f"there is no template for {kind!r}", hint=f"the kinds are {', '.join(KINDS)}")
    package, final = name.replace("-", "_"), folder / name
    if final.exists():
        raise InputError(f"{final} is there already", hint="choose another name, or another folder with --dir")
    if importlib.util.find_spec(package) is not None:
        raise InputError(f"a Python package {package!r} is installed already", hint="choose another name")
    taken = load_catalogue()
    for offer in [*taken.offers.values(), *itertools.chain.from_iterable(taken.clashes.values())]:
        if offer.step.name == name:
            raise InputError(f"there is a step {name!r} already, of {offer.origin}", hint="choose another name")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder, prefix=f".{name}-") as temporary:
            _write(Path(temporary) / name, name, package, kind)
            shutil.move(Path(temporary) / name, final)
    except OSError as error:
        raise InputError(f"{final} cannot be written: {error.strerror or error}") from error
    return final


def _write(root: Path, name: str, package: str, kind: str) -> None:
    facts = KINDS[kind]
    words = {
        "name": name,
        "package": package,
        "kind": kind.replace("-", " "),
        "hook": facts.hook,
        "module": facts.module,
        "summary": facts.summary,
        "example": Template(facts.example).substitute(step=name),
    }
    content = {
        "pyproject.toml": "common/pyproject.toml",
        "README.md": "common/README.md",
        f"{package}/__init__.py": "common/__init__.py",
        f"{package}/{facts.module}.py": f"{kind}/{facts.module}.py",
        f"tests/test_{package}.py": f"{kind}/test.py",
    }
    for path, template in content.items():
        target = root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        text = (_TEMPLATES / f"{template}.tmpl").read_text(encoding="utf-8")
        target.write_text(Template(text).substitute(words), encoding="utf-8")
    (root / package / "py.typed").touch()
