"""One model, two engines: a pipeline file in which one word is changed."""

from __future__ import annotations

import numpy as np
import pytest

from culmann.pipeline import Store, read_pipeline, run
from culmann.plugins import load_catalogue

pytestmark = pytest.mark.usefixtures("needs_ccx")

PIPELINE = """
name: block
inputs:
  scan: {{type: Scan, path: {folder}/ct.nii.gz}}
  labels: {{type: Labels, path: {folder}/labels.nii.gz}}
steps:
  bone: {{use: pick-labels, with: {{labels: [1]}}}}
  density: {{use: linear-calibration, with: {{slope: 0.001, intercept: 0.0, kind: qct-k2hpo4, assumed: true}}}}
  mesh: {{use: voxel-mesh, with: {{size_mm: 4}}}}
  plates: {{use: endplates}}
  law: {{use: kopperdahl}}
  load: {{use: compression, with: {{steps: 4, plausible_height_mm: null}}}}
  response: {{use: {engine}, with: {{{options}}}}}
  strength: {{use: force-at-strain, with: {{strain: 0.019}}}}
outputs: [response, strength]
"""


@pytest.fixture
def answers(block_of_bone, tmp_path):
    """(response, strength) of a solver with options; both use one store, so that the model is computed once."""

    def solve(engine, options=""):
        path = tmp_path / f"{engine}.yaml"
        path.write_text(PIPELINE.format(folder=block_of_bone, engine=engine, options=options), encoding="utf-8")
        done = run(read_pipeline(path, load_catalogue()), out=tmp_path / engine, store=Store(tmp_path / "store"))
        return done.value("response"), done.value("strength")

    return solve


def test_linear_forces_within_a_ten_thousandth(answers):
    ours, _ = answers("native-solver", "scheme: linear, integration: full")
    theirs, _ = answers("calculix", "scheme: linear, hexahedra: C3D8")
    assert theirs.force_n == pytest.approx(ours.force_n, rel=1e-4)
    assert theirs.displacement_mm == pytest.approx(ours.displacement_mm)


def test_failure_load_within_a_hundredth_by_changing_one_word(answers):
    ours, our_strength = answers("native-solver")
    theirs, their_strength = answers("calculix")
    assert theirs.force_n == pytest.approx(ours.force_n, rel=2e-2)
    assert their_strength.failure_load_n == pytest.approx(our_strength.failure_load_n, rel=1e-2)
    assert (theirs.end.phase > 0).mean() > 0.5, "the case must be well into yielding to say anything"
    assert np.abs(theirs.end.displacement_mm - ours.end.displacement_mm).max() < 0.1 * ours.displacement_mm[-1]
    assert their_strength.criterion == our_strength.criterion
    assert (ours.solver["engine"], theirs.solver["engine"]) == ("culmann native", "CalculiX")
