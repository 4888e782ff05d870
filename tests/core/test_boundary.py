"""What a load case prescribes, sorted for solvers."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from culmann import LoadCase, Mesh, Prescribed, SolverError
from culmann.boundary import along, disjoint, full_displacement_mm, refuse_loose_nodes

ASKEW = Rotation.from_euler("xyz", [20, 30, 40], degrees=True).as_matrix()


def test_each_node_once_and_the_first_set_wins_component_by_component():
    sets = {
        "first": Prescribed(np.array([4, 2]), (None, 0.5, None)),
        "second": Prescribed(np.array([2, 7, 9]), (0.0, 0.1, None)),
        "third": Prescribed(np.array([9, 4]), (9.0, 9.0, -1.0)),
        "nothing": Prescribed(np.array([11]), (None, None, None)),
    }
    groups = disjoint(LoadCase(sets, "first", (0.0, 1.0, 0.0), 10.0))
    found = {int(node): group.displacement_mm for group in groups for node in group.nodes}
    assert found == {2: (0.0, 0.5, None), 4: (9.0, 0.5, -1.0), 7: (0.0, 0.1, None), 9: (0.0, 0.1, -1.0)}
    assert sum(len(group.nodes) for group in groups) == 4
    assert len(groups) == 4


def test_alike_nodes_of_two_sets_are_one_group():
    sets = {name: Prescribed(np.array(nodes), (0.0, 0.0, 0.0)) for name, nodes in (("a", [1, 2]), ("b", [2, 3]))}
    (group,) = disjoint(LoadCase(sets, "a", (0.0, 0.0, 1.0), 10.0))
    assert group.nodes.tolist() == [1, 2, 3]


def test_whole_vectors_turn_into_any_axes():
    turned = along((1.0, 2.0, 3.0), ASKEW, np.eye(3))
    # Rows are axes: the vector is the sum of components times axes.
    assert turned == pytest.approx(1 * ASKEW[0] + 2 * ASKEW[1] + 3 * ASKEW[2])
    assert along(turned, np.eye(3), ASKEW) == pytest.approx((1, 2, 3))


def test_single_components_turn_between_parallel_axes_only():
    swapped = np.array([[0.0, 0, -1], [1, 0, 0], [0, 1, 0]])
    assert along((None, 0.5, None), swapped, np.eye(3)) == (0.5, None, None)
    assert along((2.0, None, 0.0), swapped, np.eye(3)) == (None, 0.0, -2.0)
    assert along((None, 0.5, None), ASKEW, np.eye(3)) is None
    assert along((None, None, None), ASKEW, np.eye(3)) == (None, None, None)


def test_no_zero_with_a_minus():
    assert str(along((None, None, 0.0), np.diag([1.0, 1, -1]), np.eye(3))) == "(None, None, 0.0)"


def test_full_displacement_is_measured_along_the_load():
    down = Prescribed(np.array([0]), (None, 0.0, -0.4))
    x, y, z = -ASKEW[2]
    assert full_displacement_mm(LoadCase({"top": down}, "top", (x, y, z), 10.0, ASKEW)) == pytest.approx(0.4)


def test_nodes_that_no_cell_touches_are_refused():
    mesh = Mesh(np.random.default_rng(1).normal(size=(5, 3)), np.array([[0, 1, 2, 3]]), "tet4", np.array([1]))
    held = {"top": Prescribed(np.array([0, 4]), (0.0, 0.0, 1.0))}
    with pytest.raises(SolverError, match="1 nodes of 'top' belong to no cell"):
        refuse_loose_nodes(mesh, LoadCase(held, "top", (0.0, 0.0, 1.0), 10.0))
