"""Where Ansys is: a running server, or a licensed installation on this machine."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field

from culmann_mapdl.options import DeckConfig


class ConnectionConfig(DeckConfig):
    """Options of the solver `mapdl`."""

    host: str | None = Field(None, exclude=True, description="Host of a running server; left out, Ansys is started here.")
    port: int = Field(50052, ge=1, le=65535, exclude=True, description="Port of that server.")
    transport: Literal["insecure", "mtls", "uds", "wnua"] = Field(
        "uds",
        exclude=True,
        description="How the connection is protected: `uds` and `wnua` on this machine, `mtls` with certificates (folder in "
        "ANSYS_GRPC_CERTIFICATES), `insecure` for old servers in a network that you trust.",
    )
    executable: Path | None = Field(
        None, exclude=True, description="Program to start when no host is given; left out, PyMAPDL finds the newest."
    )
    keep_files: bool = Field(
        False, exclude=True, description="Keep model, script and output with the result; after an error they always are."
    )
    processors: int = Field(2, ge=1, exclude=True, description="Processors for Ansys when it is started here.")
    connect_timeout_s: int = Field(45, ge=1, exclude=True, description="How long to wait for a server or for the start.")
