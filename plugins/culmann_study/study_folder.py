"""The folder of a study: what a finished one holds, where it may lie, and how it is written."""

from __future__ import annotations

import secrets
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from culmann.data import Outcomes, Report
from culmann.data.records import write_json
from culmann.errors import InputError
from culmann.pipeline.digests import config_facts
from culmann.pipeline.work import culmann_version
from culmann_study.study_analyses import Asked
from culmann_study.study_file import Study

KIND = "culmann study"


@dataclass(frozen=True, slots=True)
class Answer:
    """What an analysis said: its report, or why there is none, and what is to be careful about."""

    asked: Asked
    report: Report | None
    problem: str = ""
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Studied:
    """A finished study: its folder, the outcomes, the answers, and what went wrong with runs ({run: why})."""

    out: Path
    study: Study
    outcomes: Outcomes
    answers: tuple[Answer, ...]
    problems: Mapping[str, str]


def check_out(out: Path, study: Study) -> None:
    """Refuse a folder that holds something else, or in which a file of the study lies. Raises InputError."""
    if out.is_dir() and any(out.iterdir()) and not (out / "study.json").is_file():
        raise InputError(f"the folder {out} is not empty and holds no study", hint="name another folder with --out")
    inside = out / "runs" / "1"
    above = next(path for path in [inside, *inside.parents] if path.exists())
    if not above.is_dir():
        raise InputError(f"the folder {out} cannot be made: {above} is a file")
    needed = [Path(study.source.name).resolve(), *(cohort.table.path for cohort in study.cohorts)]
    for path in needed:
        if path.is_relative_to(out):
            raise InputError(f"the folder {out} contains {path}", hint="name a folder of its own for the study with --out")


def write_study(studied: Studied) -> None:
    """Write everything beside the runs: in a temporary folder first, then each in its place."""
    from culmann_study.study_page import study_page

    out = studied.out
    folder = out / f".new-{secrets.token_hex(4)}"
    folder.mkdir()
    try:
        studied.outcomes.save(folder)
        (folder / "study.yaml").write_text(studied.study.source.text, encoding="utf-8")
        for answered in studied.answers:
            (folder / answered.asked.name).mkdir()
            if answered.report is not None:
                answered.report.save(folder / answered.asked.name)
        (folder / "study.html").write_bytes(study_page(studied))
        write_json(folder / "study.json", _facts(studied))
        for path in sorted(folder.iterdir()):
            place = out / path.name
            if place.is_dir():
                shutil.rmtree(place)
            path.replace(place)
    except OSError as problem:
        raise InputError(f"the folder {out} cannot be written: {problem.strerror}") from problem
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _facts(studied: Studied) -> dict[str, Any]:
    study = studied.study
    return {
        "kind": KIND,
        "name": study.name,
        "about": study.about,
        "culmann": culmann_version(),
        "settings": list(study.settings),
        "pipelines": [str(cohort.graph.path) for cohort in study.cohorts],
        "tables": [str(cohort.table.path) for cohort in study.cohorts],
        "design": {key: value for key, value in study.design.facts.items() if key != "at"},
        "analyses": {
            a.asked.name: {
                "use": a.asked.offer.step.name,
                "with": config_facts(a.asked.config),
                "problem": a.problem,
                "warnings": list(a.warnings),
            }
            for a in studied.answers
        },
        "problems": dict(studied.problems),
        "citations": {
            a.asked.offer.step.name: list(a.asked.offer.step.cite) for a in studied.answers if a.asked.offer.step.cite
        },
    }
