"""What flows between steps: frozen dataclasses that save to a folder of open formats and load from it again."""

from __future__ import annotations

from culmann.data.density import DENSITY_KINDS, DensityKind, DensityMap
from culmann.data.grid import Grid
from culmann.data.labels import Labels
from culmann.data.landmarks import Landmarks
from culmann.data.load_case import LoadCase, Prescribed
from culmann.data.materials import Materials
from culmann.data.mesh import Lattice, Mesh, Solid
from culmann.data.orthotropy import Orthotropy
from culmann.data.outcomes import Outcome, Outcomes
from culmann.data.placement import Placement
from culmann.data.report import Report
from culmann.data.response import Fields, Response
from culmann.data.scan import Scan
from culmann.data.strength import Strength
from culmann.data.stress_update import StressUpdate

__all__ = [
    "DENSITY_KINDS",
    "DensityKind",
    "DensityMap",
    "Fields",
    "Grid",
    "Labels",
    "Landmarks",
    "Lattice",
    "LoadCase",
    "Materials",
    "Mesh",
    "Orthotropy",
    "Outcome",
    "Outcomes",
    "Placement",
    "Prescribed",
    "Report",
    "Response",
    "Scan",
    "Solid",
    "Strength",
    "StressUpdate",
]
