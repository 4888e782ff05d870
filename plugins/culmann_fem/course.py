"""Course: what happened along the load: the curve, the fields that are kept, what it took, and why it ended."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from culmann.data import Fields
from culmann.data.arrays import FloatArray

#: Tells a person how far the solve is: words, and the share of the displacement.
Tell = Callable[[str, float], None]


@dataclass(frozen=True, slots=True)
class Limits:
    """When an increment counts as solved, and when to stop.

    Parameters
    ----------
    residual
        Norm of the forces out of balance over the load.
    most_cg
        Most iterations of one linear solve.
    stop_below_peak
        Stop once the load has fallen below this share of its peak; 0 goes on to the end.
    """

    residual: float
    most_cg: int
    stop_below_peak: float = 0.0


@dataclass(slots=True)
class Course:
    """Grows by one point for each increment that was solved; factors are shares of the full displacement.

    `reactions_n` holds (sets, 3) for every point but the first, where all is at rest.
    """

    factors: list[float] = field(default_factory=lambda: [0.0])
    force_n: list[float] = field(default_factory=lambda: [0.0])
    reactions_n: list[FloatArray] = field(default_factory=list)
    peak: Fields | None = None
    end: Fields | None = None
    nonlinear_iterations: int = 0
    cg_iterations: int = 0
    most_cg_in_a_solve: int = 0
    largest_residual: float = 0.0
    cuts: int = 0
    stop_reason: str = ""

    def add(self, factor: float, force_n: float, reactions_n: FloatArray) -> bool:
        """One more point; whether it is the highest so far, whose fields the caller then puts into `peak`."""
        self.factors.append(factor)
        self.force_n.append(force_n)
        self.reactions_n.append(reactions_n)
        return force_n >= max(self.force_n)

    def count(self, cg_iterations: int) -> None:
        """One more linear solve."""
        self.cg_iterations += cg_iterations
        self.most_cg_in_a_solve = max(self.most_cg_in_a_solve, cg_iterations)

    def has_fallen(self, limits: Limits) -> bool:
        """Whether the load has fallen as far below its peak as one wants to see; notes the reason."""
        peak = max(self.force_n)
        if limits.stop_below_peak > 0 and 0 < self.force_n[-1] < limits.stop_below_peak * peak:
            self.stop_reason = (
                f"the load had fallen to {100 * self.force_n[-1] / peak:.0f} % of its peak of {peak:.0f} N: stopped as asked"
            )
        return bool(self.stop_reason)

    def finish(self, fields: Callable[[], Fields]) -> Course:
        """Keep the fields at the end, which are those at the peak where the last point is the highest."""
        at_peak = self.peak is not None and self.force_n[-1] >= max(self.force_n)
        self.end = self.peak if at_peak else fields()
        if self.peak is None:
            self.peak = self.end
        return self
