"""culmann: from a CT scan of a bone to its failure load. This file is the public names, nothing else."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from culmann.commands import Command
    from culmann.config import Config
    from culmann.data import (
        DensityMap,
        Fields,
        Grid,
        Labels,
        Landmarks,
        Lattice,
        LoadCase,
        Materials,
        Mesh,
        Orthotropy,
        Outcome,
        Outcomes,
        Placement,
        Prescribed,
        Report,
        Response,
        Scan,
        Solid,
        Strength,
        StressUpdate,
    )
    from culmann.errors import CulmannError, EngineError, InputError, PipelineError, PluginError, SolverError
    from culmann.hookspecs import hookimpl
    from culmann.journal import Journal
    from culmann.laws import DensityLawConfig, Elastoplastic, density_law
    from culmann.mapping import average_over_cells
    from culmann.steps import Step

# Names are imported when first used: `culmann --help` and plugin descriptors must not wait for numpy.
_HOME = {
    "Command": "culmann.commands",
    "Config": "culmann.config",
    "CulmannError": "culmann.errors",
    "DensityLawConfig": "culmann.laws",
    "DensityMap": "culmann.data",
    "Elastoplastic": "culmann.laws",
    "EngineError": "culmann.errors",
    "Fields": "culmann.data",
    "Grid": "culmann.data",
    "InputError": "culmann.errors",
    "Journal": "culmann.journal",
    "Labels": "culmann.data",
    "Landmarks": "culmann.data",
    "Lattice": "culmann.data",
    "LoadCase": "culmann.data",
    "Materials": "culmann.data",
    "Mesh": "culmann.data",
    "Orthotropy": "culmann.data",
    "Outcome": "culmann.data",
    "Outcomes": "culmann.data",
    "PipelineError": "culmann.errors",
    "Placement": "culmann.data",
    "PluginError": "culmann.errors",
    "Prescribed": "culmann.data",
    "Report": "culmann.data",
    "Response": "culmann.data",
    "Scan": "culmann.data",
    "Solid": "culmann.data",
    "SolverError": "culmann.errors",
    "Step": "culmann.steps",
    "Strength": "culmann.data",
    "StressUpdate": "culmann.data",
    "average_over_cells": "culmann.mapping",
    "density_law": "culmann.laws",
    "hookimpl": "culmann.hookspecs",
}

__all__ = [
    "Command",
    "Config",
    "CulmannError",
    "DensityLawConfig",
    "DensityMap",
    "Elastoplastic",
    "EngineError",
    "Fields",
    "Grid",
    "InputError",
    "Journal",
    "Labels",
    "Landmarks",
    "Lattice",
    "LoadCase",
    "Materials",
    "Mesh",
    "Orthotropy",
    "Outcome",
    "Outcomes",
    "PipelineError",
    "Placement",
    "PluginError",
    "Prescribed",
    "Report",
    "Response",
    "Scan",
    "Solid",
    "SolverError",
    "Step",
    "Strength",
    "StressUpdate",
    "average_over_cells",
    "density_law",
    "hookimpl",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'culmann' has no attribute {name!r}")
    return getattr(import_module(_HOME[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
