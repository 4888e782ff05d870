"""Linear solves of a voxel model on a device of torch: conjugate gradients, preconditioner and products are all there.

Everything but the solve stays on the processor. What crosses are the residual, the correction, the moduli and the tangent of
the points that yield: little beside the solve.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np
import torch
from torch import Tensor

from culmann.data.arrays import FloatArray
from culmann.errors import SolverError
from culmann_fem.lattice_system import LatticeSystem
from culmann_fem.plastic import PlasticModel
from culmann_fem.point_model import PointModel
from culmann_fem.system import Again, Product, Solve
from culmann_fem.torch_multigrid import TorchMultigrid
from culmann_fem.torch_operator import TorchOperator
from culmann_fem.torch_tangent import curve_loss, point_loss, strain_operator

#: A x on the device.
DeviceProduct = Callable[[Tensor], Tensor]


class TorchSolver:
    """See `culmann_fem.lattice_system.LinearSolver`.

    Parameters
    ----------
    system
        The model, whose multigrid is made.
    device
        `cuda`, or `cpu`, where tests run the very same code.
    """

    def __init__(self, system: LatticeSystem, device: str) -> None:
        self._system = system
        group = np.stack([group.member for group in system.groups]).argmax(axis=0)
        with _no_gradients():
            self.operator = TorchOperator(system.problem, system.lattice, group, torch.device(device))
            self._multigrid = TorchMultigrid(system.multigrid, self.operator)
            self._strains = strain_operator(system.lattice.bricks[0], b_bar=system.b_bar, device=self.operator.device)
        # Each is made ready for the state in which a solve begins.
        self._products: dict[Product, Callable[[], DeviceProduct]] = {system.multiply: lambda: self.operator.multiply}

    def add_tangent(self, model: PlasticModel | PointModel) -> None:
        """Do the products with the tangent of a model here, too."""
        self._products[model.tangent] = lambda: self._tangent(model)

    def refresh(self) -> None:
        """Fetch the preconditioner anew."""
        with _no_gradients():
            self._multigrid.update()

    def solve(
        self, product: Product, x: FloatArray, r: FloatArray, *, tolerance: float, most: int, again: Again | None = None
    ) -> Solve:
        """See `culmann_fem.system.System`. A product that is not known here is done on the processor."""
        operator = self.operator
        with _no_gradients():
            operator.update()
            ready = self._products.get(product)
            apply = ready() if ready is not None else lambda v: self._through_the_processor(product, v)
            residual = operator.pack(r)
            change = np.zeros_like(x)

            def at(correction: Tensor) -> FloatArray:
                operator.unpack(correction, change)
                return x + change

            ask = (lambda correction: again(at(correction))) if again is not None else None
            correction, how = self._iterate(apply, residual, tolerance, most, ask)
            operator.unpack(residual, r)
            x[:] = at(correction)
        return how

    def _iterate(
        self, apply: DeviceProduct, r: Tensor, tolerance: float, most: int, again: Callable[[Tensor], float] | None
    ) -> tuple[Tensor, Solve]:
        """Conjugate gradients from nought, in double precision; r is changed in place."""
        free = self.operator.free
        x, p = torch.zeros_like(r), torch.zeros_like(r)
        norm = _dot(r, r) ** 0.5
        before = 0.0
        for iteration in range(most):
            if norm <= tolerance and again is not None:
                tolerance = again(x)
            if norm <= tolerance or not np.isfinite(norm):
                return x, Solve(iteration, norm, norm <= tolerance)
            z = self._multigrid.apply(r.float()).double()
            rz = _dot(r, z)
            p.mul_(rz / before if before else 0.0).add_(z)
            before = rz
            q = apply(p).mul_(free)
            curvature = _dot(q, p)
            if not curvature > 0:
                return x, Solve(iteration, norm, False)
            x.add_(p, alpha=rz / curvature)
            r.sub_(q, alpha=rz / curvature)
            norm = _dot(r, r) ** 0.5
        return x, Solve(most, norm, norm <= tolerance)

    def _tangent(self, model: PlasticModel | PointModel) -> DeviceProduct:
        operator = self.operator
        if isinstance(model, PlasticModel):
            cells, flow, soft = model.lost_stiffness()
            loss = curve_loss(self._strains, operator.index(operator.row[cells]), flow, soft)
        else:
            cells, lost = model.lost_stiffness()
            loss = point_loss(self._strains, operator.index(operator.row[cells]), lost)
        return lambda v: operator.multiply(v, loss)

    def _through_the_processor(self, product: Product, v: Tensor) -> Tensor:
        on_lines, f = self._system.vector(), self._system.vector()
        self.operator.unpack(v, on_lines)
        product(on_lines, f)
        return self.operator.pack(f)


def _dot(a: Tensor, b: Tensor) -> float:
    return float(torch.dot(a.view(-1), b.view(-1)))


@contextmanager
def _no_gradients() -> Iterator[None]:
    """Torch keeps no record for derivatives; too little memory is told in words."""
    try:
        with torch.no_grad():
            yield
    except torch.cuda.OutOfMemoryError as error:
        raise SolverError(
            f"the model does not fit the memory of the GPU: {'. '.join(str(error).split('. ')[:2])}",
            hint="take `device: cpu`, larger voxels, or a GPU that nothing else is using",
        ) from error
