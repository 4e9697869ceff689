"""One module per command: `configure(parser)` and `run(arguments) -> exit code`; the work is done by the library."""
