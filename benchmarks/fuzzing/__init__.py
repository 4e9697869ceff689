"""What `benchmarks/fuzz.py` and `tests/test_fuzz.py` share: readers with valid files, and ways to damage these.

`readers.py` has the table of readers, `mutators.py` the damages, `watch.py` the process that reads.
"""
