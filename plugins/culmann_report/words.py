"""A run in words: sentences for a methods section, numbered references, and options as people write them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from culmann.data import Scan
from culmann.pages import rounded, spaced
from culmann.pipeline import GraphStep, Run
from culmann_report.found import Found

_CELLS = {"hex8": "hexahedra with 8 nodes", "tet4": "tetrahedra with 4 nodes", "tet10": "quadratic tetrahedra with 10 nodes"}
#: What is said of a step, by the hook that it came through: the first of a kind, and those after it.
_SENTENCES = {
    "preprocessors": ("The image was processed by {}", "then by {}"),
    "segmenters": ("The bone was labelled by {}", "then by {}"),
    "calibrations": ("Density was computed by {}", "then by {}"),
    "landmarks": ("Landmarks were found by {}", "then by {}"),
    "mesh_builders": ("The mesh was made by {}", "then by {}"),
    "material_laws": ("The material law was {}", "then {}"),
    "load_cases": ("The load case was {}", "then {}"),
    "solvers": ("It was solved by {}", "then by {}"),
    "failure_criteria": ("The failure load was read by {}", "and by {}"),
    "analyses": ("It was analysed by {}", "and by {}"),
}
#: Of these the summary says what a reader has to know; the names of the others say it.
_EXPLAINED = {"material_laws", "load_cases"}


@dataclass(frozen=True, slots=True)
class Reference:
    """A source: its text as the plugin gives it, and its address where it has one."""

    text: str
    address: str


@dataclass(frozen=True, slots=True)
class Methods:
    """Paragraphs for a methods section; numbers in brackets point at the references."""

    paragraphs: tuple[str, ...]
    references: tuple[Reference, ...]


def methods(run: Run, found: Found) -> Methods:
    """What was done, step by step, with the options that were chosen and the sources of each step."""
    cited: list[str] = []

    def marks(sources: tuple[str, ...]) -> str:
        for source in sources:
            if source not in cited:
                cited.append(source)
        return f" [{', '.join(str(cited.index(source) + 1) for source in sources)}]" if sources else ""

    sentences = [_images(found)]
    last = ""
    for step in run.graph.steps.values():
        kind = step.offer.kind
        if kind not in _SENTENCES:
            continue
        text = _named(step) + marks(step.offer.step.cite)
        if kind in _EXPLAINED:
            text = f"{text}: {_lower(step.offer.step.summary.rstrip('.'))}"
        new = [fact for fact in _facts(step.id, found, run) if fact and fact not in sentences]
        facts = " ".join(new)
        if kind == last:
            sentences[-1] = f"{sentences[-1].removesuffix('.')}, {_SENTENCES[kind][1].format(text)}."
        else:
            sentences.append(f"{_SENTENCES[kind][0].format(text)}.")
        sentences += [facts] if facts else []
        last = "" if facts else kind
    computed = " ".join(_result(found))
    manifest = run.manifest
    libraries = ", ".join(f"{name} {number}" for name, number in manifest["libraries"].items() if number)
    made = (
        f"All steps were run with culmann {manifest['culmann']} (Python {manifest['python']}; {libraries}) from the pipeline "
        f"“{manifest['pipeline']}” (SHA-256 {manifest['pipeline_sha256'][:16]}…)"
        + (f", variant {manifest['variant']}" if manifest.get("variant") else "")
        + (f", with {', '.join(manifest['settings'])} set" if manifest["settings"] else "")
        + "."
    )
    main = next(iter(found.strengths.values()), None)
    told = "; ".join(main.caveats) if main else ""
    paragraphs = [" ".join(sentences).strip(), computed, made, f"Limitations told by the software: {told}." if told else ""]
    return Methods(tuple(text for text in paragraphs if text), tuple(_reference(source) for source in cited))


def chosen(step: GraphStep) -> dict[str, Any]:
    """{option: value} of the options that the pipeline or the command line set."""
    if step.config is None:
        return {}
    every = step.config.model_dump(mode="json")
    return {name: value for name, value in every.items() if name in step.config.model_fields_set}


def option_text(value: Any) -> str:
    """A value as one writes it."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, list):
        join = (" to " if len(value) == 2 else " × ") if _numbers(value) else ", "
        return join.join(map(option_text, value))
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {option_text(inner)}" for name, inner in value.items())
    if isinstance(value, str) and "/" in value and " " not in value:
        return value.rsplit("/", 1)[-1]  # a file: its folder may name a patient
    return str(value)


def _numbers(values: list[Any]) -> bool:
    return all(isinstance(value, float) for value in values)


def _named(step: GraphStep) -> str:
    options = [_with_unit(name, value) for name, value in chosen(step).items() if value is not None]
    return f"{step.offer.step.name} ({', '.join(options)})" if options else step.offer.step.name


def _with_unit(name: str, value: Any) -> str:
    """An option with the unit of its name behind the value: `spacing 2 × 2 × 2 mm`."""
    for ending, unit in _UNITS.items():
        if name.endswith(f"_{ending}"):
            return f"{name.removesuffix(f'_{ending}').replace('_', ' ')} {option_text(value)} {unit}"
    return f"{name.replace('_', ' ')} {option_text(value)}"


_UNITS = {"mm3": "mm³", "mm2": "mm²", "mm": "mm", "n": "N", "deg": "°", "hu": "HU", "mpa": "MPa", "g_cm3": "g/cm³", "kg": "kg"}


def _lower(text: str) -> str:
    """A sentence's first letter small, unless the word is a name or an abbreviation."""
    word = text.split(" ", 1)[0]
    return text if word[1:2].isupper() or word in _NAMES else text[:1].lower() + text[1:]


_NAMES = {"Hounsfield", "Kopperdahl", "Keyak", "Ansys", "CalculiX", "Laplace", "X"}


def _images(found: Found) -> str:
    image = found.image
    if image is None:
        return ""
    size = " × ".join(str(n) for n in image.grid.size)
    spacing = " × ".join(f"{mm:.3g}" for mm in image.grid.spacing_mm)
    if not isinstance(image, Scan):
        return f"Input: a density map of {size} voxels of {spacing} mm."
    known = {"kvp": "{} kVp", "kernel": "kernel {}", "manufacturer": "{}"}
    facts = [text.format(image.acquisition[name]) for name, text in known.items() if image.acquisition.get(name)]
    return f"Input: a CT of {size} voxels of {spacing} mm{''.join(f', {fact}' for fact in facts)}."


def _facts(step: str, found: Found, run: Run) -> Iterator[str]:
    """What a step came to, in numbers."""
    if step in found.densities:
        yield calibration_text(found.densities[step].calibration)
    response = found.response
    types = run.graph.types()
    if response is None or types.get(step) is None:
        return
    kind = types[step].__name__
    if kind == "Materials":
        mesh = response.mesh
        yield (
            f"The model had {spaced(mesh.n_cells)} {_CELLS[mesh.cell_type]}, {spaced(int(mesh.is_bone.sum()))} of them bone, "
            f"and {spaced(mesh.n_points)} nodes."
        )
    if kind == "LoadCase" and found.load is not None:
        sets = ", ".join(f"{name} ({spaced(len(held.nodes))} nodes)" for name, held in found.load.prescribed.items())
        height = rounded(found.load.reference_height_mm)
        yield f"Prescribed displacements: {sets}. The load is the reaction of {found.load.loaded}; the height is {height} mm."
    if kind == "Response":
        facts = response.solver
        told = [
            f"{name} {facts[name]}" for name in ("engine", "version", "scheme", "integration", "increments") if name in facts
        ]
        yield f"Solver: {', '.join(told)}." if told else ""


def calibration_text(calibration: Mapping[str, Any]) -> str:
    """How a density came about, as a sentence; empty where nothing is known."""
    slope, intercept = calibration.get("slope_g_cm3_per_hu"), calibration.get("intercept_g_cm3")
    if slope is None or intercept is None:
        return ""
    sign = "−" if float(intercept) < 0 else "+"
    line = f"density = {float(slope):.6g} · HU {sign} {abs(float(intercept)):.6g} g/cm³"
    r2 = f", R² = {float(calibration['r2']):.4f}" if "r2" in calibration else ""
    return f"The line was {'assumed, not measured' if is_assumed(calibration) else 'measured'}: {line}{r2}."


def is_assumed(calibration: Mapping[str, Any]) -> bool:
    """Whether the density rests on a line that nobody measured on this scan."""
    return "assumed" in str(calibration.get("method", ""))


def _result(found: Found) -> Iterator[str]:
    for strength in found.strengths.values():
        yield (
            f"The failure load, {strength.criterion}, was {spaced(strength.failure_load_n)} N at a displacement of "
            f"{rounded(strength.displacement_mm)} mm (strain {rounded(100 * strength.strain)} %); the initial stiffness was "
            f"{rounded(strength.stiffness_n_mm / 1000)} kN/mm."
        )


def _reference(source: str) -> Reference:
    if source.startswith("doi:"):
        return Reference(source, f"https://doi.org/{source.removeprefix('doi:')}")
    return Reference(source, source if source.startswith(("https://", "http://")) else "")
