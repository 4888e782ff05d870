"""The native solver: voxels or quadratic tetrahedra, solved without a matrix."""

from __future__ import annotations

from collections.abc import Iterable

from culmann.hookspecs import hookimpl
from culmann.steps import Step

api = 1


@hookimpl
def culmann_solvers() -> Iterable[Step]:
    """The embedded default engine."""
    yield Step(
        "native-solver",
        "culmann_fem.native:native_solver",
        summary="Matrix-free multigrid solver for voxels and quadratic tetrahedra: linear, plastic, softening, any law.",
        cite=(
            "doi:10.1007/b98904",
            "doi:10.1002/nme.1620150914",
            "doi:10.1002/9780470694626",
            "doi:10.1016/S0021-9991(03)00194-3",
            "doi:10.1007/BF02238511",
        ),
        foresee="culmann_fem.foresight:foresee",
    )
