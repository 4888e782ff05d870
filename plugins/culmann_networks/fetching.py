"""Weights from where an entry says they are: the only place in culmann that opens a network connection."""

from __future__ import annotations

import hashlib
import ssl
import urllib.error
import urllib.request
from collections.abc import Callable
from http.client import HTTPException, HTTPMessage
from pathlib import Path
from typing import IO
from urllib.parse import urlsplit

from culmann.errors import InputError
from culmann_networks.model_file import open_model
from culmann_networks.zoo import Entry

_CHUNK = 1 << 20
_TIMEOUT_S = 30.0
#: Plain http is for a server on this machine only.
_THIS_MACHINE = {"127.0.0.1", "localhost", "::1"}


def fetch(entry: Entry, progress: Callable[[int, int], None] = lambda _, __: None) -> Path:
    """Get the weights of a model, check them, and put them into the user's folder of models; gives their path.

    Nothing is fetched when they are here already and are those that are pinned. No more bytes are taken than the entry says;
    a file with another SHA-256 is thrown away. The file appears whole or not at all.

    Raises
    ------
    InputError
        When there is nowhere to fetch them from, the server or the network fails, or what comes is not what was pinned.
    """
    if entry.state() in {"ships", "here"}:
        return entry.here()
    url = entry.facts.url
    if url is None:
        raise InputError(f"the entry of {entry.name!r} does not say where its weights are", hint="copy them beside the entry")
    _expect_safe(url)
    target = entry.fetched_to
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(f".{target.name}.part")
    try:
        _download(url, part, entry.facts.size_bytes, entry.sha256, progress)
        open_model(part, entry.sha256)
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)
    return target


def _download(url: str, part: Path, size: int, sha256: str, progress: Callable[[int, int], None]) -> None:
    opener = urllib.request.build_opener(_OnlySafe, urllib.request.HTTPSHandler(context=ssl.create_default_context()))
    digest, taken = hashlib.sha256(), 0
    try:
        with opener.open(url, timeout=_TIMEOUT_S) as answer, part.open("wb") as file:
            while chunk := answer.read(_CHUNK):
                taken += len(chunk)
                if taken > size:
                    raise InputError(f"{url} sends more than the {size} bytes that the entry says", hint="nothing was kept")
                digest.update(chunk)
                file.write(chunk)
                progress(taken, size)
    except (urllib.error.URLError, HTTPException, TimeoutError, ConnectionError) as problem:
        raise InputError(
            f"{url} cannot be fetched: {getattr(problem, 'reason', problem)}",
            hint="is there a network, and is the address still right? Weights may also be copied by hand into the folder "
            "that `culmann models show` names",
        ) from problem
    if taken != size or digest.hexdigest() != sha256:
        raise InputError(
            f"{url} sent {taken} bytes with the SHA-256 {digest.hexdigest()}; {size} bytes with {sha256} are wanted",
            hint="nothing was kept: the file there was exchanged or the transfer was cut off; try again, or ask its authors",
        )


def _expect_safe(url: str) -> None:
    parts = urlsplit(url)
    if parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in _THIS_MACHINE):
        return
    raise InputError(f"{url} is no https address", hint="weights are fetched over https only")


class _OnlySafe(urllib.request.HTTPRedirectHandler):
    """Does not follow a redirection away from https."""

    def redirect_request(
        self, req: urllib.request.Request, fp: IO[bytes], code: int, msg: str, headers: HTTPMessage, newurl: str
    ) -> urllib.request.Request | None:
        """Check where it leads first."""
        _expect_safe(newurl)
        return super().redirect_request(req, fp, code, msg, headers, newurl)
