"""`culmann run`, `check` and `demo`: from a pipeline file to a failure load, or to what is wrong with the file."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from culmann.cli.arguments import INPUTS, PIPELINE, SETTINGS, VARIANTS, input_files
from culmann.cli.listing import PluginFiles
from culmann.cli.progress import shown_progress
from culmann.cli.telling import tell_problems, tell_run

if TYPE_CHECKING:
    from culmann.pipeline import Graph

OUT = Annotated[Path | None, typer.Option(help="The folder for the results; default runs/<name of the pipeline>.")]
STORE = Annotated[
    Path | None, typer.Option(help="Where results of steps are kept; default $CULMANN_STORE, else .culmann here.")
]
FORCE = Annotated[bool, typer.Option("--force", help="Compute every step anew, whatever the store holds.")]
REPORT = Annotated[bool, typer.Option("--report/--no-report", help="Whether the run ends with its report, a page in HTML.")]


class Bone(StrEnum):
    """Bones that ship with culmann."""

    vertebra = "vertebra"
    femur = "femur"


#: The pipeline of each.
_DEMOS = {Bone.vertebra: "vertebra_voxel", Bone.femur: "femur_sas"}


def run(
    pipeline: PIPELINE,
    inputs: INPUTS = None,
    settings: SETTINGS = None,
    variants: VARIANTS = None,
    out: OUT = None,
    force: FORCE = False,
    store: STORE = None,
    plugin: PluginFiles = None,
    report: REPORT = True,
) -> None:
    """Run a pipeline and tell the failure load."""
    files = input_files(inputs or [])
    graph = read(pipeline, settings, plugin, variants)
    _run(graph, files, out or Path("runs") / graph.path.stem, force, store, report)


def demo(
    bone: Annotated[Bone, typer.Argument(help="Which bone.")] = Bone.vertebra,
    out: Annotated[Path | None, typer.Option(help="The folder for the results; default runs/demo-<bone>.")] = None,
    force: FORCE = False,
    store: STORE = None,
    report: REPORT = True,
) -> None:
    """Run the pipeline of a real bone that ships with culmann."""
    _run(read(_DEMOS[bone], None, None), {}, out or Path("runs") / f"demo-{bone.value}", force, store, report)


def check(pipeline: PIPELINE, inputs: INPUTS = None, settings: SETTINGS = None, plugin: PluginFiles = None) -> None:
    """Check a pipeline file, and the files of inputs that it or --input names, and show its wiring."""
    from culmann.pipeline.foresight import expect_no_stop
    from culmann.pipeline.inputs import bind

    files = input_files(inputs or [])
    graph = read(pipeline, settings, plugin)
    for entry in graph.variants.values() or [graph]:
        bind(entry, files, all_needed=False)
    types = graph.types()
    rows = [("input", entry.id, entry.type.__name__, "") for entry in graph.inputs.values()]
    for step in graph.steps.values():
        gives = ", ".join(types[value].__name__ for value in step.value_ids().values())
        takes = ", ".join(f"{port}: {value}" for port, value in step.links.items() if value is not None)
        rows.append((step.offer.step.name, step.id, gives, takes))
    rows = [("use", "id", "gives", "takes"), *rows]
    widths = [max(len(row[column]) for row in rows) for column in range(4)]
    for number, row in enumerate(rows):
        line = "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        typer.secho(line, bold=number == 0)
    if graph.variants:
        typer.echo(f"\nvariants: {', '.join(graph.variants)} (shown: {graph.variant})")
    expect_no_stop(graph)
    typer.echo(f"\n{graph.path}: no problems; keeps {', '.join(output.value for output in graph.outputs)}")


def read(pipeline: str, settings: list[str] | None, plugin: list[Path] | None, variants: list[str] | None = None) -> Graph:
    """The graph of a pipeline. A broken plugin that was asked for by name is an error; one that is merely installed is not."""
    from culmann.errors import PluginError
    from culmann.pipeline import read_pipeline
    from culmann.plugins import load_catalogue
    from culmann.shipped import find_pipeline

    catalogue = load_catalogue(plugin or [])
    asked_for = {str(file.resolve()) for file in plugin or []}
    for broken in catalogue.broken:
        if broken.distribution in asked_for:
            raise PluginError(f"{broken.origin} cannot be used: {broken.error}", hint="mend the file, or leave `--plugin` out")
    return read_pipeline(find_pipeline(pipeline), catalogue, settings or [], variants or [])


def _run(graph: Graph, files: dict[str, Path], out: Path, force: bool, store: Path | None, report: bool) -> None:
    from culmann.pipeline import run as run_graph

    try:
        with shown_progress() as listener:
            result = run_graph(graph, files, out=out, store=store, force=force, listener=listener, reports=report)
    except KeyboardInterrupt as stopped:
        again = "the same command without --force" if force else "the same command"
        stopped.add_note(f"what was finished is in the store: {again} goes on from there")
        raise
    if result.replaced is not None:
        typer.echo(f"replaces the run of {_date(result.replaced)} in {out}", err=True)
    tell_run(result, out)
    for why in dict.fromkeys(result.incomplete.values()):
        again = "the same command computes it in full"
        typer.secho(f"\nNot what was asked for: {why}. It is not in the store: {again}.", bold=True, fg="yellow", err=True)
    tell_problems(result.problems)
    if result.incomplete:
        raise typer.Exit(130)


def _date(manifest: dict[str, Any]) -> str:
    """When a run was, in the time of the place."""
    try:
        return f"{datetime.fromisoformat(manifest['when']).astimezone():%Y-%m-%d %H:%M}"
    except (KeyError, TypeError, ValueError):
        return "an unknown date"
