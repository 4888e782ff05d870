"""Real runs with their pages."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from culmann.pipeline import Run, Silent, read_pipeline, run
from culmann.plugins import load_catalogue
from culmann.shipped import find_pipeline


@pytest.fixture(scope="session")
def vertebra_run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """The vertebra that ships, on coarse voxels, in a folder whose name a page must not tell."""
    folder = tmp_path_factory.mktemp("patient-named-jane-doe")
    data = find_pipeline("vertebra_voxel").parent / "data" / "vertebra_l3_ct"
    files = {
        "scan": Path(shutil.copy(data / "ct.nii.gz", folder)),
        "labels": Path(shutil.copy(data / "vertebrae.nii.gz", folder)),
    }
    graph = read_pipeline(find_pipeline("vertebra_voxel"), load_catalogue(), ["mesh.size_mm=3"])
    return run(graph, files, out=folder / "run", store=folder / "store", listener=Silent())


@pytest.fixture(scope="session")
def levels_run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Two levels of a spine, one of which the image cuts."""
    folder = tmp_path_factory.mktemp("levels")
    graph = read_pipeline(find_pipeline("vertebra_every_level"), load_catalogue(), ["mesh.size_mm=4"], ["L2", "L3"])
    return run(graph, out=folder / "run", store=folder / "store", listener=Silent())
