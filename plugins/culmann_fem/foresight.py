"""What the native solver is known to refuse before anything runs."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator, Mapping

from culmann.config import Config
from culmann_fem.native import NativeSolverConfig


def foresee(config: Config | None, above: Mapping[str, Config | None]) -> Iterator[str]:
    """What of the laws, meshes and devices that are asked for does not go together."""
    assert isinstance(config, NativeSolverConfig)
    if config.device == "cuda" and importlib.util.find_spec("torch") is None:
        yield "`device: cuda` needs torch: pip install 'culmann[gpu]'"
    if config.device == "cuda" and "gmsh-tet10" in above:
        yield "`device: cuda` takes voxels only, and `gmsh-tet10` makes tetrahedra"
    for name, law in above.items():
        both = getattr(law, "criterion", None) == "tresca" and getattr(law, "orthotropic", None) is not None
        if both and config.scheme in {"auto", "plastic"}:
            yield f"it does no Tresca plasticity with orthotropic elasticity, and `{name}` asks for both"
