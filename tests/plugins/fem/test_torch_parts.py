"""The parts of the solver in torch against the compiled ones, on the processor, and on a GPU where there is one."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch_models import DEVICES, beam, blob, bone, lattice_system

from culmann import SolverError
from culmann_fem.gauss_points import BrickPoints
from culmann_fem.plastic import PlasticModel
from culmann_fem.point_model import PointModel
from culmann_fem.torch_solver import TorchSolver


def random_vector(system, seed=0):
    """On the nodes that exist."""
    there = np.zeros(system.free.shape)
    there[:, system.problem.at[system.problem.node[:, 0] >= 0]] = 1
    return np.random.default_rng(seed).standard_normal(there.shape) * there


def on_lines(operator, system, rows):
    vector = system.vector()
    operator.unpack(rows, vector)
    return vector


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("b_bar", [True, False])
@pytest.mark.parametrize("kind", ["isotropic", "orthotropic"])
@pytest.mark.parametrize("model", [blob, beam])
def test_product_is_that_of_the_compiled_operator(model, kind, b_bar, device):
    mesh, load = model()
    system = lattice_system(mesh, bone(mesh, orthotropic=kind == "orthotropic"), load, b_bar=b_bar)
    assert len(system.groups) == 2
    operator = TorchSolver(system, device).operator
    u, f = random_vector(system), system.vector()
    for _ in range(2):
        system.multiply(u, f)
        found = on_lines(operator, system, operator.multiply(operator.pack(u)))
        assert np.abs(found - f).max() < 1e-12 * np.abs(f).max()
        single = on_lines(operator, system, operator.multiply(operator.pack(u).float()).double())
        assert np.abs(single - f).max() < 1e-5 * np.abs(f).max()
        # and again with moduli that have changed
        system.lattice.E *= np.random.default_rng(5).uniform(0.2, 1, system.lattice.E.shape)
        system.lattice.update()
        operator.update()


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("model", [blob, beam])
@pytest.mark.parametrize("direct_nodes", [125, 8])
def test_preconditioner_is_the_compiled_one(model, direct_nodes, device, monkeypatch):
    monkeypatch.setattr("culmann_fem.multigrid._DIRECT_NODES", direct_nodes)
    monkeypatch.setattr("culmann_fem.torch_multigrid._BATCH", 100)
    mesh, load = model()
    system = lattice_system(mesh, bone(mesh), load)
    assert len(system.multigrid.levels) == {125: 2, 8: 5 if model is beam else 4}[direct_nodes]
    solver = TorchSolver(system, device)
    r = random_vector(system) * system.free
    for _ in range(2):
        system.lattice.r32[:] = r
        system.multigrid.apply()
        found = on_lines(solver.operator, system, solver._multigrid.apply(solver.operator.pack(r).float()).double())
        assert np.abs(found - system.lattice.z32).max() < 1e-4 * np.abs(system.lattice.z32).max()
        assert (found[system.free == 0] == 0).all()
        # and again with moduli that have changed
        system.lattice.E *= np.random.default_rng(5).uniform(0.2, 1, system.lattice.E.shape)
        system.lattice.update()
        system.refresh()
        solver.refresh()
        solver.operator.update()


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("b_bar", [True, False])
@pytest.mark.parametrize("law", ["plain", "tresca", "orthotropic"])
def test_tangent_is_the_compiled_one(law, b_bar, device, monkeypatch):
    mesh, load = blob()
    materials = bone(mesh, orthotropic=law == "orthotropic", criterion="tresca" if law == "tresca" else "von-mises")
    system = lattice_system(mesh, materials, load, b_bar=b_bar)
    monkeypatch.setattr("culmann_fem.torch_tangent._CHUNK", 300)
    if law == "plain":
        model = PlasticModel(system.problem, materials, system.lattice, elastic=False)
    else:
        points = BrickPoints(system.problem, system.lattice, b_bar=b_bar)
        model = PointModel(points, materials, system.groups, system.problem.is_bone, None, elastic=False)
    f, elastic, tangent = system.vector(), system.vector(), system.vector()
    model.force(0.02 * random_vector(system, 1), f)
    assert 0.2 * mesh.n_cells < model.n_yielding < mesh.n_cells
    solver = TorchSolver(system, device)
    v = random_vector(system, 2)
    model.tangent(v, tangent)
    system.multiply(v, elastic)
    found = on_lines(solver.operator, system, solver._tangent(model)(solver.operator.pack(v)))
    assert np.abs(elastic - tangent).max() > 0.1 * np.abs(elastic).max()
    assert np.abs(found - tangent).max() < 1e-11 * np.abs(tangent).max()


@pytest.mark.parametrize("device", DEVICES)
def test_a_solve_is_the_same_to_the_last_bit_and_solves(device):
    mesh, load = blob()
    system = lattice_system(mesh, bone(mesh), load)
    system.elsewhere = TorchSolver(system, device)
    b = random_vector(system) * system.free
    answers = []
    # the second product is one that the solver does not know, and that goes through the processor
    for product in (system.multiply, system.multiply, lambda u, f: system.multiply(u, f)):
        x, r, f = system.target_mm.copy(), b.copy(), system.vector()
        how = system.solve(product, x, r, tolerance=1e-8, most=60)
        system.multiply(x - system.target_mm, f)
        assert how.converged
        assert np.abs(b - f * system.free - r).max() < 1e-10
        assert np.sqrt((r * r).sum()) <= 1e-8
        assert np.array_equal(x[system.free == 0], system.target_mm[system.free == 0])
        answers.append(x)
    assert np.array_equal(answers[0], answers[1])
    assert np.allclose(answers[0], answers[2], atol=1e-10)
    again = system.solve(system.multiply, x, b.copy(), tolerance=1e-8, most=2)
    assert (again.iterations, again.converged) == (2, False)


def test_too_little_memory_is_told_in_words(monkeypatch):
    mesh, load = blob()
    system = lattice_system(mesh, bone(mesh), load)
    system.elsewhere = TorchSolver(system, "cpu")

    def full(*_):
        raise torch.cuda.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 GiB. GPU 0 has 8.00 GiB.")

    monkeypatch.setattr(system.elsewhere.operator, "multiply", full)
    with pytest.raises(SolverError, match=r"does not fit the memory of the GPU: CUDA out of memory.*20\.00 GiB") as told:
        system.solve(system.multiply, system.vector(), system.free.copy(), tolerance=0, most=2)
    assert "device: cpu" in told.value.hint
