"""lnherd: breed, test and deploy agents that herd Lightning channels for the L402 machine economy."""

__version__ = "0.1.0"
