"""Whether a NIfTI file is whole: ITK reads one that is cut off without a word and fills what is missing with anything."""

from __future__ import annotations

import gzip
import struct
import zlib
from pathlib import Path
from typing import BinaryIO

import numpy as np

from culmann.errors import InputError

_CHUNK = 1 << 20


def expect_whole(path: Path) -> None:
    """Raise InputError unless a .nii or .nii.gz file holds as many bytes of voxels as its header says."""
    with path.open("rb") as raw:
        packed = raw.read(2) == b"\x1f\x8b"
    try:
        if packed:
            with gzip.open(path) as file:
                needed = _needed_bytes(file.read(540))
                found = _length(file)
        else:
            with path.open("rb") as plain:
                needed = _needed_bytes(plain.read(540))
            found = path.stat().st_size
    except (EOFError, zlib.error, gzip.BadGzipFile) as problem:
        raise _cut_off(path, "the compressed data end too early") from problem
    if found < needed:
        raise _cut_off(path, f"{found} of {needed} bytes are there")


def _cut_off(path: Path, why: str) -> InputError:
    return InputError(f"{path} cannot be read: the file is cut off or damaged ({why})", hint="copy or download it again")


def _length(file: gzip.GzipFile | BinaryIO) -> int:
    file.seek(0)
    length = 0
    while chunk := file.read(_CHUNK):
        length += len(chunk)
    return length


def _needed_bytes(header: bytes) -> int:
    """Bytes of a file with voxels in it, by a NIfTI-1 or NIfTI-2 header of either byte order; 0 for any other."""
    for order in "<>":
        if len(header) >= 348 and struct.unpack_from(order + "i", header, 0)[0] == 348:
            if header[344:347] != b"n+1":
                return 0  # voxels in a file of their own
            dim = struct.unpack_from(order + "8h", header, 40)
            bits, start = (
                int(struct.unpack_from(order + "h", header, 72)[0]),
                int(struct.unpack_from(order + "f", header, 108)[0]),
            )
            break
        if len(header) >= 540 and struct.unpack_from(order + "i", header, 0)[0] == 540:
            dim = struct.unpack_from(order + "8q", header, 16)
            bits, start = (
                int(struct.unpack_from(order + "h", header, 14)[0]),
                int(struct.unpack_from(order + "q", header, 168)[0]),
            )
            break
    else:
        return 0
    voxels = int(np.prod([max(int(n), 1) for n in dim[1 : 1 + dim[0]]], dtype=np.int64))
    return start + voxels * bits // 8
