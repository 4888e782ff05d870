"""A study that runs in seconds: blocks of bone between endplates, their mask made larger and smaller."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from culmann import Grid, Labels, Scan
from culmann.image_files import write_image_file

PIPELINE = """
name: block
inputs:
  scan: {type: Scan}
  labels: {type: Labels}
steps:
  bone: {use: pick-labels, with: {merge_as: bone}}
  mask: {use: offset-labels}
  density: {use: linear-calibration, with: {slope: 0.0007, intercept: 0.0, kind: qct-k2hpo4, assumed: true}}
  mesh: {use: voxel-mesh}
  plates: {use: endplates}
  law: {use: kopperdahl, with: {yield_strain: 0.015}}
  load: {use: compression, with: {reduction: 0.019}}
  response: {use: native-solver}
  strength: {use: force-at-strain, with: {strain: 0.019}}
outputs: [strength]
"""

STUDY = """
name: blocks
about: Blocks of bone, larger and smaller by a voxel
pipeline: block.yaml
cases: cases.csv
vary:
  manual: {labels: manual}
  smaller: {labels: manual, mask.voxels: -1}
  larger: {labels: manual, mask.voxels: 1}
control: manual
masks: mask
"""


def block(folder: Path, case: str, hu: float, width: int = 12) -> None:
    """A CT of a block of bone in soft tissue, and its mask, in voxels of 3 mm."""
    label = np.zeros((14, 16, 18), dtype=np.int32)
    label[2:12, 3:13, 3 : 3 + width] = 1
    grid = Grid((18, 16, 14), (3.0, 3.0, 3.0))
    write_image_file(folder / f"{case}_ct.nii.gz", Scan(grid, np.where(label > 0, hu, 20).astype(np.float32)))
    write_image_file(folder / f"{case}_mask.nii.gz", Labels(grid, label))


@pytest.fixture
def blocks(tmp_path: Path) -> Path:
    """A folder with a study of three blocks; its table calls them a, b and c."""
    rows = ["case,scan,manual,group"]
    for case, hu in (("a", 250.0), ("b", 300.0), ("c", 200.0)):
        block(tmp_path, case, hu)
        rows.append(f"{case},{case}_ct.nii.gz,{case}_mask.nii.gz,blocks")
    (tmp_path / "cases.csv").write_text("\n".join(rows) + "\n")
    (tmp_path / "block.yaml").write_text(PIPELINE)
    (tmp_path / "study.yaml").write_text(STUDY)
    return tmp_path
