"""Other code bases' files -> interplay's own: one module per kind of file."""
