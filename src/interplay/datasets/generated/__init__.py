"""Reading data sets of the generated world (`interplay.world` writes them)."""

from .benchmark import BENCHMARKS, Benchmark
from .dataset import GeneratedDataset, GeneratedSample

__all__ = ["BENCHMARKS", "Benchmark", "GeneratedDataset", "GeneratedSample"]
