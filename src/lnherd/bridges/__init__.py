"""Where the simulator meets the outside: wallets and services over a :class:`~lnherd.engine.Simulation`."""
