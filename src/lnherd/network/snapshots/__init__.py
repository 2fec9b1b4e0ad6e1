"""Files and networks: one reader per format, detected by content."""
