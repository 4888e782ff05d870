"""Made cases as a dataset on disk that says how it was made."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from importlib.metadata import version
from pathlib import Path

from culmann.dataset import Dataset, NewCase, write_dataset
from culmann.errors import InputError
from culmann.shipped import shipped_pipelines
from culmann_synthesis.anatomy import prepared
from culmann_synthesis.config import SynthesisConfig
from culmann_synthesis.making import make_case


def shipped_anatomies() -> Path:
    """The dataset of anatomies that ships: a trunk, a lumbar spine, and hips."""
    for pipeline in shipped_pipelines().values():
        folder = pipeline.parent / "data" / "anatomies"
        if folder.is_dir():
            return folder
    raise InputError("the anatomies that ship with culmann are not there", hint="install culmann again, or name some by --from")


def synthetic_dataset(
    folder: Path,
    anatomies: Dataset,
    config: SynthesisConfig,
    cases: int,
    seed: int,
    listen: Callable[[int], None] | None = None,
) -> Dataset:
    """Make a dataset of `cases` scans; with the same seed, a longer one begins with the cases of a shorter one.

    Every case counts as a patient of its own. They all show the same few people, so that what a network reaches on such
    cases says little of what it reaches on others: test it on real scans.

    Raises
    ------
    InputError
        When the folder is in use, or the anatomies cannot be used.
    """
    ready = []
    for case in anatomies.cases:
        scan, labels = anatomies.load(case)
        ready.append(prepared(case.case, labels, scan, config))
    width = max(4, len(str(cases - 1)))

    def made() -> Iterator[NewCase]:
        for number in range(cases):
            case = make_case(ready, config, seed, number)
            facts = {"anatomy": case.anatomy, "kind": case.kind}
            yield NewCase(f"synthetic-{number:0{width}d}", case.scan, case.labels, facts=facts)
            if listen is not None:
                listen(number + 1)

    options = json.dumps(config.model_dump(mode="json"), ensure_ascii=False)
    about = (
        f"SYNTHETIC: no scanner and no patient made these scans. culmann {version('culmann')} synthesize, seed {seed}, from "
        f"{', '.join(anatomy.name for anatomy in ready)} of the dataset {anatomies.name!r}; options {options}"
    )
    return write_dataset(
        folder,
        made(),
        name=f"synthetic-{'-'.join(config.targets)}",
        labels={name: number for number, name in config.names.items()},
        about=about,
        licence=f"Made from data under: {anatomies.licence}" if anatomies.licence else "",
    )
