"""The vertebra that ships with culmann: readable, complete, small, and with its source and licence beside it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from culmann.journal import QuietJournal
from culmann_images.readers import ReadLabelsConfig, ReadScanConfig, read_labels, read_scan
from culmann_mesh.voxel_mesh import VoxelMeshConfig, voxel_mesh

DEMO = Path(__file__).parents[3] / "pipelines" / "data" / "vertebra_l3_ct"


def test_the_files_lie_on_one_grid_with_permuted_axes() -> None:
    scan = read_scan(DEMO / "ct.nii.gz", ReadScanConfig(), QuietJournal())
    assert scan.grid.spacing_mm == pytest.approx((1.5, 1.5, 1.5))
    assert np.abs(scan.grid.axes).argmax(axis=0).tolist() == [1, 2, 0]
    for name, present in (("vertebrae", {21, 22, 23}), ("subregions", {*range(41, 51)})):
        labels = read_labels(DEMO / f"{name}.nii.gz", ReadLabelsConfig())
        assert labels.grid.same_as(scan.grid)
        assert set(labels.present()) == present


def test_bone_is_denser_than_what_is_around_it() -> None:
    scan = read_scan(DEMO / "ct.nii.gz", ReadScanConfig(), QuietJournal())
    bone = read_labels(DEMO / "vertebrae.nii.gz", ReadLabelsConfig()).foreground
    assert 100 < scan.hu[bone].mean() < 500
    assert scan.hu[~bone].mean() < 50


def test_l3_is_complete_in_one_piece_and_its_neighbours_are_cut() -> None:
    labels = read_labels(DEMO / "vertebrae.nii.gz", ReadLabelsConfig())
    for value, cut in ((21, True), (22, False), (23, True)):
        one = replace(labels, label=np.where(labels.label == value, value, 0).astype(np.int32))
        mesh = voxel_mesh(one, VoxelMeshConfig(), QuietJournal())
        assert bool(len(mesh.node_sets["field-of-view-border"])) == cut
        assert mesh.n_cells > 0.99 * (one.label != 0).sum()
    # A lumbar vertebra: 40 to 80 cm3, its processes included.
    assert 40e3 < (labels.label == 22).sum() * 1.5**3 < 80e3


def test_source_and_licence_are_there_and_the_data_are_small() -> None:
    assert "TPTBox" in (DEMO / "SOURCE.md").read_text(encoding="utf-8")
    assert "Apache License" in (DEMO / "LICENSE").read_text(encoding="utf-8")
    assert sum(path.stat().st_size for path in DEMO.iterdir()) < 500_000
