"""Archives of models: unpacked where they are what they say, refused where a name or a size is not."""

from __future__ import annotations

import stat
import zipfile
from pathlib import Path

import pytest

from culmann.errors import InputError
from culmann_nnunet import archives
from culmann_nnunet.archives import unpacked


def _zip(path: Path, entries: dict[str, bytes], **attributes: int) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in entries.items():
            entry = zipfile.ZipInfo(name)
            for key, value in attributes.items():
                setattr(entry, key, value)
            archive.writestr(entry, content)
    return path


def test_what_is_in_order_is_unpacked_and_removed(tmp_path: Path) -> None:
    path = _zip(tmp_path / "a.zip", {"model/plans.json": b"{}", "model/fold_0/weights": b"12345"})
    with unpacked(path) as folder:
        assert (folder / "model" / "fold_0" / "weights").read_bytes() == b"12345"
    assert not folder.exists()
    with unpacked(tmp_path) as folder:
        assert folder == tmp_path
    assert tmp_path.exists()


@pytest.mark.parametrize("name", ["../a", "a/../../b", "/etc/a", "c:\\a", "a\\..\\b"])
def test_names_that_lead_out_are_refused(name: str, tmp_path: Path) -> None:
    path = _zip(tmp_path / "a.zip", {"plans.json": b"{}", name: b"x"})
    with pytest.raises(InputError, match="leads out of the archive"), unpacked(path):
        pytest.fail("it was unpacked")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.zip"]


def test_links_and_floods_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    link = _zip(tmp_path / "a.zip", {"weights": b"/etc/passwd"}, external_attr=(stat.S_IFLNK | 0o777) << 16)
    with pytest.raises(InputError, match="is a link"), unpacked(link):
        pytest.fail("it was unpacked")
    monkeypatch.setattr(archives, "MAX_BYTES", 1000)
    with pytest.raises(InputError, match="unpacks to"), unpacked(_zip(tmp_path / "b.zip", {"a": bytes(2000)})):
        pytest.fail("it was unpacked")
    monkeypatch.setattr(archives, "MAX_FILES", 2)
    with pytest.raises(InputError, match="holds 3 files"), unpacked(_zip(tmp_path / "c.zip", dict.fromkeys("abc", b""))):
        pytest.fail("it was unpacked")
    (tmp_path / "d.zip").write_bytes(b"no zip")
    with pytest.raises(InputError, match="no zip file"), unpacked(tmp_path / "d.zip"):
        pytest.fail("it was unpacked")
