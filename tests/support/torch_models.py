"""Small bodies for the tests of the solver in torch: a blob with pores and a beam, and the devices they are solved on."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy import ndimage

from culmann import Grid, LoadCase, Materials, Mesh, Orthotropy, Prescribed, Solid
from culmann.voxels import hexahedra
from culmann_fem.lattice_system import LatticeSystem
from culmann_fem.problem import lattice_problem

# Threads that wait for one another in busy loops are slow where other work wants the cores.
torch.set_num_threads(1)

NO_GPU = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU: torch sees none")
DEVICES = ["cpu", pytest.param("cuda", marks=NO_GPU)]


def blob() -> tuple[Mesh, LoadCase]:
    """A lump of bone with pores between discs of another material, none of whose sides is even."""
    rng = np.random.default_rng(11)
    shape = (11, 13, 15)
    at = np.stack(np.meshgrid(*(np.linspace(-1, 1, n) for n in shape), indexing="ij"))
    noise = ndimage.gaussian_filter(rng.standard_normal(shape), 1.0)
    solid = ((at**2).sum(axis=0) < 1.4) & (noise > -0.25)
    solid[:, :, 0] = solid[:, :, -1] = (at[:2] ** 2).sum(axis=0)[:, :, 0] < 0.9
    parts, _ = ndimage.label(solid)
    label = np.where(parts == parts[5, 6, 0], 1, 0)
    assert (label[:, :, -1] > 0).any()
    label[:, :, [0, -1]] *= 2
    return _between_platens(label, (0.9, 1.0, 1.2))


def beam() -> tuple[Mesh, LoadCase]:
    """A slender block that leans on one end, is held at the other, and has a stiffer half."""
    label = np.ones((4, 5, 24), dtype=int)
    label[:, :, 12:] = 2
    return _between_platens(label, (1.0, 0.8, 1.5))


def _between_platens(label: np.ndarray, spacing: tuple[float, float, float]) -> tuple[Mesh, LoadCase]:
    grid = Grid(label.shape, spacing, (3.0, -2.0, 5.0))
    mesh = hexahedra(grid, label.T, {1: "bone", 2: "disc"}, solids={2: Solid(1500.0, 0.2)})
    z = mesh.points_mm[:, 2]
    height = float(np.ptp(z))
    sets = {
        "top": Prescribed(np.flatnonzero(z == z.max()), (0.0, 0.002 * height, -0.02 * height)),
        "bottom": Prescribed(np.flatnonzero(z == z.min()), (0.0, 0.0, 0.0)),
    }
    return mesh, LoadCase(sets, "top", (0.0, 0.0, -1.0), height, load_steps=(0.25, 0.5, 0.75, 1.0))


def bone(mesh: Mesh, *, orthotropic: bool = False, criterion: str = "von-mises") -> Materials:
    """Random moduli; yield at about 0.8 % with hardening and then softening; the discs are elastic nearly for ever."""
    rng = np.random.default_rng(4)
    disc = mesh.region == 2
    modulus = np.where(disc, 1500.0, np.exp(rng.normal(6, 0.5, mesh.n_cells)))
    stress = modulus[:, None] * np.array([0.008, 0.009, 0.008]) * np.where(disc, 100, 1)[:, None]
    plastic_strain = np.tile([0.0, 0.01, 0.05], (mesh.n_cells, 1))
    along = Orthotropy((0.6, 0.8, 1.0), (0.25, 0.3, 0.35), (0.3, 0.25, 0.2), axes=np.eye(3)[[2, 0, 1]])
    return Materials(
        modulus,
        np.where(disc, 0.2, 0.3),
        stress,
        plastic_strain,
        np.full(mesh.n_cells, 0.3),
        criterion=criterion,
        orthotropy=along if orthotropic else None,
    )


def lattice_system(mesh: Mesh, materials: Materials, load: LoadCase, *, b_bar: bool = True) -> LatticeSystem:
    """The model on the processor."""
    return LatticeSystem(lattice_problem(mesh, load), materials, b_bar=b_bar, threads=1)
