"""The model zoo: packed, listed, used by name, fetched from a server on this machine, refused when changed."""

from __future__ import annotations

import functools
import http.server
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml
from bone_blobs import blob_case
from pydantic import ValidationError
from typer.testing import CliRunner

from culmann import InputError
from culmann.journal import QuietJournal
from culmann_networks.architecture import UnetOptions
from culmann_networks.facts import ModelFacts
from culmann_networks.fetching import fetch
from culmann_networks.model_file import WEIGHTS, open_model, write_model
from culmann_networks.models_command import models
from culmann_networks.packing import pack
from culmann_networks.steps import Unet3dConfig, unet3d
from culmann_networks.unets import build, weights_of
from culmann_networks.zoo import SHIPPED, entries, find_entry

FACTS = ModelFacts(
    architecture="unet3d",
    network=UnetOptions(channels=(4, 8), residual_units=1),
    patch_voxels=(16, 16, 16),
    spacing_mm=(3.0, 3.0, 3.0),
    window_hu=(-1000.0, 1000.0),
    labels={1: "ball", 2: "rod"},
    metrics={"volume": {"epochs": 1, "validation_dice": 0.5, "validation_dice_per_label": {"ball": 0.6, "rod": 0.4}}},
)


@pytest.fixture
def trained(tmp_path: Path) -> Path:
    torch.manual_seed(0)
    write_model(tmp_path / "trained", weights_of({"volume": build("unet3d", FACTS.network, 3)}), FACTS)
    return tmp_path / "trained"


@pytest.fixture
def zoo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder of models of the user."""
    monkeypatch.setenv("CULMANN_MODELS", str(tmp_path / "models"))
    return tmp_path / "models"


@dataclass
class Server:
    folder: Path
    url: str
    asked: list[str]


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    folder = tmp_path / "served"
    folder.mkdir()
    asked: list[str] = []

    class Handler(http.server.SimpleHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            if self.path == "/away":
                self.send_response(302)
                self.send_header("Location", "http://example.org/weights.safetensors")
                self.end_headers()
                return
            super().do_GET()

        def log_message(self, *args: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Handler, directory=str(folder))) as running:
        threading.Thread(target=running.serve_forever, daemon=True).start()
        yield Server(folder, f"http://127.0.0.1:{running.server_port}", asked)
        running.shutdown()


def packed(trained: Path, zoo: Path, **options: object) -> None:
    pack(trained, zoo / "blobs", about="Balls and rods", licence="CC0-1.0", **options)


def to_fetch(trained: Path, zoo: Path, server: Server, path: str = "/w.safetensors") -> Path:
    """A model whose weights lie on the server only."""
    packed(trained, zoo, url=server.url + path)
    here = zoo / "blobs" / WEIGHTS
    here.rename(server.folder / "w.safetensors")
    return here


def test_every_model_that_ships_is_as_pinned_with_a_card() -> None:
    for entry in entries().values():
        if entry.ships:
            assert entry.state() in {"ships", "to fetch"}
            assert "# " in entry.card()
            if entry.state() == "ships":
                model = open_model(entry.here(), entry.sha256)
                assert model.facts.architecture == entry.facts.architecture
                assert model.facts.labels == entry.facts.labels
    assert SHIPPED.name == "zoo"


def test_packed_model_is_used_by_its_name_and_pinned_by_its_entry(trained: Path, zoo: Path) -> None:
    packed(trained, zoo)
    scan, _ = blob_case(1, size=24)
    config = Unet3dConfig(zoo="blobs", when_empty="warn")
    assert config.sha256 == open_model(trained).sha256
    journal = QuietJournal()
    by_name = unet3d(scan, config, journal)
    assert not any("not pinned" in text for text in journal.warnings)
    by_path = unet3d(scan, Unet3dConfig(model=trained, sha256=config.sha256, when_empty="warn"), QuietJournal())
    assert np.array_equal(by_name.label, by_path.label)
    card = find_entry("blobs").card()
    assert "CC0-1.0" in card
    assert "ball 0.600" in card


def test_half_precision_halves_the_file(trained: Path, zoo: Path) -> None:
    packed(trained, zoo, half=True)
    small, large = find_entry("blobs").here(), trained / WEIGHTS
    assert small.stat().st_size < 0.7 * large.stat().st_size
    scan, _ = blob_case(1, size=24)
    unet3d(scan, Unet3dConfig(zoo="blobs", when_empty="warn"), QuietJournal())


def test_unknown_name_is_told_when_the_options_are_checked(trained: Path, zoo: Path) -> None:
    packed(trained, zoo)
    with pytest.raises(ValidationError, match="the model zoo has no 'blob'; did you mean 'blobs'"):
        Unet3dConfig(zoo="blob")


def test_changed_weights_of_the_zoo_are_refused(trained: Path, zoo: Path) -> None:
    packed(trained, zoo)
    config = Unet3dConfig(zoo="blobs")
    path = find_entry("blobs").here()
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    assert find_entry("blobs").state() == "CHANGED"
    with pytest.raises(InputError, match="is not the file that was pinned"):
        unet3d(blob_case(1, size=24)[0], config, QuietJournal())
    done = CliRunner().invoke(models, ["verify"])
    assert isinstance(done.exception, InputError)
    assert "not as pinned: blobs" in str(done.exception)


def test_fetch(trained: Path, zoo: Path, server: Server) -> None:
    here = to_fetch(trained, zoo, server)
    assert find_entry("blobs").state() == "to fetch"
    with pytest.raises(InputError, match="not on this machine"):
        unet3d(blob_case(1, size=24)[0], Unet3dConfig(zoo="blobs"), QuietJournal())
    assert server.asked == []  # no step ever fetches by itself
    seen: list[int] = []
    assert fetch(find_entry("blobs"), lambda done, _: seen.append(done)) == here
    assert seen[-1] == here.stat().st_size
    assert find_entry("blobs").state() == "here"
    fetch(find_entry("blobs"))
    assert server.asked == ["/w.safetensors"]


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda content: content + b"x", "sends more than"),
        (lambda content: content[:-5], "bytes with the SHA-256"),
        (lambda content: content[:-1] + bytes([content[-1] ^ 1]), "bytes with the SHA-256"),
    ],
)
def test_fetched_file_that_is_not_the_pinned_one_is_thrown_away(
    trained: Path, zoo: Path, server: Server, damage: object, message: str
) -> None:
    here = to_fetch(trained, zoo, server)
    served = server.folder / "w.safetensors"
    served.write_bytes(damage(served.read_bytes()))
    with pytest.raises(InputError, match=message):
        fetch(find_entry("blobs"))
    assert [path.name for path in here.parent.iterdir() if "safetensors" in path.name] == []


def test_server_that_has_nothing_or_is_not_there(trained: Path, zoo: Path, server: Server) -> None:
    to_fetch(trained, zoo, server, "/nothing")
    with pytest.raises(InputError, match="cannot be fetched: File not found"):
        fetch(find_entry("blobs"))
    entry = zoo / "blobs" / "entry.yaml"
    entry.write_text(entry.read_text().replace(server.url, "http://127.0.0.1:9"))
    with pytest.raises(InputError, match="cannot be fetched"):
        fetch(find_entry("blobs"))


@pytest.mark.parametrize("url", ["http://example.org/w", "file:///etc/passwd", "ftp://example.org/w"])
def test_only_https(trained: Path, zoo: Path, url: str) -> None:
    packed(trained, zoo, url=url)
    (zoo / "blobs" / WEIGHTS).unlink()
    with pytest.raises(InputError, match="no https address"):
        fetch(find_entry("blobs"))


def test_redirection_away_from_https_is_not_followed(trained: Path, zoo: Path, server: Server) -> None:
    to_fetch(trained, zoo, server, "/away")
    with pytest.raises(InputError, match=r"http://example.org/weights.safetensors is no https address"):
        fetch(find_entry("blobs"))


def test_commands(trained: Path, zoo: Path, server: Server) -> None:
    run = CliRunner().invoke
    assert "no model yet" in run(models, ["list"]).output or "blobs" not in run(models, ["list"]).output
    made = run(models, ["pack", str(trained), "--name", "blobs", "--about", "Balls", "--licence", "CC0-1.0"])
    assert made.exit_code == 0, made.output
    assert "blobs" in run(models, ["list"]).output
    shown = run(models, ["show", "blobs"]).output
    assert "bone: {use: unet3d, with: {zoo: blobs}}" in shown
    assert "validation Dice 0.500" in shown
    assert run(models, ["card", "blobs"]).output.startswith("# blobs")
    assert "blobs: as pinned" in run(models, ["verify", "blobs"]).output
    again = run(models, ["pack", str(trained), "--name", "blobs", "--about", "Balls", "--licence", "CC0-1.0"])
    assert "there is a" in str(again.exception)
    wrong = run(models, ["pack", str(trained), "--name", "My Model", "--about", "Balls", "--licence", "CC0-1.0"])
    assert "cannot be the name" in str(wrong.exception)


def test_step_without_torch_says_what_to_install() -> None:
    script = """
import importlib.util
found = importlib.util.find_spec
importlib.util.find_spec = lambda name, *rest: None if name == "torch" else found(name, *rest)
from culmann.errors import PluginError
from culmann.plugins import load_catalogue, load_target
try:
    load_target(load_catalogue().offers["unet3d"])
except PluginError as problem:
    print(problem)
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "step 'unet3d' needs torch: pip install 'culmann[networks]'"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"sha256": "abc"}, "sha256"),
        ({"name": "other"}, "calls the model 'other'"),
        ({"pickle": True}, "pickle"),
    ],
)
def test_wrong_entry_is_told(trained: Path, zoo: Path, change: dict[str, object], message: str) -> None:
    packed(trained, zoo)
    entry = zoo / "blobs" / "entry.yaml"
    entry.write_text(yaml.safe_dump({**yaml.safe_load(entry.read_text()), **change}))
    with pytest.raises(InputError, match=message):
        entries()


def test_file_that_is_no_model(tmp_path: Path, trained: Path) -> None:
    file = tmp_path / "weights.safetensors"
    whole = (trained / WEIGHTS).read_bytes()
    for content, message in (
        (b"PK\x03\x04 a pickle of torch", "is no safetensors file"),
        (b"", "is no safetensors file"),
        (whole[: len(whole) // 2], "cut off"),
        (whole + b"0", "longer than its header"),
    ):
        file.write_bytes(content)
        with pytest.raises(InputError, match=message):
            open_model(file)
    from safetensors.numpy import save_file

    save_file({"a": np.zeros(3)}, file)
    with pytest.raises(InputError, match="without a description"):
        open_model(file)
    with pytest.raises(InputError, match="there is no model"):
        open_model(tmp_path / "nowhere")


def test_edited_copy_of_the_facts_is_told(trained: Path) -> None:
    copy = trained / "model.json"
    copy.write_text(copy.read_text().replace("rod", "stick"))
    with pytest.raises(InputError, match="only a readable copy"):
        open_model(trained)
