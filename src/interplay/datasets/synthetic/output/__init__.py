"""Writing generated data sets to disk and reading them back."""

from .benchmark import BENCHMARKS, Benchmark
from .generated import GeneratedDataset, GeneratedSample
from .synthesize import Settings, synthesize

__all__ = ["BENCHMARKS", "Benchmark", "GeneratedDataset", "GeneratedSample", "Settings", "synthesize"]
