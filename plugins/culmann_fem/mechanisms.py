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


def refuse_mechanisms(problem: LatticeProblem) -> None:
    """Raise when a piece of the model, connected by faces, can move without straining, or none is strained by the load.

    Raises
    ------
    SolverError
        Naming the piece, where it is and how it can move.
    """
    filled = np.zeros(problem.shape, dtype=bool)
    filled[tuple(problem.cell.T)] = True
    piece, count = ndimage.label(filled)
    of_cell = piece[tuple(problem.cell.T)]
    strained = False
    for number in range(1, count + 1):
        cells = np.flatnonzero(of_cell == number)
        held, given = _held_places(problem, problem.cell[cells])
        motion = free_motion(held, "lattice axis")
        if motion is not None:
            raise not_held(motion, problem.centres_mm(cells), count)
        strained = strained or not moves_as_a_whole(held, given)
    if not strained:
        raise not_loaded(problem.loaded_place_mm(), count)


def not_held(motion: str, centres_mm: FloatArray, count: int) -> SolverError:
    """The error for a piece with cells at these centres, one of `count` pieces, that can make a motion."""
    at = centres_mm.mean(axis=0).round(1).tolist()
    what = "the model" if count == 1 else f"one of {count} pieces of the model ({len(centres_mm)} cells)"
    return SolverError(
        f"{what} around {at} mm (LPS) is not held: it can {motion}",
        hint="keep one piece (voxel-mesh drops the others), and check that both endplates have nodes",
    )


def not_loaded(place_mm: FloatArray, count: int) -> SolverError:
    """The error for a load that strains nothing; its nodes are around this place."""
    at = place_mm.round(1).tolist()
    parted = f"the model is in {count} pieces, and each" if count > 1 else "the model"
    return SolverError(
        f"the load around {at} mm (LPS) meets no stiffness: {parted} moves as a whole with the nodes that are prescribed on it",
        hint="look for a gap between the nodes that move and those that are held, and for a displacement of 0",
    )


def _held_places(problem: LatticeProblem, cell: IntArray) -> tuple[list[FloatArray], list[FloatArray]]:
    """For each component, where it is prescribed among the corners of these cells, and to what.

    Places are from the middle of the cells, over their size.
    """
    there = np.zeros([n + 1 for n in problem.shape], dtype=bool)
    for a in CORNERS:
        there[tuple((cell + a).T)] = True
    node = np.argwhere(there)
    at = problem.lines.at(node)
    x0, size = cell.mean(axis=0), float(np.ptp(cell, axis=0).max() + 1)
    # To a common scale, so that turning and shifting compare.
    scale = problem.spacing_mm / (size * problem.spacing_mm.max())
    held = [~problem.free[c, at] for c in range(3)]
    places = [(node[held[c]] - x0) * scale for c in range(3)]
    return places, [problem.target_mm[c, at[held[c]]] for c in range(3)]


def free_motion(held: Sequence[FloatArray], axis: str) -> str | None:
    """A rigid motion that no prescribed freedom resists.

    Parameters
    ----------
    held
        For each component, the places (n, 3) where it is prescribed, of order one about the middle of the piece.
    axis
        What the axes are called.
    """
    modes = _rigid_modes(held)
    values, vectors = np.linalg.eigh(modes.T @ modes)
    if values[0] > 1e-9 * max(1.0, values[-1]):
        return None
    names = [f"{axis} {c + 1}" for c in range(3)]
    return _NAMES[int(np.argmax(np.abs(vectors[:, 0])))].format(*names)


def moves_as_a_whole(held: Sequence[FloatArray], given: Sequence[FloatArray]) -> bool:
    """Whether one rigid motion does what is prescribed, so that a piece takes no load.

    Parameters
    ----------
    held
        As in `free_motion`.
    given
        For each component, what is prescribed at these places.
    """
    modes, values = _rigid_modes(held), np.concatenate(given)
    motion, *_ = np.linalg.lstsq(modes, values, rcond=None)
    return bool(np.abs(modes @ motion - values).max() <= 1e-9 * np.abs(values).max())


def _rigid_modes(held: Sequence[FloatArray]) -> FloatArray:
    """(places of all components, 6): what shifts along the axes and turns about them do there."""
    rows = []
    for c, at in enumerate(held):
        mode = np.zeros((len(at), 6))
        mode[:, c] = 1
        # turning about axis d moves a point at x by e_d x x
        for d in range(3):
            mode[:, 3 + d] = np.cross(np.eye(3)[d], at)[:, c]
        rows.append(mode)
    return np.concatenate(rows)
