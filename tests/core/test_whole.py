"""What is written appears whole or not at all, and never in the place of something else."""

from __future__ import annotations

from pathlib import Path

import pytest

from culmann.errors import InputError
from culmann.whole import expect_free, in_one_step, new_file, new_folder


def test_a_file_is_the_old_one_until_it_is_the_new_one(tmp_path: Path) -> None:
    path = tmp_path / "table.nii.gz"
    for text in ("one", "two"):
        with in_one_step(path) as part:
            assert part.name.endswith("table.nii.gz")  # writers look at the ending
            part.write_text(text)
            assert not path.exists() or path.read_text() == "one"
    assert path.read_text() == "two"

    def fail() -> None:
        with in_one_step(path) as part:
            part.write_text("half")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert path.read_text() == "two"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("make", [new_folder, new_file])
def test_what_is_new_appears_in_the_end(tmp_path: Path, make) -> None:
    out = tmp_path / "deep" / "out"
    with make(out) as part:
        (part / "inside" if make is new_folder else part).write_text("here")
        assert not out.exists()
    assert (out / "inside" if make is new_folder else out).read_text() == "here"
    assert list(out.parent.iterdir()) == [out]
    with (
        pytest.raises(InputError, match="is there already" if make is new_folder else "is a folder|is there already"),
        make(out),
    ):
        pytest.fail("there is something in its place")


@pytest.mark.parametrize("make", [new_folder, new_file])
def test_after_an_error_nothing_is_left(tmp_path: Path, make) -> None:
    def fail() -> None:
        with make(tmp_path / "out") as part:
            (part / "inside" if make is new_folder else part).write_text("half")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(InputError, match="cannot be written: No space"), make(tmp_path / "out"):
        raise OSError(28, "No space left on device")
    assert list(tmp_path.iterdir()) == []


def test_an_empty_folder_may_be_in_the_place_of_a_folder(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with new_folder(tmp_path / "empty") as part:
        (part / "inside").touch()
    assert (tmp_path / "empty" / "inside").exists()
    with pytest.raises(InputError, match="already and not empty"):
        expect_free(tmp_path / "empty")
    with pytest.raises(InputError, match="is a folder, and a file is to be written"), new_file(tmp_path / "empty"):
        pytest.fail("a file has no place there")


def test_a_link_to_nothing_is_something(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "nowhere")
    with pytest.raises(InputError, match="is there already"):
        expect_free(tmp_path / "link")
