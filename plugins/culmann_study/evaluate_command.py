"""`culmann evaluate`: label maps against their references, case by case, with the conventions named."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from culmann.errors import CulmannError, InputError
from culmann_study.numberings import Numbering

if TYPE_CHECKING:
    from culmann.data import Labels
    from culmann_study.comparison import Row

_REFERENCE = Annotated[
    Path, typer.Argument(help="The labels that count as right: a file, a folder of files, or a table of cases (CSV).")
]
_PREDICTION = Annotated[Path, typer.Argument(help="The labels to judge, likewise.")]
_LABEL = typer.Option(
    "--label", metavar="REF[=PRED]", help="A label to compare, by number or name, with its number in the prediction. Repeat it."
)


def evaluate(
    reference: _REFERENCE,
    prediction: _PREDICTION,
    label: Annotated[list[str] | None, _LABEL] = None,
    merge: Annotated[bool, typer.Option("--merge", help="Compare all labels of a map together, as one.")] = False,
    femur: Annotated[
        bool, typer.Option("--femur", help="Tell shaft, middle and head of each label apart, by landmarks of the reference.")
    ] = False,
    tolerance_mm: Annotated[float, typer.Option(min=0, help="For the surface Dice.")] = 1.0,
    resample: Annotated[
        bool, typer.Option("--resample", help="Lay the prediction onto the grid of the reference where they differ.")
    ] = False,
    numbering: Annotated[
        Numbering | None, typer.Option(help="Names for the numbers of labels, where the files have none.")
    ] = None,
    csv: Annotated[Path | None, typer.Option(help="Write a tidy table: a line for each case, label and region.")] = None,
    picture: Annotated[
        Path | None,
        typer.Option(help="Draw the surface in the colours of its distance (PNG); a folder where there are several cases."),
    ] = None,
) -> None:
    """Compare label maps: Dice, Hausdorff, surface distances, volumes."""
    from culmann_study.evaluation import Wishes, evaluate_case
    from culmann_study.label_cases import in_both, label_files
    from culmann_study.metric_table import as_csv, as_text

    only, pairs = _labels(label or [])
    wishes = Wishes(only, pairs, merge, femur, tolerance_mm, resample, numbering)
    cases, alone = in_both(label_files(reference), label_files(prediction))
    if picture is not None and len(cases) == 1 and picture.suffix.lower() != ".png":
        raise InputError(f"the picture {picture} must end in .png")
    rows: dict[str, list[Row]] = {}
    problems: dict[str, CulmannError] = {}
    for case, (right, judged) in cases.items():
        try:
            done = evaluate_case(right, judged, wishes)
        except CulmannError as problem:
            problems[case] = problem
            continue
        rows[case] = done.rows
        for text in done.warnings:
            typer.secho(f"{case}: {text}", fg="yellow", err=True)
        if picture is not None:
            _draw(picture if len(cases) == 1 else picture / f"{case}.png", case, done.reference, done.prediction)
    if not rows:
        raise next(iter(problems.values()))
    typer.echo(as_text(rows, tolerance_mm))
    if csv is not None:
        _write(csv, as_csv(rows, tolerance_mm).encode())
    for text in alone:
        typer.secho(text, fg="yellow", err=True)
    for case, failed in problems.items():
        typer.secho(f"case {case} could not be compared: {failed}", fg="red", err=True)
    if problems or alone:
        raise typer.Exit(3)


def _labels(given: list[str]) -> tuple[tuple[int | str, ...], dict[int, int]]:
    """Labels of the reference to compare, and the numbers of those that have another one in the prediction."""
    only: list[int | str] = []
    pairs: dict[int, int] = {}
    for text in given:
        ours, equals, theirs = text.partition("=")
        only.append(int(ours) if ours.isdigit() else ours)
        if equals:
            if not (ours.isdigit() and theirs.isdigit()):
                raise InputError(
                    f"--label {text!r} is not of the form 1=75", hint="pair labels by their numbers in the two files"
                )
            pairs[int(ours)] = int(theirs)
    return tuple(only), pairs


def _draw(path: Path, title: str, reference: Labels, prediction: Labels) -> None:
    from culmann_study.distance_picture import distance_picture

    if not prediction.foreground.any():
        typer.secho(f"{title}: nothing of the prediction is left to draw", fg="yellow", err=True)
        return
    _write(path, distance_picture(reference, prediction, title, (0.35, -1.0, 0.25)))
    typer.echo(f"  to look at  {path}")


def _write(path: Path, content: bytes) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_name(f".{path.name}.part")
        part.write_bytes(content)
        part.replace(path)
    except OSError as problem:
        raise InputError(f"{path} cannot be written: {problem.strerror}") from problem
