"""What a BIDS dataset of runs says in words: its description, its README, and what the columns of its tables mean."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from culmann_interchange.cases import Case

#: The version of BIDS that the layout follows.
VERSION = "1.10.0"

FE_COLUMNS: dict[str, Any] = {
    "displacement_mm": {"Description": "displacement of the loaded nodes along the direction of the load", "Units": "mm"},
    "force_n": {"Description": "reaction against it", "Units": "N"},
}

LOAD_COLUMNS: dict[str, Any] = {
    "participant_id": {"Description": "the subject"},
    "session_id": {"Description": "the session, where there are several"},
    "desc": {"Description": "the desc entity of the files that the row belongs to"},
    "value": {"Description": "the step of the pipeline that read the failure load"},
    "failure_load_n": {"Description": "failure load", "Units": "N"},
    "displacement_mm": {"Description": "displacement at which it was read", "Units": "mm"},
    "strain": {"Description": "that displacement over the reference height", "Units": "1"},
    "stiffness_n_mm": {"Description": "initial slope of the curve", "Units": "N/mm"},
    "body_weights": {"Description": "failure load over the weight of the patient, where that is known", "Units": "1"},
    "criterion": {"Description": "the rule by which the failure load was read"},
    "cautions": {"Description": "what to be careful about"},
}

#: Columns of a table of cases that do not describe a patient.
_NO_FACTS = {"case", "patient", "session", "scan", "labels", "density", "side"}

_README = """# {name}

Failure loads of bones, computed from CT scans by culmann {versions}. culmann is research software and no medical device.

The layout is that of a BIDS derivative (BIDS {bids}). `sub-*/anat/*_dseg.nii.gz` are the labels that the meshes were built
from, with their names in the table beside them. BIDS has no words for what follows, so that `.bidsignore` names it:

- `failure_loads.tsv`: one row for each failure load, with the cautions that go with it.
- `sub-*/fe/`: `*_strength.json` the failure load, `*_curve.tsv` force over displacement, `*_fields.vtu` displacement, strain
  and stress on the mesh (mm, N, MPa; LPS; of a mirrored image in its own space, see `placement` in the JSON file beside it),
  `*_pipeline.yaml` what was computed, `figures/` pictures.
- `sub-*/ct/`: the scans, where they were asked for, named as the proposal BEP024 has it.

Pipelines: {pipelines}.

## Sources of the methods

{sources}
"""


def description(
    name: str, cases: Sequence[Case], source_datasets: Sequence[Mapping[str, str]], licence: str | None
) -> dict[str, Any]:
    """`dataset_description.json`."""
    versions = dict.fromkeys(case.manifest["culmann"] for case in cases)
    plugins = dict.fromkeys(
        (plugin, version or "unknown")
        for case in cases
        for plugin, version in case.manifest["plugins"].items()
        if plugin != "culmann" and "/" not in plugin
    )
    made_by = [{"Name": "culmann", "Version": version, "Description": "failure loads from CT scans"} for version in versions]
    made_by += [{"Name": plugin, "Version": version, "Description": "plugin of culmann"} for plugin, version in plugins]
    return {
        "Name": name,
        "BIDSVersion": VERSION,
        "DatasetType": "derivative",
        "GeneratedBy": made_by,
        **({"SourceDatasets": list(source_datasets)} if source_datasets else {}),
        **({"License": licence} if licence else {}),
        "ReferencesAndLinks": _sources(cases),
    }


def readme(name: str, cases: Sequence[Case]) -> str:
    """`README.md`."""
    return _README.format(
        name=name,
        bids=VERSION,
        versions=" and ".join(dict.fromkeys(case.manifest["culmann"] for case in cases)),
        pipelines=", ".join(dict.fromkeys(case.manifest["pipeline"] for case in cases)),
        sources="\n".join(f"- {text}" for text in _sources(cases)) or "None is named.",
    )


def participant_columns(facts: Mapping[str, str]) -> dict[str, str]:
    """The facts of a table of cases that describe the patient. A column `step.option` is an option, and no fact."""
    return {name: text for name, text in facts.items() if name not in _NO_FACTS and "." not in name}


def _sources(cases: Sequence[Case]) -> list[str]:
    cited = (text for case in cases for texts in case.manifest["citations"].values() for text in texts)
    return list(dict.fromkeys(cited))
