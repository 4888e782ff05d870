"""A law's own stress update at the points of its cells: calls of a compiled function, in the axes of the patient."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numba
import numpy as np
from numba import types

from culmann_fem.kernels import kernel

_vector, _matrix = types.float64[::1], types.float64[:, ::1]
_SIGNATURE = types.void(_vector, _vector, _vector, _vector, _vector, _matrix, _vector)


def pointer(update: Callable[..., None]) -> Any:
    """The address of a law's update, compiled for the types that `respond` gives it; `respond` is compiled once for all."""

    @numba.cfunc(_SIGNATURE)
    def call(strain, state, parameters, new_state, stress, tangent, done):
        update(strain, state, parameters, new_state, stress, tangent)
        done[0] = 1  # an error leaves it at 0: called through its address, a function cannot raise

    return call


@kernel
def respond(
    update, cells, begin, e, lost, tangent, active, modulus, elasticity, turn, parameters, state, threshold, keep, first, last
):
    """What the points of some cells lose of their elastic stress and stiffness at the strains e; see `tresca.respond`.

    Parameters
    ----------
    modulus
        (n,): E, by which `elasticity` (6, 6) is to be multiplied.
    turn
        (6, 6): stress in the axes of the solver from stress in those of the patient; its transpose turns strains back.
    parameters, state
        (n, p) and (n, points, s); the state is written when `keep`.
    threshold
        Over the modulus: a tangent that differs by less is taken for the elastic one.
    """
    strain, stress, D, W = np.empty(6), np.empty(6), np.empty((6, 6)), np.empty((6, 6))
    new, done = np.empty(state.shape[2]), np.empty(1)
    for n in range(begin[first], begin[min(last, begin.shape[0] - 1)]):
        m, E = cells[n], modulus[n]
        for p in range(e.shape[1]):
            for a in range(6):
                strain[a] = 0.0
                for b in range(6):
                    strain[a] += turn[b, a] * e[m, p, b]
            stress[:] = 0
            D[:] = 0
            new[:] = state[n, p]
            done[0] = 0
            update(strain, state[n, p], parameters[n], new, stress, D, done)
            if done[0] == 0:
                stress[:] = np.nan
            for a in range(6):
                total = 0.0
                for b in range(6):
                    total += E * elasticity[a, b] * e[m, p, b] - turn[a, b] * stress[b]
                lost[m, p, a] = total
                for b in range(6):
                    W[a, b] = 0.0
                    for c in range(6):
                        # The conjugate gradients want a symmetric tangent.
                        W[a, b] += turn[a, c] * 0.5 * (D[c, b] + D[b, c])
            at, largest = 0, 0.0
            for a in range(6):
                for b in range(a, 6):
                    total = E * elasticity[a, b]
                    for c in range(6):
                        total -= W[a, c] * turn[b, c]
                    tangent[m, p, at] = total
                    largest = max(largest, abs(total))
                    at += 1
            active[m, p] = largest > threshold * E
            if keep:
                for a in range(new.shape[0]):
                    state[n, p, a] = new[a]
