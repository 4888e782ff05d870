"""Is every piece of a mesh of tetrahedra held? Pieces are connected by faces."""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp
from scipy.sparse.csgraph import connected_components

from culmann.data.arrays import IntArray
from culmann_fem.mechanisms import free_motion, moves_as_a_whole, not_held, not_loaded
from culmann_fem.tet_problem import TetProblem

_FACES = np.array([(0, 1, 2), (0, 1, 3), (0, 2, 3), (1, 2, 3)])


def refuse_tet_mechanisms(problem: TetProblem) -> None:
    """Raise when a piece of the model, connected by faces, can move without straining, or none is strained by the load.

    Raises
    ------
    SolverError
        Naming the piece, where it is and how it can move.
    """
    count, piece = connected_components(_neighbours(problem.cell[:, :4].astype(np.int64)), directed=False)
    strained = False
    for number in range(count):
        cells = np.flatnonzero(piece == number)
        node = np.unique(problem.cell[cells])
        x = problem.place_mm[node]
        x = (x - x.mean(axis=0)) / max(1e-300, float(np.ptp(x, axis=0).max()))
        held = [~problem.free[node, c] for c in range(3)]
        places = [x[held[c]] for c in range(3)]
        motion = free_motion(places, "load axis")
        if motion is not None:
            centres = problem.place_mm[problem.cell[cells, :4]].mean(axis=1) @ problem.axes
            raise not_held(motion, centres, count)
        strained = strained or not moves_as_a_whole(places, [problem.target_mm[node, c][held[c]] for c in range(3)])
    if not strained:
        raise not_loaded(problem.place_mm[problem.loaded].mean(axis=0) @ problem.axes, count)


def _neighbours(corner: IntArray) -> sp.coo_array:
    """(m, m): which cells share a face."""
    face = np.sort(corner[:, _FACES].reshape(-1, 3), axis=1)
    n = int(corner.max()) + 1
    key = (face[:, 0] * n + face[:, 1]) * n + face[:, 2]
    order = np.argsort(key, kind="stable")
    same = np.flatnonzero(key[order[1:]] == key[order[:-1]])
    a, b = order[same] // 4, order[same + 1] // 4
    return sp.coo_array((np.ones(len(a), dtype=np.int8), (a, b)), shape=(len(corner), len(corner)))
