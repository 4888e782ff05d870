"""The session with Ansys, against a server that speaks ansys-api-mapdl and records what it is told. It is no Ansys."""

from __future__ import annotations

import socket
import tempfile

import numpy as np
import pytest
from mapdl_models import TILTED, blob, solving
from mapdl_stand_in import standing_in

from culmann.errors import EngineError, PluginError, SolverError
from culmann.pipeline.listener import Silent
from culmann.pipeline.recorder import Recorder
from culmann_fem.native import NativeSolverConfig, native_solver
from culmann_mapdl.connection import ConnectionConfig
from culmann_mapdl.solver import mapdl

pytestmark = pytest.mark.filterwarnings("ignore:Starting gRPC client without TLS")


def recorder():
    return Recorder("test", Silent())


def at(port: int, **options) -> ConnectionConfig:
    return ConnectionConfig(host="127.0.0.1", port=port, transport="insecure", connect_timeout_s=10, bin_width_mpa=0, **options)


@pytest.mark.parametrize("axes", [None, TILTED])
def test_what_the_deck_says_is_the_model_and_what_comes_back_is_the_response(tmp_path, axes):
    mesh, materials, load = blob(axes=axes)
    with standing_in(solving(tmp_path)) as (server, port):
        found = mapdl(mesh, materials, load, at(port), recorder())
    ours = native_solver(mesh, materials, load, NativeSolverConfig(), recorder())
    np.testing.assert_allclose(found.force_n, ours.force_n, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(found.displacement_mm, ours.displacement_mm, atol=1e-12)
    for name in load.prescribed:
        np.testing.assert_allclose(
            found.reactions_n[name], ours.reactions_n[name], atol=1e-5 * ours.force_n.max(), err_msg=name
        )
    for told, wanted in ((found.peak, ours.peak), (found.end, ours.end)):
        np.testing.assert_allclose(told.displacement_mm, wanted.displacement_mm, atol=1e-6)
        np.testing.assert_allclose(told.equivalent_stress_mpa, wanted.equivalent_stress_mpa, rtol=1e-4)
        np.testing.assert_array_equal(told.phase > 0, wanted.equivalent_plastic_strain > 1e-9)
    assert found.solver["engine"] == "Ansys Mechanical APDL"
    clears = [n for n, command in enumerate(server.commands) if command.startswith("/CLE")]
    inputs = [n for n, command in enumerate(server.commands) if command.startswith("/INPUT")]
    assert clears[0] < inputs[0]  # the server may hold somebody's model


def test_no_server_is_told_in_a_sentence(tmp_path):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    options = at(port).model_copy(update={"connect_timeout_s": 1})
    with pytest.raises(EngineError, match=f"no Ansys server answers at 127.0.0.1:{port} within 1 s") as caught:
        mapdl(*blob(), options, recorder())
    assert "native-solver" in caught.value.hint


def test_no_installation_is_told_in_a_sentence():
    with pytest.raises(EngineError, match="Ansys could not be started") as caught:
        mapdl(*blob(), ConnectionConfig(connect_timeout_s=1), recorder())
    assert "executable" in caught.value.hint


@pytest.fixture
def kept_in(tmp_path, monkeypatch):
    """Where a session that fails leaves its files."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return lambda: next(tmp_path.glob("culmann-mapdl-*"))


def test_no_licence_is_told_as_such(kept_in):
    def refuses(files):
        raise RuntimeError("ANSYS LICENSE MANAGER ERROR: FlexNet Licensing error:-5,357")

    with standing_in(refuses) as (_, port), pytest.raises(EngineError, match="got no licence") as caught:
        mapdl(*blob(), at(port), recorder())
    assert "FlexNet" in (kept_in() / "output.txt").read_text(encoding="utf-8")
    assert str(kept_in()) in caught.value.hint


def test_a_script_that_ends_early_is_told_and_its_files_are_kept(kept_in):
    said = "*** ERROR *** element 7 has a bad shape"
    with standing_in(lambda _: said) as (_, port), pytest.raises(SolverError, match=r"gave no file curve.csv") as caught:
        mapdl(*blob(), at(port), recorder())
    assert "bad shape" in (kept_in() / "output.txt").read_text(encoding="utf-8")
    assert {"model.cdb", "solve.inp"} <= {path.name for path in kept_in().iterdir()}
    assert str(kept_in()) in caught.value.hint


def test_a_curve_that_ends_early_keeps_what_there_is(tmp_path):
    solve = solving(tmp_path)

    def stops(files):
        told = solve(files)
        files["curve.csv"] = "\n".join(files["curve.csv"].splitlines()[:4]) + "\n"  # two of four increments
        return told

    kept = recorder()
    with standing_in(stops) as (_, port):
        found = mapdl(*blob(), at(port), kept)
    assert len(found.force_n) == 3
    assert {"model.cdb", "solve.inp", "curve.csv", "output.txt"} <= set(kept.attachments)
    assert "2 of 4 increments, to 50 % of the load" in found.stop_reason


def test_nothing_solved_and_nonsense_are_errors(tmp_path):
    solve = solving(tmp_path)
    for text, told in (("", "no equilibrium in the first increment"), ("***** abc", "something else than numbers")):

        def spoils(files, text=text):
            solve(files)
            files["curve.csv"] = text
            return ""

        with standing_in(spoils) as (_, port), pytest.raises(SolverError, match=told):
            mapdl(*blob(), at(port), recorder())


def test_without_pymapdl_it_is_said_what_to_install(monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "ansys.mapdl.core", None)
    with pytest.raises(PluginError, match="PyMAPDL cannot be imported") as caught:
        mapdl(*blob(), ConnectionConfig(), recorder())
    assert "culmann[mapdl]" in caught.value.hint
