"""A stand-in for Ansys: a gRPC server that speaks ansys-api-mapdl, records every command and keeps uploaded files.

It is no Ansys. When a script is run it calls a function of the test, which may look at the files and write others.
"""

# ruff: noqa: N802, ARG002, TID253  (names and arguments are those of the protocol; only tests of Ansys import this)
from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import grpc
from ansys.api.mapdl.v0 import ansys_kernel_pb2 as kernel
from ansys.api.mapdl.v0 import mapdl_pb2 as messages
from ansys.api.mapdl.v0 import mapdl_pb2_grpc as services

Files = dict[str, str]


@dataclass
class StandIn(services.MapdlServiceServicer):
    """What was said to the server, and the files on it."""

    solve: Callable[[Files], str]
    commands: list[str] = field(default_factory=list)
    files: Files = field(default_factory=dict)
    parameters: dict[str, str] = field(default_factory=dict)

    def SendCommand(self, request: Any, context: Any) -> Any:
        self.commands.append(request.command)
        if found := re.fullmatch(r"(\w+)\s*=\s*'?(.*?)'?", request.command):
            self.parameters[found[1].upper()] = found[2]
        if found := re.fullmatch(r"/SYS,ls > (\S+)", request.command):
            self.files[found[1]] = "\n".join(self.files)
        if found := re.match(r"/DELETE,(\S+?),", request.command):
            self.files.pop(found[1], None)
        where = "  DIRECTORY = /stand-in" if request.command.startswith("/INQ") else ""
        return messages.CmdResponse(response=where, status=0)

    def SendCommandS(self, request: Any, context: Any) -> Iterator[Any]:
        self.commands.append(request.command)
        yield messages.CmdOutput(cmdout=[""])

    def InputFileS(self, request: Any, context: Any) -> Iterator[Any]:
        self.commands.append(f"/INPUT,{request.filename}")
        yield messages.CmdOutput(cmdout=[self._input(request.filename)])

    def InputFile(self, request: Any, context: Any) -> Iterator[Any]:
        self.commands.append(f"/INPUT,{request.filename}")
        yield kernel.Chunk(payload=self._input(request.filename).encode())

    def _input(self, name: str) -> str:
        """Run a file. The client wraps a script in another one that sends its output to a file and reads the script."""
        text = self.files.get(name.rpartition("/")[2], "")
        output = re.search(r"^/OUT(?:PUT)?,\s*'?([\w.]+)", text, re.MULTILINE)
        if "solve.inp" in text:
            told = self.solve(self.files)
            if output:
                name, dot, ending = output[1].partition(".")
                self.files[f"{name}{dot or '.'}{ending or 'out'}"] = told
            return told
        return ""

    def Ctrl(self, request: Any, context: Any) -> Any:
        self.commands.append(f"Ctrl {request.ctrl}")
        answers = {"VERSION": "0.6.0"}
        return kernel.CtrlResponse(response=answers.get(request.ctrl.upper(), ""), status=0)

    def GetParameter(self, request: Any, context: Any) -> Any:
        return messages.ParameterResponse(sval=self.parameters.get(request.name.upper(), ""), type=3)

    def Get(self, request: Any, context: Any) -> Any:
        self.commands.append(request.getcmd)
        if "platform" in request.getcmd.lower():
            return messages.GetResponse(sval="LIN X6", type=2)
        return messages.GetResponse(dval=0.0, type=1)

    def UploadFile(self, chunks: Iterator[Any], context: Any) -> Any:
        name, content = "", b""
        for part in chunks:
            name = part.file_name or name
            content += part.chunk.payload
        self.files[name] = content.decode("ascii")
        return messages.UploadFileReply(length=len(content))

    def DownloadFile(self, request: Any, context: Any) -> Iterator[Any]:
        if request.name in self.files:
            yield kernel.Chunk(payload=self.files[request.name].encode())


@contextmanager
def standing_in(solve: Callable[[Files], str]) -> Iterator[tuple[StandIn, int]]:
    """(the server, its port)."""
    stand_in = StandIn(solve)
    server = grpc.server(ThreadPoolExecutor(max_workers=4))
    services.add_MapdlServiceServicer_to_server(stand_in, server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    try:
        yield stand_in, port
    finally:
        server.stop(None).wait()
