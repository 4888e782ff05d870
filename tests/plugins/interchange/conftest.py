"""A run to hand on: a block of bone, askew in the scanner, compressed as it lay and mirrored."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

from culmann.pipeline import read_pipeline, run
from culmann.plugins import load_catalogue

PIPELINE = """\
name: two-blocks
about: A block as it lies and mirrored
inputs:
  scan: {type: Scan, path: ct.nii.gz}
  labels: {type: Labels, path: labels.nii.gz}
steps:
  turned: {use: mirror, with: {to_side: left}}
  bone: {use: pick-labels, with: {labels: [3], merge_as: L3}}
  density: {use: linear-calibration, with: {slope: 0.00069, intercept: 0.0175, kind: qct-k2hpo4, assumed: true}}
  mesh: {use: voxel-mesh, with: {size_mm: 3}}
  plates: {use: endplates}
  law: {use: kopperdahl}
  load: {use: compression}
  response: {use: native-solver}
  strength: {use: force-at-strain, with: {strain: 0.019}}
variants:
  left: {turned: {side: left}}
  right: {turned: {side: right}}
outputs: [strength, response]
"""

#: Turned by 20 degrees about the axis of the body.
TURN = np.array([[np.cos(0.35), -np.sin(0.35), 0.0], [np.sin(0.35), np.cos(0.35), 0.0], [0.0, 0.0, 1.0]])


def write(path: Path, array: np.ndarray) -> None:
    image = sitk.GetImageFromArray(array)
    image.SetSpacing((2.0, 2.0, 2.0))
    image.SetOrigin((17.0, -140.0, -800.0))
    image.SetDirection(TURN.ravel().tolist())
    sitk.WriteImage(image, str(path))


@pytest.fixture(scope="session")
def case_folder(tmp_path_factory) -> Path:
    """`ct.nii.gz`, `labels.nii.gz` (3 the block, 5 another), `pipeline.yaml` and the finished run `runs/two` with its store."""
    folder = tmp_path_factory.mktemp("blocks")
    label = np.zeros((18, 22, 26), dtype=np.uint8)
    label[3:14, 4:18, 3:18] = 3
    label[3:14, 4:10, 21:24] = 5
    grain = np.random.default_rng(1).normal(0, 40, label.shape)
    write(folder / "ct.nii.gz", (np.where(label > 0, 300, 20) + grain).astype(np.int16))
    write(folder / "labels.nii.gz", label)
    (folder / "pipeline.yaml").write_text(PIPELINE)
    graph = read_pipeline(folder / "pipeline.yaml", load_catalogue())
    run(graph, out=folder / "runs" / "two", store=folder / "store")
    return folder


@pytest.fixture(scope="session")
def run_folder(case_folder) -> Path:
    return case_folder / "runs" / "two"
