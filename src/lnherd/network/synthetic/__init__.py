"""Drawing networks that look like mainnet: topology, capacities, policies, the dead part; see ``network.generate``."""
