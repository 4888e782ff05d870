"""Before a solve: is every piece of the model held? A piece that can move freely has no failure load."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy import ndimage

from culmann.data.arrays import FloatArray, IntArray
from culmann.errors import SolverError
from culmann_fem.hexahedron import CORNERS
from culmann_fem.problem import LatticeProblem

_NAMES = ("shift along {0}", "shift along {1}", "shift along {2}", "turn about {0}", "turn about {1}", "turn about {2}")


def refuse_mechanisms(problem: LatticeProblem, origin_mm: FloatArray) -> None:
    """Raise when a piece of the model, connected by faces, can move without straining.

    Parameters
    ----------
    origin_mm
        (n_cells, 3): centres of the cells, for the message.

    Raises
    ------
    SolverError
        Naming the piece, where it is and how it can move.
    """
    filled = np.zeros(problem.shape, dtype=bool)
    filled[tuple(problem.cell.T)] = True
    piece, count = ndimage.label(filled)
    of_cell = piece[tuple(problem.cell.T)]
    for number in range(1, count + 1):
        cells = np.flatnonzero(of_cell == number)
        motion = free_motion(_held_places(problem, problem.cell[cells]), "lattice axis")
        if motion is not None:
            raise not_held(motion, origin_mm[cells], count)


def not_held(motion: str, centres_mm: FloatArray, count: int) -> SolverError:
    """The error for a piece with cells at these centres, one of `count` pieces, that can make a motion."""
    at = centres_mm.mean(axis=0).round(1).tolist()
    what = "the model" if count == 1 else f"one of {count} pieces of the model ({len(centres_mm)} cells)"
    return SolverError(
        f"{what} around {at} mm (LPS) is not held: it can {motion}",
        hint="keep one piece (voxel-mesh drops the others), and check that both endplates have nodes",
    )


def _held_places(problem: LatticeProblem, cell: IntArray) -> list[FloatArray]:
    """For each component, where it is prescribed among the corners of these cells; from their middle, over their size."""
    there = np.zeros(problem.free.shape[1:], dtype=bool)
    for a in CORNERS:
        there[tuple((cell + a).T)] = True
    x0, size = cell.mean(axis=0), float(np.ptp(cell, axis=0).max() + 1)
    # To a common scale, so that turning and shifting compare.
    scale = problem.spacing_mm / (size * problem.spacing_mm.max())
    return [(np.argwhere(there & ~problem.free[c]) - x0) * scale for c in range(3)]


def free_motion(held: Sequence[FloatArray], axis: str) -> str | None:
    """A rigid motion that no prescribed freedom resists.

    Parameters
    ----------
    held
        For each component, the places (n, 3) where it is prescribed, of order one about the middle of the piece.
    axis
        What the axes are called.
    """
    rows = []
    for c, at in enumerate(held):
        mode = np.zeros((len(at), 6))
        mode[:, c] = 1
        # turning about axis d moves a point at x by e_d x x
        for d in range(3):
            mode[:, 3 + d] = np.cross(np.eye(3)[d], at)[:, c]
        rows.append(mode)
    modes = np.concatenate(rows)
    values, vectors = np.linalg.eigh(modes.T @ modes)
    if values[0] > 1e-9 * max(1.0, values[-1]):
        return None
    names = [f"{axis} {c + 1}" for c in range(3)]
    return _NAMES[int(np.argmax(np.abs(vectors[:, 0])))].format(*names)
