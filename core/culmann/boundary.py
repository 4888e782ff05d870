"""What a load case prescribes, sorted for a solver: each node once, along the axes that the solver has."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from culmann.data import LoadCase, Mesh, Prescribed
from culmann.data.arrays import FloatArray
from culmann.errors import SolverError

Components = tuple[float | None, float | None, float | None]

#: Stands for a free component in an array. Not NaN, which is never equal to itself.
_FREE = np.inf
#: Axes closer than this are parallel.
_PARALLEL = 1e-6


def disjoint(load: LoadCase) -> tuple[Prescribed, ...]:
    """Groups of nodes that share no node, each with all that holds for it, along the axes of the load case.

    Of a node in two sets each component is taken from the first set that prescribes it.
    """
    nodes = np.unique(np.concatenate([held.nodes for held in load.prescribed.values()]))
    values = np.full((len(nodes), 3), _FREE)
    for held in reversed(list(load.prescribed.values())):
        at = np.searchsorted(nodes, held.nodes)
        for axis, value in enumerate(held.displacement_mm):
            if value is not None:
                values[at, axis] = value
    kinds, kind = np.unique(values, axis=0, return_inverse=True)
    groups = (Prescribed(nodes[kind.ravel() == n], _components(row)) for n, row in enumerate(kinds))
    return tuple(group for group in groups if group.displacement_mm != (None, None, None))


def along(displacement_mm: Components, from_axes: FloatArray, to_axes: FloatArray) -> Components | None:
    """Components along other axes (rows); None where only a part is prescribed and the axes are not parallel."""
    given = [(from_axes[n], value) for n, value in enumerate(displacement_mm) if value is not None]
    if len(given) == 3:
        return _components(sum(value * axis for axis, value in given) @ to_axes.T)
    turned = np.full(3, _FREE)
    for axis, value in given:
        share = to_axes @ axis
        to = int(np.argmax(np.abs(share)))
        if abs(abs(share[to]) - 1) > _PARALLEL:
            return None
        turned[to] = np.sign(share[to]) * value
    return _components(turned)


def full_displacement_mm(load: LoadCase) -> float:
    """Displacement of the loaded set along the direction of the load, at full load."""
    parts = [value or 0.0 for value in load.prescribed[load.loaded].displacement_mm]
    return float(np.array(parts) @ load.axes @ np.asarray(load.direction))


def refuse_loose_nodes(mesh: Mesh, load: LoadCase) -> None:
    """Raise SolverError when a set of the load holds nodes that no cell touches."""
    used = np.zeros(mesh.n_points, dtype=bool)
    used[mesh.cells] = True
    for name, held in load.prescribed.items():
        loose = int((~used[held.nodes]).sum())
        if loose:
            raise SolverError(f"{loose} nodes of {name!r} belong to no cell", hint="mesh and load case must belong together")


def _components(values: Iterable[float]) -> Components:
    # Adding 0 turns -0.0, which looks like a mistake in a file, into 0.0.
    x, y, z = (None if value == _FREE else float(value) + 0.0 for value in values)
    return x, y, z
