"""Running a study: its runs as cohorts, their failure loads and masks gathered, the analyses, and the page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from culmann.catalogue import Catalogue
from culmann.cohort import CohortListener, Record, run_cohort
from culmann.cohort.folder import Setup
from culmann.cohort.plan import Planned, plan
from culmann.data import Outcome, Outcomes, Report
from culmann.data.records import write_json
from culmann.errors import CulmannError, InputError, PluginError
from culmann.home import from_home
from culmann.journal import QuietJournal
from culmann.pipeline.store import store_folder
from culmann.pipeline.work import culmann_version
from culmann.ports import ports_of
from culmann.targets import load_target
from culmann_study.expansion import StudyRun, expand
from culmann_study.mask_numbers import with_masks
from culmann_study.study_analyses import Asked
from culmann_study.study_file import Study
from culmann_study.study_folder import KIND, Answer, Studied, check_out, write_study

_NUMBERS = ("failure_load_n", "stiffness_n_mm", "displacement_mm", "strain")


def planned(
    study: Study, catalogue: Catalogue, out: Path, store: Path | None, plugins: Sequence[Path]
) -> list[tuple[StudyRun, Planned]]:
    """Every run of a study checked, its files looked into, and nothing computed."""
    found: list[tuple[StudyRun, Planned]] = []
    for number, cohort in enumerate(study.cohorts, start=1):
        runs = expand(study, cohort, cohort.graph)
        setup = Setup(cohort.graph.path, store_folder(store), study.settings, (), tuple(plugins))
        drawn = plan([run.row for run in runs], setup, catalogue, _runs_folder(out, number))
        found += list(zip(runs, drawn, strict=True))
    return found


def run_study(
    study: Study,
    *,
    out: Path,
    store: Path | None = None,
    plugins: Sequence[Path] = (),
    executor: str = "local",
    options: Mapping[str, Any] | None = None,
    retry: bool = False,
    reports: bool = False,
    listener: CohortListener | None = None,
) -> Studied:
    """Run a study, gather its failure loads, and answer what it asks.

    Runs that are done are not done again; a run that fails leaves the others alone, and counts for nothing.

    Parameters
    ----------
    study
        From `read_study`.
    out
        The folder: `outcomes.csv`, a folder for each analysis, `study.html`, and `runs/`.
    store, plugins, executor, options, retry, reports, listener
        As `culmann.cohort.run_cohort` takes them.

    Raises
    ------
    InputError, PipelineError, PluginError
        When the folder or the executor cannot be used, or no run has a failure load.
    """
    out = from_home(out).resolve()
    check_out(out, study)
    out.mkdir(parents=True, exist_ok=True)
    write_json(out / "study.json", {"kind": KIND, "name": study.name, "culmann": culmann_version()})
    rows: list[Outcome] = []
    problems: dict[str, str] = {}
    for number, cohort in enumerate(study.cohorts, start=1):
        folder = _runs_folder(out, number)
        runs = expand(study, cohort, cohort.graph)
        bad = {run.row.case.id: run for run in runs if run.row.problems}
        cases = [run.row.case for run in runs if run.row.case.id not in bad]
        records: dict[str, Record] = {}
        if cases:
            done = run_cohort(
                cases,
                cohort.graph.path,
                out=folder,
                store=store,
                settings=study.settings,
                plugins=plugins,
                executor=executor,
                options=options,
                retry=retry,
                reports=reports,
                listener=listener,
            )
            records = {record.case: record for record in done}
        for run in runs:
            found, why = outcomes_of(run, records.get(run.row.case.id))
            rows += found
            if why:
                problems[f"{run.case}, {run.variation.name}"] = why
    factors = {variation.name: dict(variation.factors) for variation in study.design.variations}
    outcomes = Outcomes(tuple(rows), factors, study.design.facts)
    if not any("failure_load_n" in row.numbers for row in outcomes.rows):
        told = "\n".join(f"{name}: {why}" for name, why in list(problems.items())[:5])
        raise InputError(f"no run of the study has a failure load\n{told}")
    if study.masks and study.control:
        outcomes, more = with_masks(outcomes, study, _folders(study, out), store)
        problems |= more
    answers = tuple(answer(asked, outcomes) for asked in study.analyses)
    studied = Studied(out, study, outcomes, answers, problems)
    write_study(studied)
    return studied


def answer(asked: Asked, outcomes: Outcomes) -> Answer:
    """What an analysis says of the outcomes; a failure of one leaves the others alone."""
    ports = ports_of(asked.offer)
    journal = QuietJournal()
    arguments: dict[str, Any] = dict.fromkeys(ports.inputs, outcomes)
    if ports.config is not None:
        arguments["config"] = asked.config
    if ports.journal is not None:
        arguments[ports.journal] = journal
    try:
        report = load_target(asked.offer)(**arguments)
        if not isinstance(report, Report):
            raise PluginError(f"{asked.offer.origin}: {asked.offer.step.name} gave no Report")
    except CulmannError as problem:
        return Answer(asked, None, str(problem), tuple(journal.warnings))
    except Exception as problem:  # a plugin's mistake must not cost the runs that took hours
        return Answer(asked, None, f"{asked.offer.origin} failed: {type(problem).__name__}: {problem}", tuple(journal.warnings))
    return Answer(asked, report, "", tuple(journal.warnings))


def outcomes_of(run: StudyRun, record: Record | None) -> tuple[list[Outcome], str]:
    """A row for each failure load of a run; a row without one where there is none, and why."""
    if record is None:
        why = "; ".join(problem.message for problem in run.row.problems) or "it was not run"
        return [Outcome(run.case, run.variation.name, "", {}, run.facts, "refused", why)], why
    results = record.results
    if not results:
        return [Outcome(run.case, run.variation.name, "", {}, run.facts, record.outcome, record.error)], record.error
    rows = []
    for result in results:
        case = f"{run.case}, {result.variant}" if result.variant else run.case
        given = {name: getattr(result, name) for name in _NUMBERS}
        numbers = {name: float(value) for name, value in given.items() if value is not None}
        facts = {**run.facts, **({"variant": result.variant} if result.variant else {})}
        rows.append(Outcome(case, run.variation.name, result.output, numbers, facts, result.outcome, result.error))
    wrong = [row.problem for row in rows if row.problem and row.outcome != "skipped"]
    return rows, "; ".join(dict.fromkeys(wrong))


def _folders(study: Study, out: Path) -> dict[tuple[str, str], Path]:
    """{(case, variation): its run folder}."""
    found = {}
    for number, cohort in enumerate(study.cohorts, start=1):
        for run in expand(study, cohort, cohort.graph):
            found[run.case, run.variation.name] = _runs_folder(out, number) / run.row.case.id
    return found


def _runs_folder(out: Path, number: int) -> Path:
    return out / "runs" / str(number)
