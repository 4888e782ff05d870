"""What is told of a finished run: what to look at, the failure loads with their cautions, and where everything is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from culmann.data import Strength
    from culmann.errors import CulmannError
    from culmann.pipeline import Run

#: Files for the eye.
_SHOWN = (".png", ".html", ".svg", ".pdf")


def tell_run(run: Run, out: Path) -> None:
    """Tell the failure loads and the files of a run; of one with several variants the loads come last, where they are seen."""
    files = [*run.manifest["files"], "manifest.json"]
    made = sorted({file for made in run.manifest.get("run_reports", {}).values() for file in made.get("files", ())})
    shown = [name for name in files if name.endswith(_SHOWN) and Path(name).name not in made]
    if run.variants:
        _tell_pictures(shown, out, together=True)
    _tell_loads(_strengths(run))
    if not run.variants:
        _tell_pictures(shown, out, together=False)
    top = sorted({above + slash for above, slash, _ in (name.partition("/") for name in files)})
    typer.echo(f"\nResults in {out}: {', '.join(top)}")
    for name in made:
        typer.secho(f"Report  {out / name}", bold=True)


def tell_problems(problems: Mapping[str, CulmannError]) -> None:
    """What became of the variants that have no result; ends with 3 when one failed for another reason than its data."""
    from culmann.pipeline.summary import outcome

    for name, problem in problems.items():
        typer.secho(f"\nVariant {name} {outcome(problem)}", bold=True, fg="yellow", nl=False, err=True)
        typer.echo(f"  {problem}", err=True)
    if any(outcome(problem) == "failed" for problem in problems.values()):
        raise typer.Exit(3)


def _strengths(run: Run) -> list[tuple[str, Strength]]:
    from culmann.data import Strength

    return [
        (f"{name}/{output.value}" if name else output.value, part.value(output.value))
        for name, part in run.variants.items() or [("", run)]
        for output in run.graph.outputs
        if run.graph.types()[output.value] is Strength
    ]


def _tell_pictures(names: Sequence[str], out: Path, *, together: bool) -> None:
    """A line for each picture, or for each folder of them."""
    for first in (True, False):
        what = "  to look at first  " if first else "  to look at  "
        folders: dict[Path, list[str]] = {}
        for name in names:
            if ("qc/" in name) is first:
                folders.setdefault((out / name).parent, []).append(Path(name).name)
        for folder, found in folders.items():
            if together and len(found) > 1:
                typer.echo(f"{what}{folder}: {', '.join(found)}")
            else:
                typer.echo("\n".join(f"{what}{folder / name}" for name in found))


def _tell_loads(strengths: Sequence[tuple[str, Strength]]) -> None:
    """Each failure load with its own cautions; those that all of several loads have are told once, behind them."""
    shared = dict.fromkeys(strengths[0][1].caveats if len(strengths) > 1 else ())
    shared = {text: None for text in shared if all(text in strength.caveats for _, strength in strengths)}
    for name, strength in strengths:
        typer.secho(f"\nFailure load  {strength.failure_load_n:.0f} N", bold=True, fg="green", nl=False)
        typer.echo(f"  ({name})")
        typer.echo(f"  criterion   {strength.criterion}")
        typer.echo(f"  read at     {strength.displacement_mm:.3g} mm, a strain of {100 * strength.strain:.3g} %")
        typer.echo(f"  stiffness   {strength.stiffness_n_mm:.0f} N/mm")
        if strength.body_weights is not None:
            typer.echo(f"  that is     {strength.body_weights:.2f} times the body weight")
        _tell_cautions([text for text in strength.caveats if text not in shared])
    if shared:
        typer.secho(f"\nOf {'both' if len(strengths) == 2 else f'all {len(strengths)}'} failure loads", bold=True)
        _tell_cautions(list(shared))


def _tell_cautions(texts: Sequence[str]) -> None:
    for text in texts:
        typer.secho("  caution     ", fg="yellow", nl=False)
        typer.echo(text)
