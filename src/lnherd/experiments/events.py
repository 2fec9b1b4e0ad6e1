"""TensorBoard events of a training: its curve and the figures of its updates. PyTorch is not needed."""

import io
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path

from lnherd.experiments.directory import write_bytes

FIRST_CURVE = 5
"""Columns of ``metrics.csv`` from here on, and exploration, are curves."""
EXPLORATION = 2


def write_events(
    directory: Path,
    columns: Sequence[str],
    rows: Sequence[Sequence[str]],
    losses: Mapping[int, Mapping[str, float]],
) -> None:
    """Add the episodes in ``losses`` (number -> figures) with their ``rows``; nothing without TensorBoard."""
    if not losses or find_spec("tensorboard") is None:
        return
    from tensorboard.compat.proto.event_pb2 import Event
    from tensorboard.compat.proto.summary_pb2 import Summary
    from tensorboard.summary.writer.record_writer import RecordWriter

    # Readers take files in the order of their names: by episode, where TensorBoard's own writer counts seconds.
    file = io.BytesIO()
    writer = RecordWriter(file)
    writer.write(Event(file_version="brain.Event:2").SerializeToString())
    for number, figures in losses.items():
        row = rows[number - 1]
        curve = [(f"episode/{columns[k]}", float(row[k])) for k in (EXPLORATION, *range(FIRST_CURVE, len(columns)))]
        values = [*curve, *((f"update/{name}", value) for name, value in figures.items())]
        summary = Summary(value=[Summary.Value(tag=tag, simple_value=value) for tag, value in values])
        writer.write(Event(step=int(row[0]), wall_time=float(row[4]), summary=summary).SerializeToString())
    write_bytes(directory / f"events.out.tfevents.{min(losses):010d}", file.getvalue())
