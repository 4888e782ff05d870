"""What the tests of the command line share."""

from __future__ import annotations

from pathlib import Path

import pytest
from program import PLUGIN, YAML, Program


@pytest.fixture
def culmann(tmp_path: Path, block_of_bone: Path) -> Program:
    (tmp_path / "word.py").write_text(PLUGIN)
    for use in ("greet", "linger", "stop", "diverge", "crash", "read", "gret"):
        (tmp_path / f"{use}.yaml").write_text(YAML.format(labels=block_of_bone / "labels.nii.gz", use=use))
    return Program(tmp_path)
