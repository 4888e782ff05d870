"""Pipeline files: read and checked (`read_pipeline`), run (`run`), with every result kept in a `Store`."""

from __future__ import annotations

from culmann.pipeline.graph import Graph, GraphStep, Input, Output
from culmann.pipeline.listener import Listener, Silent
from culmann.pipeline.reading import read_pipeline
from culmann.pipeline.run import Run, run
from culmann.pipeline.store import Store

__all__ = ["Graph", "GraphStep", "Input", "Listener", "Output", "Run", "Silent", "Store", "read_pipeline", "run"]
