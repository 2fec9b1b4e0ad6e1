"""Quantile-quantile plots: theory to the right, measurement upwards, the diagonal where they agree.

Where values repeat, the area of a point says how often.
"""

from pathlib import Path

import matplotlib
import numpy as np
from matplotlib.axes import Axes

from laws.checks import Findings, Panel

matplotlib.use("Agg")
COLUMNS, SIDE_INCHES = 4, 3.6
MOST_POINTS = 2_000


def save(findings: Findings, directory: Path) -> Path:
    """Draw the panels of one family into ``verify-NAME.png``."""
    from matplotlib.figure import Figure

    columns = min(COLUMNS, len(findings.panels))
    lines = -(-len(findings.panels) // columns)
    figure = Figure(figsize=(columns * SIDE_INCHES, lines * SIDE_INCHES + 0.2), layout="constrained")
    axes = np.atleast_1d(figure.subplots(lines, columns)).ravel()
    for axis, panel in zip(axes, findings.panels, strict=False):
        _draw(axis, panel)
    for axis in axes[len(findings.panels) :]:
        axis.set_visible(False)
    directory.mkdir(parents=True, exist_ok=True)
    path = directory / f"verify-{findings.name}.png"
    figure.savefig(path, dpi=110, metadata={"Software": None})
    return path


def _draw(axis: Axes, panel: Panel) -> None:
    index = np.unique(np.linspace(0, len(panel.theory) - 1, MOST_POINTS).astype(int))
    points, often = np.unique(
        np.stack([panel.theory[index], panel.measured[index]], axis=1), axis=0, return_counts=True
    )
    low, high = float(points.min()), float(points.max())
    axis.plot([low, high], [low, high], color="#8a8a84", linewidth=1)
    axis.scatter(*points.T, s=4 + 400 * (often - 1) / len(index), color="#1f6f8b", alpha=0.8, linewidth=0)
    axis.set_title(panel.title, fontsize=8)
    axis.set_xlabel(f"theory, {panel.unit}", fontsize=8)
    axis.set_ylabel(f"simulation, {panel.unit}", fontsize=8)
    axis.tick_params(labelsize=8)
    axis.set_aspect("equal", adjustable="datalim")
