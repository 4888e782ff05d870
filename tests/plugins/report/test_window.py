"""`culmann view`: the window as a picture, without a screen."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from culmann.cli.app import app
from culmann.pipeline import Run

pytest.importorskip("pyvista")


def view(*arguments: object) -> tuple[int, str]:
    done = CliRunner().invoke(app, ["view", *map(str, arguments)])
    return done.exit_code, done.output


def pixels(path: Path) -> np.ndarray:
    return np.asarray(Image.open(path).convert("RGB"), dtype=int)


def test_pictures_show_the_bone_in_the_colours_that_were_asked_for(vertebra_run: Run, tmp_path: Path) -> None:
    seen = {}
    for field in ("strain", "phase"):
        file = tmp_path / f"{field}.png"
        code, said = view(vertebra_run.out, "--colour", field, "--screenshot", file)
        assert code == 0, said
        assert str(file) in said
        seen[field] = pixels(file)
        assert seen[field].shape == (1000, 1400, 3)
        assert 0.05 < (seen[field].min(axis=2) < 240).mean() < 0.7
    assert (np.abs(seen["strain"] - seen["phase"]).max(axis=2) > 40).mean() > 0.03
    code, _ = view(vertebra_run.out, "--no-nodes", "--screenshot", tmp_path / "bare.png")
    assert code == 0
    assert (np.abs(pixels(tmp_path / "bare.png") - seen["strain"]).max(axis=2) > 40).mean() > 0.002


def test_what_cannot_be_shown_is_said(
    vertebra_run: Run, levels_run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    for arguments, told in (
        ([vertebra_run.out], "there is no screen here"),
        ([tmp_path], "is no run folder"),
        ([vertebra_run.out, "--screenshot", tmp_path / "a.jpg"], "does not end in .png"),
        ([vertebra_run.out, "--screenshot", tmp_path / "none" / "a.png"], "there is no folder"),
        ([vertebra_run.out, "--variant", "left"], "has no variants"),
        ([levels_run.out, "--variant", "L9"], "has no variant 'L9'"),
    ):
        code, said = view(*arguments)
        assert code != 0
        assert told in said
        assert "Traceback" not in said
