"""`culmann study-schema`: a JSON Schema of study files, for editors."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from culmann.errors import InputError


def write_schema(
    out: Annotated[Path | None, typer.Option(help="The file to write; without it, standard output.")] = None,
    plugin: Annotated[
        list[Path] | None,
        typer.Option("--plugin", metavar="FILE.py", help="A one-file plugin to use as well; may be repeated."),
    ] = None,
) -> None:
    """Write a JSON Schema of study files, for editors that check files."""
    import json

    from culmann.plugins import load_catalogue
    from culmann_study.study_schema import study_schema

    text = json.dumps(study_schema(load_catalogue(plugin or [])), indent=2, ensure_ascii=False)
    if out is None:
        typer.echo(text)
        return
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        out.write_text(f"{text}\n", encoding="utf-8")
    except OSError as error:
        raise InputError(f"{out} cannot be written: {error.strerror or error}") from error
