"""Measures of a network, gathered by ``network.stats``."""
