"""Course: what happened along the load: the curve, the fields that are kept, what it took, and why it ended."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from culmann.data import Fields
from culmann.data.arrays import FloatArray
from culmann_fem.system import System

#: Tells a person how far the solve is: words, and the share of the displacement.
Tell = Callable[[str, float], None]
#: Stored and dissipated energy at a displacement, N mm; None where they are not known.
Energies = Callable[[FloatArray], tuple[float, float] | None]


class StopAskedError(Exception):
    """A person asked the solver to stop."""


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
    asked_to_stop
        Whether a person wants no more than the curve so far.
    """

    residual: float
    most_cg: int
    stop_below_peak: float = 0.0
    asked_to_stop: Callable[[], bool] = lambda: False

    def check(self) -> None:
        """Raise StopAskedError when a person asked for it."""
        if self.asked_to_stop():
            raise StopAskedError


@dataclass(slots=True)
class Course:
    """Grows by one point for each increment that was solved; factors are shares of the full displacement.

    `reactions_n` holds (sets, 3) for every point but the first, where all is at rest. `rate_nmm` is the work per unit of the
    factor at the last point, and its integral by the trapezoidal rule is the external work. `trouble` says where it is that the
    last attempt failed. Energies that are not known are None. `peak_later` makes the fields at the peak, once the load has
    fallen.
    """

    factors: list[float] = field(default_factory=lambda: [0.0])
    force_n: list[float] = field(default_factory=lambda: [0.0])
    reactions_n: list[FloatArray] = field(default_factory=list)
    peak: Fields | None = None
    peak_later: Callable[[], Fields] | None = None
    end: Fields | None = None
    u: FloatArray | None = None
    nonlinear_iterations: int = 0
    cg_iterations: int = 0
    most_cg_in_a_solve: int = 0
    largest_residual: float = 0.0
    cuts: int = 0
    stop_reason: str = ""
    stopped_as_asked: bool = False
    interrupted: bool = False
    trouble: str = ""
    rate_nmm: float = 0.0
    external_work_nmm: float = 0.0
    stored_nmm: float | None = None
    dissipated_nmm: float | None = None

    def add(self, factor: float, system: System, force: FloatArray) -> bool:
        """One more point, from its nodal forces; whether it is the highest so far, whose fields the caller puts into `peak`."""
        rate_nmm = float(system.dot(force, system.target_mm))
        self.external_work_nmm += 0.5 * (self.rate_nmm + rate_nmm) * (factor - self.factors[-1])
        self.rate_nmm = rate_nmm
        self.factors.append(factor)
        self.force_n.append(system.load_n(force))
        self.reactions_n.append(system.reactions_n(force))
        return self.force_n[-1] >= max(self.force_n)

    def fail_at(self, system: System, force: FloatArray) -> None:
        """An attempt has failed with these nodal forces."""
        self.trouble = f"; the largest force out of balance was at {system.whereabouts(force * system.free)}"

    def interrupt(self) -> None:
        """End at the last point because a person wants no more."""
        self.interrupted = True
        self.stop_reason = f"stopped by Ctrl-C at {100 * self.factors[-1]:.3g} % of the displacement"

    def count(self, cg_iterations: int) -> None:
        """One more linear solve."""
        self.cg_iterations += cg_iterations
        self.most_cg_in_a_solve = max(self.most_cg_in_a_solve, cg_iterations)

    def has_fallen(self, limits: Limits) -> bool:
        """Whether the load has fallen as far below its peak as one wants to see; notes the reason."""
        peak = max(self.force_n)
        if limits.stop_below_peak > 0 and 0 < self.force_n[-1] < limits.stop_below_peak * peak:
            self.stopped_as_asked = True
            self.stop_reason = (
                f"the load had fallen to {100 * self.force_n[-1] / peak:.0f} % of its peak of {peak:.0f} N: stopped as asked"
            )
        return bool(self.stop_reason)

    def settle_peak(self) -> None:
        """Make the fields at the peak: as long as the load rises nobody asks for them."""
        if self.peak_later is not None:
            self.peak, self.peak_later = self.peak_later(), None

    def finish(self, u: FloatArray, fields: Callable[[FloatArray], Fields]) -> Course:
        """Keep the displacement and fields at the end, which are those at the peak where the last point is the highest."""
        self.u = u
        self.settle_peak()
        at_peak = self.peak is not None and self.force_n[-1] >= max(self.force_n)
        self.end = self.peak if at_peak else fields(u)
        if self.peak is None:
            self.peak = self.end
        return self

    def balance_energy(self) -> None:
        """Of an elastic body, whatever its moduli were before: half of force times displacement is stored, the rest is gone."""
        self.stored_nmm = 0.5 * self.rate_nmm * self.factors[-1]
        self.dissipated_nmm = self.external_work_nmm - self.stored_nmm
