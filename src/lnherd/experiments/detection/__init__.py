"""How well the watch notices: calm weeks and the stress suite, looked at every minute."""
