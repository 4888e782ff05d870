"""`culmann models`: the model zoo from the command line."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from culmann_networks.zoo import Entry

models = typer.Typer(
    help="Trained networks: those that ship, those that can be fetched, and your own.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
)
NAME = Annotated[str, typer.Argument(metavar="NAME", help="A model, as `culmann models list` shows it.")]


@models.command("list")
def list_models() -> None:
    """The models, and where their weights are."""
    from culmann_networks.zoo import entries, user_folder

    rows = [("model", "step", "labels", "MB", "weights", "licence")]
    for entry in entries().values():
        facts = entry.facts
        labels = ", ".join(facts.labels.values())
        labels = labels if len(labels) <= 40 else f"{len(facts.labels)}: {labels[:33]}…"
        rows.append((entry.name, facts.architecture, labels, f"{facts.size_bytes / 1e6:.1f}", entry.state(), facts.licence))
    if len(rows) == 1:
        typer.echo(f"there is no model yet; your own go into {user_folder()} (`culmann models pack`)")
        return
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for number, row in enumerate(rows):
        line = "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        typer.secho(line, bold=number == 0)


@models.command("show")
def show(name: NAME) -> None:
    """What a model is, and how a pipeline uses it."""
    from culmann_networks.zoo import find_entry

    entry = find_entry(name)
    facts = entry.facts
    typer.secho(name, bold=True)
    typer.echo(f"  {facts.about}")
    for what, value in (
        ("step", facts.architecture),
        ("labels", ", ".join(f"{v} {label}" for v, label in sorted(facts.labels.items()))),
        ("licence", facts.licence),
        ("size", f"{facts.size_bytes} bytes"),
        ("sha256", facts.sha256),
        ("weights", f"{entry.weights() or entry.fetched_to} ({entry.state()})"),
        ("from", facts.url or "beside its entry"),
    ):
        typer.echo(f"  {what:<9}{value}")
    _tell_facts(entry)
    typer.echo(f"\n  bone: {{use: {facts.architecture}, with: {{zoo: {name}}}}}")


def _tell_facts(entry: Entry) -> None:
    """What stands in the weights file, where it is here and sound."""
    if entry.state() not in {"ships", "here"}:
        return
    from culmann_networks.model_file import open_model

    facts = open_model(entry.here()).facts
    typer.echo(f"  {'voxels':<9}{' x '.join(f'{s:g}' for s in facts.spacing_mm)} mm, windows of {facts.patch_voxels}")
    typer.echo(f"  {'grey':<9}{facts.window_hu[0]:g} to {facts.window_hu[1]:g} HU")
    for member, measured in facts.metrics.items():
        dice = measured.get("validation_dice")
        typer.echo(f"  {member:<9}" + ("not validated" if dice is None else f"validation Dice {dice:.3f}"))


@models.command("card")
def card(name: NAME) -> None:
    """The model card: data, licence, metrics, intended use."""
    from culmann_networks.zoo import find_entry

    typer.echo(find_entry(name).card())


@models.command("fetch")
def fetch_weights(name: NAME) -> None:
    """Fetch the weights of a model over https. No other command of culmann uses the network."""
    from culmann_networks.fetching import fetch
    from culmann_networks.zoo import find_entry

    def tell(done: int, whole: int) -> None:
        if sys.stderr.isatty():
            sys.stderr.write(f"\r{done / 1e6:.1f} of {whole / 1e6:.1f} MB")
            sys.stderr.write("\n" if done == whole else "")
            sys.stderr.flush()

    path = fetch(find_entry(name), tell)
    typer.echo(f"{name}: {path}, as pinned")


@models.command("verify")
def verify(
    names: Annotated[
        list[str] | None, typer.Argument(metavar="[NAME]…", help="Models; none: all whose weights are here.")
    ] = None,
) -> None:
    """Compare the weights that are here with their SHA-256."""
    from culmann.errors import InputError
    from culmann_networks.zoo import entries, find_entry

    chosen = [find_entry(name) for name in names] if names else [e for e in entries().values() if e.weights() is not None]
    states = {entry.name: entry.state() for entry in chosen}
    for name, state in states.items():
        typer.echo(f"{name}: {'as pinned' if state in {'ships', 'here'} else state}")
    wrong = [name for name, state in states.items() if state not in {"ships", "here"}]
    if wrong:
        raise InputError(f"not as pinned: {', '.join(wrong)}", hint="fetch or copy them again")


@models.command("pack")
def pack_model(
    trained: Annotated[Path, typer.Argument(metavar="TRAINED", help="The folder that `culmann train` wrote.")],
    name: Annotated[str, typer.Option("--name", help="What pipelines will call the model.")],
    about: Annotated[str, typer.Option("--about", help="One sentence on what it does.")],
    licence: Annotated[str, typer.Option("--licence", help="Of the weights, such as CC-BY-4.0.")],
    card_file: Annotated[
        Path | None,
        typer.Option("--card", metavar="FILE", help="A card in Markdown; default: one is written, to be completed."),
    ] = None,
    url: Annotated[str | None, typer.Option("--url", help="Where the weights will be fetched from.")] = None,
    half: Annotated[bool, typer.Option("--half", help="Keep the weights in half precision: half the size.")] = False,
    out: Annotated[
        Path | None,
        typer.Option("--out", metavar="FOLDER", help="Where the folder NAME is made; default: your folder of models."),
    ] = None,
) -> None:
    """Put a trained model into the zoo: weights, an entry with their SHA-256, and a card."""
    from culmann_networks.packing import pack
    from culmann_networks.zoo import user_folder

    folder = (out or user_folder()) / name
    facts = pack(trained, folder, about=about, licence=licence, card=card_file, url=url, half=half)
    typer.echo(f"{folder}: {facts.size_bytes / 1e6:.1f} MB\n  zoo: {name}\n  sha256: {facts.sha256}")
    if card_file is None:
        typer.echo(f"complete the card: {folder / 'card.md'}")
