"""The options of a training in words, for `culmann train … --options`."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator

import typer

from culmann.config import Config
from culmann.describe import Option, describe_options


def show_options(model: type[Config]) -> None:
    """Every option with its default; the options of `network` and `augmentation` below them."""
    for name, option in _all(model):
        typer.secho(f"{name}", fg="cyan", nl=False)
        typer.echo(f"  {option.type}" + ("" if option.default is None else f"; default {option.default}"))
        typer.echo(textwrap.fill(option.description, 100, initial_indent="    ", subsequent_indent="    "))


def _all(model: type[Config], above: str = "") -> Iterator[tuple[str, Option]]:
    for option in describe_options(model):
        kind = model.model_fields[option.name].annotation
        if isinstance(kind, type) and issubclass(kind, Config):
            yield from _all(kind, f"{above}{option.name}.")
        else:
            yield f"{above}{option.name}", option
