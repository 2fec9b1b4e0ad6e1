"""Closed forms that the simulator is held to; ``verification/theory.py`` runs them all."""
