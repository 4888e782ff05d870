"""What `device: cuda` says where there is no torch, no GPU or no voxel, and what a result says of its device."""

from __future__ import annotations

import subprocess
import sys
from types import SimpleNamespace

import pytest
import torch
from torch_models import NO_GPU, blob, bone

from culmann import PluginError, SolverError
from culmann.journal import QuietJournal
from culmann_fem.native import NativeSolverConfig, native_solver
from culmann_fem.torch_device import require_gpu


def test_without_torch(make_block, make_material, native, monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    bar = make_block()
    with pytest.raises(PluginError, match="`device: cuda` needs torch") as told:
        native(bar.mesh, make_material(bar.mesh.n_cells), bar.load, device="cuda")
    assert told.value.hint == "pip install 'culmann[gpu]'"


@pytest.mark.parametrize(("cuda", "what"), [(None, "built without CUDA"), ("12.8", "built for CUDA 12.8")])
def test_without_a_gpu(monkeypatch, cuda, what):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch, "version", SimpleNamespace(cuda=cuda, hip=None))
    with pytest.raises(SolverError, match=f"torch {torch.__version__.replace('+', '.')}, {what}, sees no GPU") as told:
        require_gpu("hex8")
    assert "device: cpu" in told.value.hint


def test_tetrahedra_are_refused_whether_there_is_a_gpu_or_not(monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(SolverError, match=r"takes voxels \(hex8\) only, not tet10"):
        require_gpu("tet10")


def test_the_device_is_in_the_result_and_not_in_the_key_of_the_store(make_block, make_material, native):
    bar = make_block()
    assert native(bar.mesh, make_material(bar.mesh.n_cells), bar.load).solver["device"] == "cpu"
    assert NativeSolverConfig(device="cuda").model_dump() == NativeSolverConfig().model_dump()


@NO_GPU
def test_the_name_of_the_gpu_is_in_the_result():
    mesh, load = blob()
    answer = native_solver(mesh, bone(mesh), load, NativeSolverConfig(device="cuda"), QuietJournal())
    assert answer.solver["device"] == f"cuda: {torch.cuda.get_device_name()}"


def test_the_solver_does_not_import_torch_on_its_own():
    program = "import sys, culmann_fem.native; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
