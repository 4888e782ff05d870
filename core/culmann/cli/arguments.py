"""Arguments that several commands share."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from culmann.errors import InputError

PIPELINE = Annotated[str, typer.Argument(metavar="PIPELINE", help="A pipeline file, or the name of one that ships.")]
SETTINGS = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="STEP.OPTION=VALUE", help="Change an option; the value as in YAML. May be repeated."),
]
INPUTS = Annotated[
    list[str] | None, typer.Option("--input", metavar="NAME=PATH", help="The file of an input. May be repeated.")
]
VARIANTS = Annotated[
    list[str] | None, typer.Option("--variant", metavar="NAME", help="A variant to run, instead of all. May be repeated.")
]


def input_files(given: Sequence[str]) -> dict[str, Path]:
    """{input: file} from what stands after each `--input`.

    Raises
    ------
    InputError
        When one is not of the form name=path, or an input is given twice.
    """
    files: dict[str, Path] = {}
    for text in given:
        name, equals, path = text.partition("=")
        if not (equals and name and path):
            raise InputError(f"--input {text!r} is not of the form name=path", hint="for example --input scan=ct.nii.gz")
        if name in files:
            raise InputError(f"--input {name} is given twice: {files[name]} and {path}")
        files[name] = Path(path)
    return files
