"""`culmann synthesize`: a dataset of made scans."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated

import typer


def synthesize(
    out: Annotated[Path, typer.Option("--out", metavar="DATASET", help="The folder that is made.")],
    cases: Annotated[int, typer.Option("--cases", min=1, help="How many scans.")],
    seed: Annotated[int, typer.Option("--seed", min=0, help="The same seed and options give the same scans.")] = 0,
    config: Annotated[Path | None, typer.Option("--config", metavar="FILE", help="A YAML file with options.")] = None,
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="OPTION=VALUE", help="Change an option, the value as in YAML. May be repeated."),
    ] = None,
    anatomies: Annotated[
        Path | None,
        typer.Option("--from", metavar="DATASET", help="What they are made from: any dataset; default: the one that ships."),
    ] = None,
    only: Annotated[
        list[str] | None,
        typer.Option("--anatomy", metavar="CASE", help="Take this case of the anatomies alone. May be repeated."),
    ] = None,
) -> None:
    """Make CT scans with labels out of a few label maps: warped, painted with tissues, blurred, sampled, with noise."""
    from culmann.dataset import read_dataset
    from culmann.errors import InputError
    from culmann.option_files import read_options
    from culmann_synthesis.config import SynthesisConfig
    from culmann_synthesis.synthetic_dataset import shipped_anatomies, synthetic_dataset

    options = read_options(SynthesisConfig, "synthesize", config, settings or ())
    source = read_dataset(anatomies or shipped_anatomies())
    if only:
        strange = set(only) - {case.case for case in source.cases}
        if strange:
            raise InputError(
                f"there is no anatomy {', '.join(sorted(strange))} in {source.folder}",
                hint=f"there are {', '.join(case.case for case in source.cases)}",
            )
        source = source.only(tuple(dict.fromkeys(only)))
    start, told = time.monotonic(), -10.0

    def listen(done: int) -> None:
        nonlocal told
        spent = time.monotonic() - start
        if spent - told >= 10 or done == cases:
            told = spent
            typer.echo(f"{done} of {cases} cases, {spent:.0f} s", err=True)

    made = synthetic_dataset(out, source, options, cases, seed, listen)
    typer.echo(f"{made.folder}: {cases} scans with {', '.join(made.labels)} ({time.monotonic() - start:.0f} s)")
