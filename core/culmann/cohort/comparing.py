"""What a case depends on, as digests, and what of it has changed since the case was run."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from culmann.catalogue import Offer
from culmann.cohort.record import Parts
from culmann.pipeline import Graph
from culmann.pipeline.digests import config_digest, digest_of
from culmann.pipeline.inputs import Bound
from culmann.pipeline.place import KIND
from culmann.targets import code_digest


def parts_of(graph: Graph) -> Mapping[str, Graph]:
    """{variant: graph}; the graph itself under an empty name where it has no variants."""
    return graph.variants or {"": graph}


def steps_digest(graph: Graph, bounds: Mapping[str, Mapping[str, Bound]]) -> str:
    """sha256 of everything in a pipeline that can change a result or its place."""
    facts = {
        name: {
            "steps": {s.id: [s.offer.step.name, config_digest(s.config), dict(s.links)] for s in part.steps.values()},
            "inputs": {b.id: [b.reader.offer.step.name, config_digest(b.config)] for b in bounds[name].values()},
            "outputs": [[output.value, output.folder] for output in part.outputs],
        }
        for name, part in parts_of(graph).items()
    }
    return digest_of(facts)


def codes_digest(graph: Graph, bounds: Sequence[Bound]) -> str:
    """sha256 of the code of all readers and steps."""
    offers: list[Offer] = [bound.reader.offer for bound in bounds]
    offers += [step.offer for part in parts_of(graph).values() for step in part.steps.values()]
    return digest_of({offer.step.name: code_digest(offer) for offer in offers})


def changed(before: Parts, now: Parts) -> str:
    """What is not as it was, in words; empty when all is."""
    files = [name for name, digest in now.files.items() if before.files.get(name) != digest]
    told = [f"the file of {name!r} changed" for name in files]
    told += ["the pipeline or a setting changed"] if before.steps != now.steps else []
    told += ["culmann or a plugin changed"] if before.code != now.code else []
    return " and ".join(told)


def run_is_there(folder: Path) -> bool:
    """Whether a run folder has every file that its manifest lists."""
    try:
        manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
        return manifest["kind"] == KIND and all((folder / name).is_file() for name in manifest["files"])
    except (OSError, ValueError, KeyError, TypeError):
        return False
