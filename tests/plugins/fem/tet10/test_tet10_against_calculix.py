"""The same quadratic tetrahedra solved by CalculiX (C3D10), straight and curved, linear and plastic."""

from __future__ import annotations

import shutil
from dataclasses import replace

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from culmann import LoadCase, Materials, Orthotropy, Prescribed
from culmann.journal import QuietJournal
from culmann_calculix.solver import CalculixConfig, calculix

pytestmark = pytest.mark.skipif(shutil.which("ccx") is None, reason="needs CalculiX: apt-get install calculix-ccx")


def by_calculix(mesh, materials, load, **options):
    return calculix(mesh, materials, load, CalculixConfig(**options), QuietJournal())


@pytest.fixture(params=[0.0, 0.06], ids=["straight", "curved"])
def block(request, make_tets):
    """A block of random moduli over two decades, inner vertices moved, pushed a little askew between rough platens."""
    mesh = make_tets(size=(4, 3, 4), spacing=(1.0, 1.2, 0.9), jiggle=0.2, curve=request.param)
    rho = np.random.default_rng(11).uniform(0.05, 0.6, mesh.n_cells)
    z = mesh.points_mm[:, 2]
    sets = {
        "bottom": Prescribed(np.flatnonzero(z == z.min()), (0.0, 0.0, 0.0)),
        "top": Prescribed(np.flatnonzero(z == z.max()), (0.02, 0.0, -0.07)),
    }
    load = LoadCase(sets, "top", (0.0, 0.0, -1.0), 3.6, load_steps=(0.25, 0.5, 0.75, 1.0))
    stress = 102 * rho**1.8
    ratio = np.full(mesh.n_cells, 0.3)
    return mesh, Materials(14900 * rho**1.86, ratio, stress[:, None], np.zeros((mesh.n_cells, 1)), rho), load


def test_linear_force_to_the_printed_digits(native, block):
    referee = by_calculix(*block, scheme="linear")
    ours = native(*block, scheme="linear")
    assert ours.force_n == pytest.approx(referee.force_n, rel=1e-5)
    assert ours.end.displacement_mm == pytest.approx(referee.end.displacement_mm, abs=1e-5 * 0.07)


def test_plastic_curve_and_fields_within_a_thousandth(native, block):
    referee = by_calculix(*block)
    ours = native(*block)
    assert len(referee.force_n) == 5
    assert ours.force_n == pytest.approx(referee.force_n, rel=1e-3)
    for name in ("displacement_mm", "equivalent_plastic_strain", "equivalent_stress_mpa"):
        theirs = getattr(referee.end, name)
        assert getattr(ours.end, name) == pytest.approx(theirs, abs=1e-3 * np.abs(theirs).max()), name
    linear = native(*block, scheme="linear")
    assert referee.force_n[-1] < 0.8 * linear.force_n[-1], "the case must be well into yielding to say anything"


@pytest.mark.parametrize("scheme", ["linear", "plastic"])
def test_orthotropic_along_any_axes_within_a_ten_thousandth(native, block, scheme):
    mesh, plain, load = block
    axes = Rotation.from_rotvec([0.4, -0.7, 0.3]).as_matrix()
    materials = replace(plain, orthotropy=Orthotropy((1 / 3, 0.5, 1.0), (0.121, 0.157, 0.18), (0.11, 0.2, 0.3), axes))
    referee = by_calculix(mesh, materials, load, scheme=scheme)
    ours = native(mesh, materials, load, scheme=scheme)
    assert ours.force_n == pytest.approx(referee.force_n, rel=1e-4)
    assert ours.end.displacement_mm == pytest.approx(referee.end.displacement_mm, abs=1e-4 * 0.07)
