"""The run report `report.html`: one page that shows a run, whole in one file."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from markupsafe import Markup

from culmann.data import Fields, Report, Response
from culmann.pages import asset, packed, render
from culmann.pipeline import Run
from culmann_report import colours
from culmann_report.found import Found, find
from culmann_report.overview import overview
from culmann_report.packing import Block, corners, levels, positions
from culmann_report.pictures import pictures
from culmann_report.showing import first_view, moment_shown
from culmann_report.solid import MOST_NODES, bone, nodes, shade
from culmann_report.volume import block
from culmann_report.words import calibration_text, chosen, is_assumed, methods, option_text


def page(run: Run) -> Report:
    """The page of a run, or of its variants together."""
    if run.variants or run.problems:
        return Report({"report.html": overview(run)})
    found = find(run)
    response, moment, when, solid = found.response, None, "", None
    if response is not None:
        moment, when = moment_shown(response, found)
        solid = _solid(run, found, response, when)
    slices = _slices(found, moment)
    facts = {
        "curve": _curve(found),
        "solid": None if solid is None else solid.facts,
        "slices": None if slices is None else slices.facts,
        "phases": [] if response is None or moment is None else _phases(found, response, moment),
    }
    html = render(
        "culmann_report",
        "report.html",
        run=run,
        manifest=run.manifest,
        variant=run.manifest.get("variant", ""),
        found=found,
        main=next(iter(found.strengths.values()), None),
        main_id=next(iter(found.strengths), ""),
        assumed=_assumed(found),
        cautions=_cautions(found),
        facts=facts,
        solid=solid,
        slices=slices,
        pictures=pictures(run, found),
        methods=methods(run, found),
        steps=_steps(run),
        moved="; ".join(found.response.mesh.placement.history) if found.response else "",
        style=Markup(asset("culmann_report", "templates", "report.css")),
        scripts=[Markup(asset("culmann_report", "templates", name)) for name in ("curve.js", "bone.js", "slices.js")],
        three=packed(asset("culmann_report", "vendor", "three.min.js").encode()) if solid else "",
        when=when,
    )
    return Report({"report.html": html})


def _assumed(found: Found) -> list[str]:
    """The lines of densities that nobody measured."""
    return [calibration_text(density.calibration) for density in found.densities.values() if is_assumed(density.calibration)]


def _cautions(found: Found) -> list[str]:
    """The caveats of the main strength, without the one that stands above them in a frame of its own."""
    main = next(iter(found.strengths.values()), None)
    framed = "the calibration is assumed" if _assumed(found) else None
    return [text for text in main.caveats if framed is None or not text.startswith(framed)] if main else []


@dataclass(frozen=True, slots=True)
class _Part:
    """A part of the page that is drawn there: what it is drawn from, and what is told of it in words."""

    facts: dict[str, Any]
    data: str
    notes: tuple[str, ...]


def _curve(found: Found) -> dict[str, Any] | None:
    response = found.response
    if response is None:
        return None
    return {
        "displacement_mm": np.round(response.displacement_mm, 6).tolist(),
        "force_n": np.round(response.force_n, 3).tolist(),
        "height_mm": response.reference_height_mm,
        "marks": [
            {
                "name": name,
                "load_n": strength.failure_load_n,
                "at_mm": strength.displacement_mm,
                "stiffness_n_mm": strength.stiffness_n_mm,
                "criterion": strength.criterion,
            }
            for name, strength in found.strengths.items()
            if name in found.on_curve
        ],
    }


def _phases(found: Found, response: Response, moment: Fields) -> list[dict[str, Any]]:
    """Name, colour and share of the bone cells of each phase of the law that was reached."""
    phase = moment.phase[response.mesh.is_bone]
    names = colours.phase_names(found.materials, response.mesh.is_bone, max(int(phase.max(initial=0)), 1))
    share = [float((phase == n).mean()) if len(phase) else 0.0 for n in range(len(names))]
    return [{"name": name, "colour": colours.phase_colour(n), "share": share[n]} for n, name in enumerate(names)]


def _solid(run: Run, found: Found, response: Response, when: str) -> _Part:
    moment, _ = moment_shown(response, found)
    made = bone(response, moment)
    other = shade(response.mesh)
    sets = nodes(response.mesh, found.load) if found.load is not None else []
    clouds = [made.points_mm, *([] if other is None else [other.points_mm]), *(one.points_mm for one in sets)]
    low = np.min([cloud.min(axis=0) for cloud in clouds], axis=0)
    size = float(np.max(np.max([cloud.max(axis=0) for cloud in clouds], axis=0) - low))
    data = Block()
    fields = []
    if made.density_g_cm3 is not None:
        top = colours.round_top(made.density_g_cm3, 99.0)
        kind = f" ({list(found.densities.values())[-1].kind})" if found.densities else ""
        place = data.add(levels(made.density_g_cm3, top))
        fields.append({"id": "density", "label": "Density", "title": f"Density{kind}", "unit": "g/cm³", "top": top, **place})
    top = colours.round_top(made.strain)
    place = data.add(levels(made.strain, top))
    fields.append({"id": "strain", "label": "Strain", "title": "Equivalent strain", "unit": "%", "top": 100 * top, **place})
    place = data.add(np.clip(made.phase, 0, 255).astype(np.uint8))
    fields.append({"id": "phase", "label": "Phase", "title": "Phase of the law", "unit": "", **place})
    direction = None
    if found.load is not None:
        turned = response.mesh.placement.matrix[:3, :3] @ np.asarray(found.load.direction)
        direction = (turned / np.linalg.norm(turned)).round(6).tolist()
    facts = {
        "low_mm": low.tolist(),
        "size_mm": size,
        "points": data.add(positions(made.points_mm, low, size)),
        "triangles": data.add(corners(made.triangles)),
        "shade": None
        if other is None
        else {"points": data.add(positions(other.points_mm, low, size)), "triangles": data.add(corners(other.triangles))},
        "fields": [
            {**field, "colours": list(colours.colour_map(field["id"]))} if field["id"] != "phase" else field for field in fields
        ],
        "sets": [
            {"name": one.name, "role": one.role, "total": one.total, **data.add(positions(one.points_mm, low, size))}
            for one in sets
        ],
        "direction": direction,
        "view": first_view(run, response),
    }
    notes = [f"Strain and phase are those {when}."]
    if made.merged_mm:
        notes.append(
            f"Drawn with {len(made.triangles):,} of {made.all_triangles:,} triangles: corners within {made.merged_mm:.2g} mm "
            "were merged, for the picture alone."
        )
    if response.mesh.lattice is not None:
        notes.append("The surface of the voxels is drawn smoothed; the model itself has their steps.")
    if any(one.total > MOST_NODES for one in sets):
        notes.append(f"Of each set at most {MOST_NODES:,} nodes are drawn.")
    return _Part(facts, data.packed(), tuple(notes))


def _slices(found: Found, moment: Fields | None) -> _Part | None:
    if found.image is None:
        return None
    made = block(found.image, found.labels, found.response, moment)
    if made is None:
        return None
    data = Block()
    facts = {
        "grey": data.add(made.grey.ravel()),
        "codes": data.add(made.codes.ravel()),
        "size": list(made.grey.shape[::-1]),
        "first_mm": made.first_mm.tolist(),
        "step_mm": made.step_mm,
        "window": list(made.window),
        "unit": made.unit,
        "mask": found.labels is not None,
        "cells": found.response is not None,
    }
    own = " × ".join(f"{mm:.3g}" for mm in made.own_mm)
    notes = (f"Sampled every {made.step_mm:.2g} mm from voxels of {own} mm.",)
    return _Part(facts, data.packed(), notes)


def _steps(run: Run) -> list[dict[str, Any]]:
    """The pipeline as a table."""
    rows = []
    types = run.graph.types()
    for name, step in run.graph.steps.items():
        told = run.manifest["steps"].get(name, {})
        rows.append(
            {
                "id": name,
                "use": step.offer.step.name,
                "summary": step.offer.step.summary,
                "takes": [value for value in step.links.values() if value],
                "gives": [types[value].__name__ for value in step.value_ids().values()],
                "options": {option: option_text(value) for option, value in chosen(step).items()},
                "seconds": told.get("seconds"),
                "from_store": told.get("from_store", False),
                "warnings": told.get("warnings", []),
            }
        )
    return rows
