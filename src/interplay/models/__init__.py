"""The systems, one file or folder each."""
