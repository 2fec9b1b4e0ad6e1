"""Noticing that something is wrong, from what one node sees: change and anomaly detectors over its views."""

from lnherd.anomaly.watch import Alarm, Watch

__all__ = ["Alarm", "Watch"]
