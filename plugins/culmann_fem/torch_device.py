"""Whether there is a GPU that torch can use, and its name; torch itself is imported only when one is asked for."""

from __future__ import annotations

from culmann.errors import PluginError, SolverError
from culmann_fem.lattice_system import LatticeSystem
from culmann_fem.plastic import PlasticModel
from culmann_fem.point_model import PointModel
from culmann_fem.system import Plasticity, System


def require_gpu(cell_type: str) -> str:
    """The name of the GPU that a mesh of such cells can be solved on.

    Raises
    ------
    SolverError
        When the cells are no voxels, or torch sees no GPU.
    PluginError
        When torch is not installed.
    """
    if cell_type != "hex8":
        raise SolverError(
            f"`device: cuda` takes voxels (hex8) only, not {cell_type}", hint="take `device: cpu`, or mesh with voxel-mesh"
        )
    try:
        import torch
    except ImportError as error:
        raise PluginError(
            f"`device: cuda` needs torch, which cannot be imported: {error}", hint="pip install 'culmann[gpu]'"
        ) from error
    if not torch.cuda.is_available():
        build = f"built for CUDA {torch.version.cuda}" if torch.version.cuda else "built without CUDA"
        raise SolverError(
            f"`device: cuda` was asked for, but torch {torch.__version__}, {build}, sees no GPU",
            hint="take `device: cpu`, or install the driver of the GPU and a torch built for CUDA: https://pytorch.org",
        )
    return str(torch.cuda.get_device_name())


def solve_on_gpu(system: LatticeSystem) -> None:
    """From now on the linear solves of the system run on the GPU."""
    from culmann_fem.torch_solver import TorchSolver

    system.elsewhere = TorchSolver(system, "cuda")


def tangent_on_gpu(system: System, model: Plasticity) -> None:
    """From now on these solves do the products with the tangent of the model on the GPU, too."""
    if isinstance(system, LatticeSystem) and system.elsewhere is not None and isinstance(model, PlasticModel | PointModel):
        system.elsewhere.add_tangent(model)
