"""Whole courses with the linear solves in torch against the compiled engine, on the processor and on a GPU."""

from __future__ import annotations

import numpy as np
import pytest
from torch_models import DEVICES, beam, blob, bone

import culmann_fem.torch_solver
from culmann.journal import QuietJournal
from culmann_fem.native import NativeSolverConfig, native_solver
from culmann_fem.torch_solver import TorchSolver


def solve(mesh, materials, load, **options):
    return native_solver(mesh, materials, load, NativeSolverConfig(threads=1, **options), QuietJournal())


@pytest.fixture
def on(monkeypatch):
    """`device: cuda` means the given device of torch."""

    def on_device(device):
        if device == "cuda":
            return
        monkeypatch.setattr("culmann_fem.native.require_gpu", lambda _: "none")
        monkeypatch.setattr(culmann_fem.torch_solver, "TorchSolver", lambda system, _: TorchSolver(system, device))

    return on_device


def solves_in_torch(monkeypatch):
    calls = []
    whole = TorchSolver.solve
    monkeypatch.setattr(TorchSolver, "solve", lambda self, *a, **k: calls.append(1) or whole(self, *a, **k))
    monkeypatch.setattr(TorchSolver, "_through_the_processor", None)
    return calls


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("model", [blob, beam])
@pytest.mark.parametrize(
    ("scheme", "integration"),
    [("linear", "b-bar"), ("linear", "full"), ("plastic", "b-bar"), ("plastic", "full"), ("secant-lagged", "b-bar"),
     ("secant-converged", "b-bar")],
)  # fmt: skip
def test_course_is_that_of_the_compiled_engine(on, monkeypatch, model, scheme, integration, device):
    mesh, load = model()
    options = {"scheme": scheme, "integration": integration}
    compiled = solve(mesh, bone(mesh), load, **options)
    on(device)
    calls = solves_in_torch(monkeypatch)
    torch = solve(mesh, bone(mesh), load, device="cuda", **options)
    assert calls
    assert torch.force_n == pytest.approx(compiled.force_n, rel=1e-5)
    most = "most_cg_iterations_in_a_solve"
    assert abs(torch.solver[most] - compiled.solver[most]) <= 2
    assert torch.solver["nonlinear_iterations"] == compiled.solver["nonlinear_iterations"]
    assert torch.solver["largest_relative_residual"] <= 1e-6
    assert np.abs(torch.end.displacement_mm - compiled.end.displacement_mm).max() < 1e-4 * load.reference_height_mm * 0.02
    if scheme != "linear":
        assert torch.end.phase[mesh.region == 1].max() >= 1
        # not a course that stays elastic
        assert compiled.force_n[-1] < 0.9 * load.load_steps[-1] / load.load_steps[0] * compiled.force_n[1]


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("law", ["orthotropic", "tresca"])
def test_laws_that_go_point_by_point(on, monkeypatch, law, device):
    mesh, load = blob()
    materials = bone(mesh, orthotropic=law == "orthotropic", criterion="tresca" if law == "tresca" else "von-mises")
    compiled = solve(mesh, materials, load)
    on(device)
    calls = solves_in_torch(monkeypatch)
    torch = solve(mesh, materials, load, device="cuda")
    assert calls
    assert torch.force_n == pytest.approx(compiled.force_n, rel=1e-5)
    assert abs(torch.solver["most_cg_iterations_in_a_solve"] - compiled.solver["most_cg_iterations_in_a_solve"]) <= 2


@pytest.mark.parametrize("device", DEVICES)
def test_two_runs_are_equal_to_the_last_bit(on, device):
    mesh, load = blob()
    on(device)
    first, second = (solve(mesh, bone(mesh), load, device="cuda") for _ in range(2))
    assert np.array_equal(first.force_n, second.force_n)
    assert np.array_equal(first.end.displacement_mm, second.end.displacement_mm)
