"""System: what the courses need of a discretised body, whatever its elements are."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from culmann.data import Fields
from culmann.data.arrays import FloatArray, IntArray

#: y = A x for a symmetric A; what it says of held freedoms does not matter.
Product = Callable[[FloatArray, FloatArray], None]
#: The tolerance that a solution calls for.
Again = Callable[[FloatArray], float]


@dataclass(frozen=True, slots=True)
class Solve:
    """How a linear solve went."""

    iterations: int
    residual_norm: float
    converged: bool


class System(Protocol):
    """Freedoms, forces and linear solves. Vectors are arrays of one shape that only the system itself looks into."""

    @property
    def free(self) -> npt.NDArray[np.floating[Any]]:
        """1 for a freedom that exists and is not prescribed, 0 elsewhere."""

    @property
    def target_mm(self) -> FloatArray:
        """Displacement at full load where prescribed, 0 elsewhere."""

    def vector(self) -> FloatArray:
        """A new vector of zeros."""

    def dot(self, a: FloatArray, b: FloatArray) -> float:
        """Sum of the products; the same to the last bit for any number of threads."""

    def squares(self, f: FloatArray) -> tuple[float, float]:
        """The sums of the squares over the free freedoms and over the held ones."""

    def multiply(self, u: FloatArray, f: FloatArray) -> None:
        """F = K u with the present moduli."""

    def solve(
        self, product: Product, x: FloatArray, r: FloatArray, *, tolerance: float, most: int, again: Again | None = None
    ) -> Solve:
        """Improve x until the norm of the residual is at most `tolerance` (N), in `most` iterations.

        `product` may differ from the K that the preconditioner was made for. x is corrected in place, on free freedoms only.
        r is the residual at the start, zero where held, and holds the one at the end. Where `again` is given it is asked, once
        the tolerance is met, which one x itself calls for; the iteration goes on to that without beginning anew.
        """

    def precondition(self, r: FloatArray, z: FloatArray) -> None:
        """Z = M r, near the inverse of K on free freedoms; zero where held."""

    def refresh(self) -> None:
        """Make the preconditioner anew for the present moduli."""

    def whereabouts(self, vector: FloatArray) -> str:
        """In words, the cell and the place in mm of the largest entry of a vector on a node."""

    def load_n(self, force: FloatArray) -> float:
        """Reaction of the loaded set along the direction of the load, N, from nodal forces."""

    def reactions_n(self, force: FloatArray) -> FloatArray:
        """(sets, 3): reactions of all prescribed sets in their order, LPS, N, from nodal forces."""


class Plasticity(Protocol):
    """Cells that yield and unload elastically."""

    def force(self, u: FloatArray, f: FloatArray) -> None:
        """F = internal force at u, from the last committed state; the tangent is taken there."""

    def tangent(self, v: FloatArray, f: FloatArray) -> None:
        """F = tangent stiffness at the last `force`, applied to v."""

    def commit(self, u: FloatArray) -> None:
        """The increment has converged at u: keep its plastic strains."""

    def fields(self, u: FloatArray) -> Fields:
        """Fields at u, which must be committed."""

    def plastic_state(self) -> tuple[FloatArray, FloatArray] | None:
        """Plastic strain (cells, points, 6), shear doubled, and its equivalent (cells, points), in the order of `GaussPoints`.

        Of the last committed state, once its `fields` were asked for; None where a law keeps a state of its own.
        """

    @property
    def n_yielding(self) -> int:
        """Cells that yield at the last `force`."""


class Softening(Protocol):
    """Cells whose secant modulus falls with their strain."""

    @property
    def modulus(self) -> FloatArray:
        """(n,): the moduli of the state, MPa."""

    def strain(self, u: FloatArray, cells: IntArray | None = None) -> FloatArray:
        """(n,): effective strain of every cell, or of some, in their order."""

    def softened(self, e: FloatArray) -> FloatArray:
        """(n,): the secant moduli at effective strains e; none above the present one."""

    def use(self, modulus: FloatArray) -> None:
        """Put moduli into the system, without making them the state."""

    def multiply_by(self, modulus: FloatArray, u: FloatArray, f: FloatArray) -> None:
        """F = K u with other moduli, which may be zero or below it; those in the system stay."""

    def commit(self, modulus: FloatArray, e: FloatArray) -> None:
        """Make moduli the state, and remember how far each cell was strained."""

    def n_softened(self) -> int:
        """Cells below their initial modulus."""

    def fields_later(self, u: FloatArray) -> Callable[[], Fields]:
        """What makes the fields at u of the present state, once somebody asks; u must stay as it is."""

    def fields(self, u: FloatArray) -> Fields:
        """Fields at u with the moduli of the state."""
