"""`culmann plugins`: what can be used, and one step in full."""

from __future__ import annotations

import shutil
import textwrap
from pathlib import Path
from typing import Annotated

import typer

from culmann.catalogue import Catalogue, Offer

PluginFiles = Annotated[
    list[Path] | None, typer.Option("--plugin", metavar="FILE.py", help="A one-file plugin to use as well; may be repeated.")
]


def plugins(
    name: Annotated[str | None, typer.Argument(help="A step: show its options, ports and sources.")] = None,
    plugin: PluginFiles = None,
) -> None:
    """List the steps of all plugins, or show one."""
    from culmann.plugins import find, load_catalogue

    catalogue = load_catalogue(plugin or [])
    if name is None:
        _list(catalogue)
    else:
        _show(find(catalogue, name))


def _list(catalogue: Catalogue) -> None:
    from culmann.plugins import KINDS

    width = max((len(name) for name in catalogue.offers), default=0)
    for kind in KINDS:
        offers = catalogue.of_kind(kind)
        if offers:
            typer.secho(kind.replace("_", " "), bold=True)
        for offer in offers:
            typer.secho(f"  {offer.step.name:<{width}}", fg="cyan", nl=False)
            typer.echo(f"  {offer.step.summary}", nl=False)
            typer.secho(f"  [{_source(offer)}]", dim=True)
    if catalogue.commands:
        typer.secho("commands", bold=True)
    for added in catalogue.commands:
        typer.secho(f"  culmann {added.command.name}", fg="cyan", nl=False)
        typer.echo(f"  {added.command.summary}", nl=False)
        typer.secho(f"  [{f'{added.distribution} {added.version}'.strip()}]", dim=True)
    for name, rivals in catalogue.clashes.items():
        typer.secho(f"{name}: cannot be used, offered by {' and by '.join(rival.origin for rival in rivals)}", fg="red")
    for broken in catalogue.broken:
        typer.secho(f"{broken.origin} cannot be used: {broken.error}", fg="red")


def _source(offer: Offer) -> str:
    return f"{offer.distribution} {offer.version}".strip()


def _show(offer: Offer) -> None:
    from culmann.describe import describe, single

    facts = describe(offer)
    typer.secho(offer.step.name, bold=True, nl=False)
    typer.echo(f"  one of the {offer.kind.replace('_', ' ')}, {offer.origin}")
    typer.echo(f"{offer.step.summary}\n")
    if facts.text:
        typer.echo(facts.text + "\n")
    for title, content in (("takes", single(facts.takes)), ("gives", single(facts.gives))):
        if content:
            typer.secho(f"{title}  ", bold=True, nl=False)
            typer.echo(content)
    width = min(shutil.get_terminal_size().columns, 120)
    if facts.options:
        typer.secho("options", bold=True)
    for option in facts.options:
        typer.secho(f"  {option.name}", fg="cyan", nl=False)
        default = "must be given" if option.default is None else f"default {option.default}"
        typer.echo(f"  {option.type}; {default}")
        typer.echo(textwrap.fill(option.description, width, initial_indent=" " * 6, subsequent_indent=" " * 6))
    for source in offer.step.cite:
        typer.secho("source  ", bold=True, nl=False)
        typer.echo(source)
