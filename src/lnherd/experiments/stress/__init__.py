"""The stress suite: policies through shocks, each run beside the same run without."""
