"""Forwarding policies against each other: worlds, play, measures, bounds, the standard suite and its reports."""
