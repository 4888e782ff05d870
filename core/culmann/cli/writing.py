"""`culmann graph` and `culmann schema`: a pipeline as a picture, and the installed plugins as a JSON Schema."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from culmann.cli.arguments import PIPELINE, SETTINGS
from culmann.cli.listing import PluginFiles
from culmann.cli.running import read
from culmann.errors import InputError


class Format(StrEnum):
    """Ways to draw a graph."""

    mermaid = "mermaid"
    svg = "svg"


_ENDINGS = {".svg": Format.svg, ".mmd": Format.mermaid, ".md": Format.mermaid, ".mermaid": Format.mermaid}


def graph(
    pipeline: PIPELINE,
    form: Annotated[
        Format | None, typer.Option("--format", help="How it is drawn; default as the ending of --out says, else mermaid.")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="The file to write; without it, standard output.")] = None,
    settings: SETTINGS = None,
    plugin: PluginFiles = None,
) -> None:
    """Draw the steps of a pipeline and what flows between them."""
    from culmann.pipeline.drawing import to_mermaid, to_svg

    form = form or _by_ending(out)
    steps = read(pipeline, settings, plugin)
    _write(to_svg(steps) if form is Format.svg else to_mermaid(steps), out)


def _by_ending(out: Path | None) -> Format:
    if out is None:
        return Format.mermaid
    if out.suffix.lower() not in _ENDINGS:
        raise InputError(
            f"the ending of {out} does not say how the graph is to be drawn",
            hint=f"use one of {', '.join(_ENDINGS)}, or say --format svg or --format mermaid",
        )
    return _ENDINGS[out.suffix.lower()]


def schema(
    out: Annotated[Path | None, typer.Option(help="The file to write; without it, standard output.")] = None,
    plugin: PluginFiles = None,
) -> None:
    """Write a JSON Schema of pipeline files, for editors that check files."""
    import json

    from culmann.pipeline.schema import pipeline_schema
    from culmann.plugins import load_catalogue

    _write(json.dumps(pipeline_schema(load_catalogue(plugin or [])), indent=2, ensure_ascii=False), out)


def _write(text: str, out: Path | None) -> None:
    if out is None:
        typer.echo(text)
        return
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        out.write_text(text.rstrip("\n") + "\n", encoding="utf-8")
    except OSError as error:
        raise InputError(f"{out} cannot be written: {error.strerror or error}") from error
