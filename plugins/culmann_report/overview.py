"""The page of a run with variants: what became of each, with the way to its own page."""

from __future__ import annotations

from typing import Any

from culmann.data import Strength
from culmann.errors import CulmannError
from culmann.pages import render
from culmann.pipeline import Run


def overview(run: Run) -> bytes:
    """The page as a file."""
    rows = [_row(run, name) for name in run.manifest["variants"]]
    top = max((row["load_n"] for row in rows if row["load_n"] is not None), default=0.0)
    shared = _shared([row["caveats"] for row in rows if row["load_n"] is not None])
    assumed = [text for text in shared if text.startswith("the calibration is assumed")]
    facts = {"manifest": run.manifest, "rows": rows, "top": top, "shared": shared, "assumed": assumed}
    return render("culmann_report", "overview.html", **facts)


def _row(run: Run, name: str) -> dict[str, Any]:
    told = run.manifest["variants"][name]
    strength = _strength(run.variants[name]) if name in run.variants else None
    return {
        "name": name,
        "outcome": told["outcome"],
        "problem": told.get("problem", ""),
        "page": name in run.variants,
        "load_n": None if strength is None else strength.failure_load_n,
        "strength": strength,
        "caveats": () if strength is None else strength.caveats,
    }


def _strength(part: Run) -> Strength | None:
    kept = [output.value for output in part.graph.outputs]
    for name in sorted(part.ids(Strength), key=lambda name: name not in kept):
        try:
            found = part.value(name)
        except CulmannError:
            return None
        return found if isinstance(found, Strength) else None
    return None


def _shared(caveats: list[tuple[str, ...]]) -> list[str]:
    """What every variant has to be careful about."""
    return [text for text in caveats[0] if all(text in other for other in caveats)] if caveats else []
