"""Orthotropic bone in the native solver: closed forms on bricks."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from culmann import InputError, Orthotropy, Solid, SolverError

BONE = Orthotropy((1 / 3, 0.5, 1.0), (0.121, 0.157, 0.18), (0.11, 0.2, 0.3))


@pytest.mark.parametrize("integration", ["b-bar", "full"])
@pytest.mark.parametrize("along", [0, 1, 2])
def test_a_bar_has_the_modulus_of_its_direction(make_block, make_material, native, integration, along):
    bar = make_block(strain=0.01, spacing=(0.9, 1.1, 0.7))
    axes = np.eye(3)[[(row - along - 1) % 3 for row in range(3)]]  # row `along` is z
    material = replace(make_material(bar.mesh.n_cells), orthotropy=replace(BONE, axes=axes))
    answer = native(bar.mesh, material, bar.load, integration=integration)
    assert answer.force_n[-1] == pytest.approx(1000 * BONE.e_ratio[along] * 0.01 * bar.area_mm2, rel=1e-6)
    stretch = np.ptp(answer.end.displacement_mm, axis=0) / np.ptp(bar.mesh.points_mm, axis=0)
    following = (along + 1) % 3
    contracted = int(np.flatnonzero(axes[following])[0])
    assert stretch[contracted] == pytest.approx(0.01 * BONE.poisson[along], rel=1e-4)
    assert answer.end.equivalent_stress_mpa == pytest.approx(10 * BONE.e_ratio[along], rel=1e-5)
    assert answer.end.equivalent_strain == pytest.approx(0.01 * BONE.e_ratio[along], rel=1e-5)


def test_solids_stay_isotropic(make_block, make_material, native):
    """Bone between discs, laterally free: springs in a row, the discs with Hooke's law and a Poisson's ratio of nought."""
    bar = make_block(size=(2, 2, 6), strain=0.01)
    z = bar.mesh.cell_centres_mm()[:, 2]
    disc = (z < z.min() + 1.5) | (z > z.max() - 1.5)
    region = np.where(disc, 2, 1)
    mesh = replace(bar.mesh, region=region, solids={2: Solid(500.0, 0.0)})
    modulus, ratio = np.where(disc, 500.0, 1000.0), np.where(disc, 0.0, 0.3)
    along = Orthotropy((0.3, 0.3, 0.8), (0.2, 0.2, 0.2), (0.0, 0.0, 0.0))
    answer = native(mesh, replace(make_material(mesh.n_cells, modulus, ratio), orthotropy=along), bar.load)
    assert disc.sum() == 16
    assert answer.force_n[-1] == pytest.approx(bar.area_mm2 * 0.06 / (4 / 500 + 2 / 800), rel=1e-6)


def test_plastic_bar_flows_at_its_yield_stress(make_block, make_material, native):
    bar = make_block(strain=0.04, steps=8)
    for axes, modulus in ((np.eye(3), 1000), (np.eye(3)[[1, 2, 0]], 500)):
        material = replace(make_material(bar.mesh.n_cells, stress=8.0), orthotropy=replace(BONE, axes=axes))
        answer = native(bar.mesh, material, bar.load)
        expected = np.minimum(modulus * answer.displacement_mm / bar.height_mm, 8.0) * bar.area_mm2
        assert answer.force_n == pytest.approx(expected, rel=1e-5)
        assert answer.end.equivalent_plastic_strain == pytest.approx(0.04 - 8 / modulus, abs=5e-6)


def test_secant_modulus_falls_with_the_stress_over_the_reference_modulus(make_block, make_material, native):
    bar = make_block(size=(1, 1, 1), strain=0.04, steps=8)
    material = replace(make_material(1, stress=8.0), orthotropy=replace(BONE, axes=np.eye(3)[[1, 2, 0]]))
    answer = native(bar.mesh, material, bar.load, scheme="secant-converged")
    assert answer.force_n == pytest.approx(np.minimum(500 * np.linspace(0, 0.04, 9), 8.0), rel=1e-5)


def test_axes_askew_to_the_voxels_are_refused(make_block, make_material, native):
    bar = make_block()
    turned = replace(BONE, axes=Rotation.from_rotvec([0.0, 0.1, 0.0]).as_matrix())
    with pytest.raises(SolverError, match=r"5\.7 degrees off") as told:
        native(bar.mesh, replace(make_material(bar.mesh.n_cells), orthotropy=turned), bar.load)
    assert "resample" in told.value.hint
    nearly = replace(BONE, axes=Rotation.from_rotvec([0.0, 0.001, 0.0]).as_matrix())
    native(bar.mesh, replace(make_material(bar.mesh.n_cells), orthotropy=nearly), bar.load)


def test_tresca_with_orthotropy_is_refused(make_block, make_material, native):
    bar = make_block()
    material = replace(make_material(bar.mesh.n_cells, stress=8.0), orthotropy=BONE, criterion="tresca")
    with pytest.raises(InputError, match="Tresca plasticity with orthotropic"):
        native(bar.mesh, material, bar.load)
    assert native(bar.mesh, material, bar.load, scheme="linear").force_n[-1] > 0
