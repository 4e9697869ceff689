"""One guarded door for every kind of file: JSON, JSON Lines, YAML, text, pickles, MATLAB, numpy, Parquet, zip.

Whatever is in a file, a door returns its content or raises one `InputError` that names the file, the place and the
reason. Sizes, depths and numbers are checked before use, nothing that a file brings along is run, and parsers that
can crash do so in a process of their own.
"""
