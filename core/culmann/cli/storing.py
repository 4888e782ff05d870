"""`culmann store`: what is stored, and how it is removed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from culmann.cli.running import STORE
from culmann.errors import InputError

if TYPE_CHECKING:
    from culmann.pipeline.kept import Kept


def store(
    store: STORE = None,
    prune_days: Annotated[
        float | None, typer.Option("--prune-days", min=0, metavar="N", help="Remove results that were not used for N days.")
    ] = None,
    everything: Annotated[bool, typer.Option("--all", help="Remove all results, and the tracebacks of failed steps.")] = False,
) -> None:
    """Tell what the store of results holds, or remove results from it."""
    from culmann.pipeline.kept import kept, take_away
    from culmann.pipeline.store import is_store, store_folder

    if everything and prune_days is not None:
        raise InputError("--all and --prune-days exclude each other")
    folder = store_folder(store)
    if not is_store(folder):
        typer.echo(f"there is no store {folder}")
        return
    results = kept(folder)
    typer.echo(f"store    {folder}")
    if everything or prune_days is not None:
        gone = results if prune_days is None else [result for result in results if result.idle_days >= prune_days]
        if gone or everything:
            take_away(folder, gone, logs=everything)
        typer.echo(f"removed  {_amount(gone)}{', and the tracebacks of failed steps' if everything else ''}")
        results = results[len(gone) :]  # they are sorted by their last use
    typer.echo(f"holds    {_amount(results)}")
    if results:
        typer.echo(f"used     the oldest {_ago(results[0])}, the newest {_ago(results[-1])}")


def _amount(results: Sequence[Kept]) -> str:
    size = sum(result.size_bytes for result in results)
    factor, unit = next((found for found in ((1e9, "GB"), (1e6, "MB")) if size >= found[0]), (1e3, "kB"))
    return f"{len(results)} result{'' if len(results) == 1 else 's'}, {size / factor:.1f} {unit}"


def _ago(result: Kept) -> str:
    days = int(result.idle_days)
    return "today" if days < 1 else f"{days} day{'' if days == 1 else 's'} ago"
