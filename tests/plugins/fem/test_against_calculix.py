"""The same voxel model solved by CalculiX."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from culmann import Grid, LoadCase, Materials, Orthotropy, Prescribed
from culmann.journal import QuietJournal
from culmann.voxels import hexahedra
from culmann_calculix.solver import CalculixConfig, calculix
from culmann_calibration.linear import LinearCalibrationConfig, linear_calibration
from culmann_images.readers import ReadLabelsConfig, ReadScanConfig, read_labels, read_scan
from culmann_mesh.voxel_mesh import VoxelMeshConfig, voxel_mesh
from culmann_segment.pick import PickLabelsConfig, pick_labels
from culmann_vertebra.compression import CompressionConfig, compression
from culmann_vertebra.endplates import EndplatesConfig, endplates
from culmann_vertebra.kopperdahl import KopperdahlConfig, kopperdahl

pytestmark = pytest.mark.skipif(shutil.which("ccx") is None, reason="needs CalculiX: apt-get install calculix-ccx")


def blob():
    """A bone-like blob: random moduli over two decades, void around, bonded ends, pushed a little askew."""
    rng = np.random.default_rng(11)
    grid = Grid((8, 7, 9), (1.0, 1.2, 0.9))
    z, y, x = np.meshgrid(*(np.linspace(-1, 1, n) for n in grid.shape), indexing="ij")
    inside = x**2 + y**2 + 0.2 * z**2 < 1.05
    mesh = hexahedra(grid, inside.astype(int), {1: "bone"})
    rho = rng.uniform(0.05, 0.6, mesh.n_cells)
    modulus = 14900 * rho**1.86
    height = mesh.points_mm[:, 2]
    top, bottom = np.flatnonzero(height == height.max()), np.flatnonzero(height == height.min())
    sets = {"bottom": Prescribed(bottom, (0.0, 0.0, 0.0)), "top": Prescribed(top, (0.05, 0.0, -0.16))}
    load = LoadCase(sets, "top", (0.0, 0.0, -1.0), 8.1, load_steps=(0.25, 0.5, 0.75, 1.0))
    stress = 102 * rho**1.8
    materials = Materials(modulus, np.full(mesh.n_cells, 0.3), stress[:, None], np.zeros((mesh.n_cells, 1)), rho)
    return mesh, materials, load


def by_calculix(mesh, materials, load, **options):
    """What CalculiX says, with bricks that are integrated fully."""
    return calculix(mesh, materials, load, CalculixConfig(hexahedra="C3D8", **options), QuietJournal())


def test_linear_force_to_the_printed_digits(native):
    mesh, materials, load = blob()
    referee = by_calculix(mesh, materials, load, scheme="linear")
    ours = native(mesh, materials, load, scheme="linear", integration="full")
    assert ours.force_n == pytest.approx(referee.force_n, rel=1e-5)
    assert ours.end.displacement_mm == pytest.approx(referee.end.displacement_mm, abs=1e-5 * 0.16)
    assert ours.end.equivalent_stress_mpa == pytest.approx(referee.end.equivalent_stress_mpa, rel=1e-4)


def test_plastic_curve_and_fields_within_a_thousandth(native):
    mesh, materials, load = blob()
    referee = by_calculix(mesh, materials, load)
    ours = native(mesh, materials, load, integration="full")
    assert len(referee.force_n) == 5
    assert ours.force_n == pytest.approx(referee.force_n, rel=1e-3)
    for name in ("displacement_mm", "equivalent_strain", "equivalent_plastic_strain", "equivalent_stress_mpa"):
        theirs = getattr(referee.end, name)
        assert getattr(ours.end, name) == pytest.approx(theirs, abs=1e-3 * np.abs(theirs).max()), name
    linear = native(mesh, materials, load, scheme="linear")
    assert referee.force_n[-1] < 0.8 * linear.force_n[-1], "the case must be well into yielding to say anything"


@pytest.mark.parametrize("axes", [np.eye(3), np.eye(3)[[1, 2, 0]]], ids=["xyz", "yzx"])
def test_orthotropic_elastic_and_plastic_curves_within_a_ten_thousandth(native, axes):
    """*ELASTIC, TYPE=ENGINEERING CONSTANTS with *ORIENTATION; the return mapping of CalculiX for it is not ours."""
    mesh, plain, load = blob()
    bone = Orthotropy((1 / 3, 0.5, 1.0), (0.121, 0.157, 0.18), (0.11, 0.2, 0.3), axes)
    materials = replace(plain, orthotropy=bone)
    for scheme in ("linear", "plastic"):
        referee = by_calculix(mesh, materials, load, scheme=scheme)
        ours = native(mesh, materials, load, integration="full", scheme=scheme)
        assert ours.force_n == pytest.approx(referee.force_n, rel=1e-4)
        assert ours.end.displacement_mm == pytest.approx(referee.end.displacement_mm, abs=1e-3 * 0.16)
        assert ours.end.equivalent_stress_mpa == pytest.approx(referee.end.equivalent_stress_mpa, rel=1e-3)
        assert ours.end.equivalent_plastic_strain == pytest.approx(referee.end.equivalent_plastic_strain, abs=1e-4)


@pytest.fixture(scope="module")
def vertebra():
    """The L3 that ships with culmann on voxels of 3 mm: a real bone, coarse enough for a direct solver in a test."""
    journal, data = QuietJournal(), Path(__file__).parents[3] / "pipelines/data/vertebra_l3_ct"
    scan = read_scan(data / "ct.nii.gz", ReadScanConfig(), journal)
    labels = read_labels(data / "vertebrae.nii.gz", ReadLabelsConfig())
    bone = pick_labels(labels, PickLabelsConfig(labels=(22,)), journal, scan)
    calibration = LinearCalibrationConfig(slope=0.0006855, intercept=0.01745, kind="qct-k2hpo4", assumed=True)
    density = linear_calibration(scan, calibration, journal)
    mesh = endplates(voxel_mesh(bone, VoxelMeshConfig(size_mm=3.0), journal), EndplatesConfig(), journal)
    load = compression(mesh, CompressionConfig(steps=4), journal)
    return mesh, kopperdahl(mesh, density, KopperdahlConfig(), journal), load


def test_real_vertebra_linear_within_a_ten_thousandth(native, vertebra):
    referee = by_calculix(*vertebra, scheme="linear")
    ours = native(*vertebra, scheme="linear", integration="full")
    assert ours.force_n == pytest.approx(referee.force_n, rel=1e-4)


def test_real_vertebra_plastic_within_a_hundredth(native, vertebra):
    referee = by_calculix(*vertebra)
    ours = native(*vertebra, integration="full")
    assert ours.force_n == pytest.approx(referee.force_n, rel=1e-2)
    assert (ours.end.phase > 0).sum() > 100, "the case must be well into yielding to say anything"
