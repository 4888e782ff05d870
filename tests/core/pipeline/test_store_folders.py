"""The store: whole results or none, whatever dies or races."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time

import pytest

from culmann.errors import InputError
from culmann.pipeline import Store
from culmann.pipeline.digests import path_digest
from culmann.pipeline.kept import kept

KEY = "ab" + "0" * 62


def put(store: Store, content: str, **more):
    with store.workplace() as folder:
        (folder / "value").mkdir()
        (folder / "value" / "x.txt").write_text(content)
        return store.keep(KEY, folder, {"step": "s", "warnings": []}, **more)


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path / "store")


def leftovers(store):
    return list((store.folder / "tmp").iterdir())


def test_what_is_kept_is_found(store):
    assert store.find(KEY) is None
    put(store, "one")
    entry = store.find(KEY)
    assert (entry.value_folder("") / "x.txt").read_text() == "one"
    assert entry.folder == store.folder / "ab" / KEY
    assert entry.intact()
    assert leftovers(store) == []


def test_the_first_result_stays_unless_it_is_to_be_replaced(store):
    put(store, "one")
    assert (put(store, "two").value_folder("") / "x.txt").read_text() == "one"
    put(store, "three", replace=True)
    assert (store.find(KEY).value_folder("") / "x.txt").read_text() == "three"
    assert leftovers(store) == []


@pytest.mark.parametrize("damage", ["no manifest", "bad manifest", "other manifest", "file gone", "file cut"])
def test_a_damaged_result_is_none_and_gives_way_to_a_new_one(store, damage):
    home = put(store, "one").folder
    match damage:
        case "no manifest":
            (home / "manifest.json").unlink()
        case "bad manifest":
            (home / "manifest.json").write_text('{"files": ')
        case "other manifest":
            (home / "manifest.json").write_text("[]")
        case "file gone":
            (home / "value" / "x.txt").unlink()
        case "file cut":
            (home / "value" / "x.txt").write_text("on")
    assert store.find(KEY) is None
    put(store, "two")
    assert (store.find(KEY).value_folder("") / "x.txt").read_text() == "two"
    assert leftovers(store) == []


def test_content_that_changed_is_noticed(store):
    entry = put(store, "one")
    (entry.folder / "value" / "x.txt").write_text("eno")
    assert not store.find(KEY).intact()


def test_nothing_stays_when_the_work_fails(store):
    def fail():
        with store.workplace() as folder:
            (folder / "x").write_text("half")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert leftovers(store) == []


def test_git_ignores_the_store(store):
    assert (store.folder / ".gitignore").read_text() == "*\n"


def test_where_the_store_is(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("CULMANN_STORE", raising=False)
    assert Store().folder == tmp_path / ".culmann"
    monkeypatch.setenv("CULMANN_STORE", str(tmp_path / "elsewhere"))
    assert Store().folder == tmp_path / "elsewhere"


def test_a_store_that_cannot_be_made(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match=r"(?s)cannot be made.*--store, or .* CULMANN_STORE"):
        Store(tmp_path / "file" / "store")


def test_folders_of_dead_processes_are_removed_and_those_of_living_ones_stay(store):
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    host = socket.gethostname()
    dead = store.folder / "tmp" / f"{host}-{gone.pid}-abc"
    alive = store.folder / "tmp" / f"{host}-{os.getpid()}-abc"
    other = store.folder / "tmp" / "another-host-1-abc"
    old = store.folder / "tmp" / "another-host-2-abc"
    for folder in (dead, alive, other, old):
        folder.mkdir()
    long_ago = time.time() - 30 * 86400
    os.utime(old, (long_ago, long_ago))
    Store(store.folder)
    assert [folder.exists() for folder in (dead, alive, other, old)] == [False, True, True, False]


def test_a_result_that_is_served_counts_as_used(store):
    manifest = put(store, "one").folder / "manifest.json"
    (only,) = kept(store.folder)
    assert only.key == KEY
    assert only.size_bytes == 3 + manifest.stat().st_size
    long_ago = time.time() - 10 * 86400
    os.utime(manifest, (long_ago, long_ago))
    (store.folder / "ab" / "notes").mkdir()
    (store.folder / "zz").mkdir()
    (store.folder / "zz" / KEY).mkdir()
    assert [round(result.idle_days, 3) for result in kept(store.folder)] == [10]
    store.find(KEY)
    assert [round(result.idle_days, 3) for result in kept(store.folder)] == [0]


WRITER = """
import sys, time
from pathlib import Path
from culmann.pipeline.store import Store
store, mark, key = Store(Path(sys.argv[1])), sys.argv[2], sys.argv[3]
until = time.time() + 1.5
while time.time() < until:
    with store.workplace() as folder:
        (folder / "value").mkdir()
        for n in range(5):
            (folder / "value" / f"{n}.txt").write_text(mark * 2000)
        store.keep(key, folder, {"by": mark}, replace=REPLACE)
    if not REPLACE:
        entry = store.find(key)
        assert {p.read_text() for p in entry.folder.glob("value/*.txt")} == {entry.manifest["by"] * 2000}
print("done")
"""


@pytest.mark.parametrize("replace", [True, False])
def test_two_processes_that_write_the_same_result_leave_one_whole(store, replace):
    writer = WRITER.replace("REPLACE", str(replace))
    writers = [
        subprocess.Popen(
            [sys.executable, "-c", writer, str(store.folder), mark, KEY], stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        for mark in "AB"
    ]
    for writer in writers:
        out, err = writer.communicate(timeout=60)
        assert out.strip() == b"done", err.decode()
    entry = store.find(KEY)
    contents = {path.read_text() for path in entry.folder.glob("value/*.txt")}
    assert contents == {entry.manifest["by"] * 2000}
    assert entry.intact()
    assert leftovers(store) == []


def test_a_killed_writer_leaves_no_result_and_its_folder_goes_away(store):
    code = WRITER.replace("REPLACE", "True").replace("store.keep(", "print('here', flush=True); time.sleep(60); store.keep(")
    writer = subprocess.Popen([sys.executable, "-c", code, str(store.folder), "A", KEY], stdout=subprocess.PIPE)
    assert writer.stdout.readline().strip() == b"here"
    os.kill(writer.pid, signal.SIGKILL)
    writer.wait()
    assert store.find(KEY) is None
    assert len(leftovers(store)) == 1
    Store(store.folder)
    assert leftovers(store) == []


def test_digests_of_files_folders_and_detached_images(tmp_path):
    one, folder = tmp_path / "one.nii", tmp_path / "series"
    one.write_bytes(b"1")
    folder.mkdir()
    (folder / "a.dcm").write_bytes(b"a")
    first = path_digest(folder)
    (folder / ".DS_Store").write_bytes(b"finder")
    assert path_digest(folder) == first
    (folder / "a.dcm").rename(folder / "b.dcm")
    second = path_digest(folder)
    (folder / "c.dcm").write_bytes(b"c")
    assert len({first, second, path_digest(folder), path_digest(one)}) == 4
    header, voxels = tmp_path / "ct.mhd", tmp_path / "voxels of ct.raw"
    voxels = tmp_path / "voxels.bin"
    header.write_text("ObjectType = Image\nElementDataFile = voxels.bin\n")
    voxels.write_bytes(b"123")
    third = path_digest(header)
    voxels.write_bytes(b"124")
    assert path_digest(header) != third
