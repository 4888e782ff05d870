"""Orthotropic elasticity against pulls and shears worked out by hand, and against rotated fourth-order tensors."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from culmann import Orthotropy
from culmann.data.orthotropy import PAIRS

#: The orthotropic constants of the Lyon vertebra model: EX = EY = E/3, EZ = E, ν = 0.11.
VERTEBRA = Orthotropy((1 / 3, 1 / 3, 1.0), (0.121, 0.157, 0.157), (0.11, 0.11, 0.11))


def tensor(C):
    """(3, 3, 3, 3) from (6, 6)."""
    full = np.zeros((3, 3, 3, 3))
    for row, (a, b) in enumerate(PAIRS):
        for column, (c, d) in enumerate(PAIRS):
            full[a, b, c, d] = full[b, a, c, d] = full[a, b, d, c] = full[b, a, d, c] = C[row, column]
    return full


@pytest.mark.parametrize("pulled", [0, 1, 2])
def test_a_pull_lengthens_by_one_over_e_and_contracts_by_the_named_ratio(pulled):
    material = Orthotropy((0.5, 0.8, 1.0), (0.2, 0.25, 0.3), (0.1, 0.2, 0.3))
    strain = np.linalg.solve(material.stiffness(), np.eye(6)[pulled])
    assert strain[pulled] == pytest.approx(1 / material.e_ratio[pulled])
    following = (pulled + 1) % 3  # xy, yz, zx
    assert strain[following] == pytest.approx(-material.poisson[pulled] / material.e_ratio[pulled])


def test_a_shear_strains_by_one_over_g():
    assert np.linalg.solve(VERTEBRA.stiffness(), np.eye(6))[3:, 3:] == pytest.approx(np.diag(1 / np.array(VERTEBRA.g_ratio)))


def test_equal_constants_are_isotropic_whatever_the_axes():
    nu = 0.3
    axes = Rotation.from_rotvec([0.3, -1.0, 0.4]).as_matrix()
    same = Orthotropy((1.0, 1.0, 1.0), (1 / 2.6,) * 3, (nu,) * 3, axes).stiffness(np.eye(3))
    lame = nu / ((1 + nu) * (1 - 2 * nu))
    expected = np.diag([2 / 2.6] * 3 + [1 / 2.6] * 3)
    expected[:3, :3] += lame
    assert same == pytest.approx(expected, abs=1e-13)


def test_turned_components_are_those_of_the_turned_tensor():
    axes = Rotation.from_rotvec([0.7, 0.2, -0.5]).as_matrix()
    wanted = Rotation.from_rotvec([-0.1, 0.9, 1.5]).as_matrix()
    material = Orthotropy(VERTEBRA.e_ratio, VERTEBRA.g_ratio, VERTEBRA.poisson, axes)
    turn = wanted @ axes.T
    turned = np.einsum("ia,jb,kc,ld,abcd->ijkl", turn, turn, turn, turn, tensor(VERTEBRA.stiffness()))
    assert tensor(material.stiffness(wanted)) == pytest.approx(turned, abs=1e-13)


@pytest.mark.parametrize(
    ("constants", "told"),
    [
        (((1, 1, 0), (1, 1, 1), (0, 0, 0)), "e_ratio"),
        (((1, 1, 1), (1, -1, 1), (0, 0, 0)), "g_ratio"),
        (((1, 1, 1), (1, 1, 1), (0, np.nan, 0)), "poisson"),
        (((1, 1, 1), (1, 1, 1), (0.6, 0.6, 0.6)), "energy"),
        (((1, 1, 1), (1, 1, 1), (0, 0, 0), np.diag([1.0, 1.0, 2.0])), "right angles"),
    ],
)
def test_what_no_material_can_be_is_refused(constants, told):
    with pytest.raises(ValueError, match=told):
        Orthotropy(*constants)
