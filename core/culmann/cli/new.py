"""`culmann new`: the start of a plugin of one's own."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from culmann.scaffold import KINDS, new_plugin

new = typer.Typer(help="Start something new.", no_args_is_help=True, rich_markup_mode=None)


@new.callback()
def _new() -> None:
    """Start something new."""


@new.command("plugin")
def plugin(
    name: Annotated[str, typer.Argument(help="Name of the distribution and of its step, such as lab-law.")],
    kind: Annotated[str, typer.Option(help=f"What it offers: {', '.join(KINDS)}.")] = "material-law",
    folder: Annotated[Path, typer.Option("--dir", help="Where its folder is made.")] = Path(),
) -> None:
    """Write a plugin of your own, with its tests."""
    root = new_plugin(name, kind, folder)
    typer.echo(f"{root} is written. Next:\n")
    for command in (f"cd {root}", "pip install -e '.[test]'", "pytest", f"culmann plugins {root.name}"):
        typer.echo(f"    {command}")
