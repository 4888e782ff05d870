"""Pipeline files: read and checked (`read_pipeline`), run (`run`) with every result in a `Store`, opened again (`reopen`)."""

from __future__ import annotations

from culmann.pipeline.graph import Graph, GraphStep, Input, Output
from culmann.pipeline.listener import Listener, Silent
from culmann.pipeline.reading import read_pipeline
from culmann.pipeline.reopen import reopen
from culmann.pipeline.run import Run, run
from culmann.pipeline.store import Store

__all__ = ["Graph", "GraphStep", "Input", "Listener", "Output", "Run", "Silent", "Store", "read_pipeline", "reopen", "run"]
