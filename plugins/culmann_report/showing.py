"""What page and window have in common: which moment of the loading they show, and from where."""

from __future__ import annotations

import numpy as np

from culmann.data import Fields, Response
from culmann.pipeline import Run
from culmann_report.curve import moment_of
from culmann_report.figures import FiguresConfig
from culmann_report.found import Found


def moment_shown(response: Response, found: Found) -> tuple[Fields, str]:
    """The fields nearest to the failure load, and which moment they are of, in words."""
    main = next(iter(found.strengths.values()), None)
    end = main is not None and moment_of(response, main) == "end"
    u = float(response.displacement_mm[-1] if end else response.displacement_mm[np.argmax(response.force_n)])
    return (response.end if end else response.peak), f"at {'the end of the curve' if end else 'the highest force'}, {u:.3g} mm"


def first_view(run: Run, response: Response) -> list[float]:
    """From where the bone is seen first: as in the pictures that the pipeline asks for, else from its left front and above."""
    views = [step.config.view for step in run.graph.steps.values() if isinstance(step.config, FiguresConfig)]
    towards = np.array(views[0] if views else FiguresConfig.model_validate({}).view, dtype=float)
    return list(map(float, response.mesh.placement.matrix[:3, :3] @ towards))
