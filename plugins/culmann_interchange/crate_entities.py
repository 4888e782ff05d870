"""What an RO-Crate says of a run: the JSON-LD entities of files, workflow, software, runs, inputs and sources."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping
from typing import Any

Entity = dict[str, Any]

#: Profiles that the crate follows, with their names and versions.
PROFILES = {
    "https://w3id.org/ro/wfrun/process/0.5": ("Process Run Crate", "0.5"),
    "https://w3id.org/ro/wfrun/workflow/0.5": ("Workflow Run Crate", "0.5"),
    "https://w3id.org/workflowhub/workflow-ro-crate/1.0": ("Workflow RO-Crate", "1.0"),
}
_PARAMETER = "https://bioschemas.org/profiles/FormalParameter/1.0-RELEASE"
WORKFLOW, PROGRAM, LANGUAGE = "pipeline.yaml", "#culmann", "#culmann-pipeline"


def ref(identifier: str) -> Entity:
    """A link to another entity."""
    return {"@id": identifier}


def plain(links: list[Entity]) -> Entity | list[Entity]:
    """A list of one as that one, as RO-Crate likes it."""
    return links[0] if len(links) == 1 else links


def named_by_content(sha256: str) -> str:
    """The address of content that is not carried along, from its digest (RFC 6920)."""
    digest = base64.urlsafe_b64encode(bytes.fromhex(sha256)).decode().rstrip("=")
    return f"ni:///sha-256;{digest}"


def profiles() -> Iterator[Entity]:
    """The profiles themselves."""
    for address, (name, version) in PROFILES.items():
        yield {"@id": address, "@type": "CreativeWork", "name": name, "version": version}


def workflow(manifest: Mapping[str, Any], parts: Mapping[str, Mapping[str, Any]]) -> Iterator[Entity]:
    """The pipeline file with its language, its inputs and outputs as parameters, and its steps."""
    first = next(iter(parts.values()))
    inputs = [_parameter(f"#input-{name}", name, "File", required=True) for name in first["inputs"]]
    outputs = [_parameter(f"#output-{entry['value']}", entry["value"], "Dataset") for entry in first["outputs"]]
    options = [_parameter(f"#option-{option}", option, "Text") for option, _ in settings(manifest)]
    steps = [
        {
            "@id": f"#step-{name}",
            "@type": "HowToStep",
            "name": name,
            "position": str(number),
            "workExample": ref(f"#tool-{step['use']}"),
        }
        for number, (name, step) in enumerate(first["steps"].items(), 1)
    ]
    yield {
        "@id": WORKFLOW,
        "@type": ["File", "SoftwareSourceCode", "ComputationalWorkflow", "HowTo"],
        "name": manifest["pipeline"],
        "description": manifest["about"],
        "version": manifest["pipeline_sha256"][:12],
        "conformsTo": ref("https://bioschemas.org/profiles/ComputationalWorkflow/1.0-RELEASE"),
        "encodingFormat": "application/yaml",
        "sha256": manifest["pipeline_sha256"],
        "programmingLanguage": ref(LANGUAGE),
        "input": [ref(entry["@id"]) for entry in [*inputs, *options]],
        "output": [ref(entry["@id"]) for entry in outputs],
        "step": [ref(entry["@id"]) for entry in steps],
    }
    yield {"@id": LANGUAGE, "@type": "ComputerLanguage", "name": "culmann pipeline file", "version": manifest["culmann"]}
    yield from [*inputs, *options, *outputs, *steps]


def software(parts: Mapping[str, Mapping[str, Any]], version: str) -> Iterator[Entity]:
    """The program, the libraries it computes with, the plugins, and each kind of step with what it is cited by."""
    first = next(iter(parts.values()))
    libraries = {f"#library-{name}": (name, number) for name, number in first["libraries"].items() if number}
    plugins = {f"#plugin-{name}": (name, number) for name, number in first["plugins"].items() if name != "culmann"}
    yield {
        "@id": PROGRAM,
        "@type": "SoftwareApplication",
        "name": "culmann",
        "softwareVersion": version,
        "license": ref("https://spdx.org/licenses/Apache-2.0"),
        "softwareRequirements": [ref(name) for name in [*libraries, *plugins]],
        "runtimePlatform": f"Python {first['python']}",
        "operatingSystem": first["platform"],
    }
    for identifier, (name, number) in {**libraries, **plugins}.items():
        yield {"@id": identifier, "@type": "SoftwareApplication", "name": name, "softwareVersion": number}
    told: set[str] = set()
    for step in (step for part in parts.values() for step in part["steps"].values()):
        if step["use"] not in told:
            told.add(step["use"])
            yield {
                "@id": f"#tool-{step['use']}",
                "@type": "SoftwareApplication",
                "name": f"{step['use']} (plugin {step['plugin']} of {step['distribution']})",
                "softwareVersion": step["version"],
                "identifier": f"sha256:{step['code']}",
                **({"citation": plain([ref(source_id(text)) for text in step["cite"]])} if step["cite"] else {}),
            }


def sources(parts: Mapping[str, Mapping[str, Any]]) -> dict[str, Entity]:
    """{identifier: entity} of the papers behind the steps."""
    found = {}
    for text in [text for part in parts.values() for cited in part["citations"].values() for text in cited]:
        identifier = source_id(text)
        found[identifier] = {"@id": identifier, "@type": "ScholarlyArticle", "name": text}
    return found


def source_id(text: str) -> str:
    """The address of a DOI; a name of its own for a reference in words."""
    if text.startswith("doi:"):
        return f"https://doi.org/{text.removeprefix('doi:')}"
    words = [word for word in "".join(c if c.isascii() and c.isalnum() else " " for c in text).split() if word]
    return f"#source-{'-'.join(words[:6]).lower()}"


def settings(manifest: Mapping[str, Any]) -> list[tuple[str, str]]:
    """(step.option, value) of what was set over the pipeline file."""
    return [(option, value) for option, _, value in (text.partition("=") for text in manifest["settings"])]


def _parameter(identifier: str, name: str, kind: str, *, required: bool = False) -> Entity:
    return {
        "@id": identifier,
        "@type": "FormalParameter",
        "additionalType": kind,
        "conformsTo": ref(_PARAMETER),
        "name": name,
        "valueRequired": "True" if required else "False",
    }
