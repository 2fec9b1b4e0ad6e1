"""The engine's semantics in plain Python: objects, dicts and a heap instead of kernels over record arrays.

A twin for readers, who find here what the engine does without how it is made fast, and for tests, which hold
the engine to it event for event. It shares with the engine its vocabulary (``engine.codes``), its
configuration and the fee formula; the rest is written a second time, and asserts its own laws as it goes.
"""

from lnherd.reference.simulation import Happening, ReferenceSimulation

__all__ = ["Happening", "ReferenceSimulation"]
