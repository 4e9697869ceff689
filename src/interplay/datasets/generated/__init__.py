"""Reading data sets of the generated world (`interplay.world` writes them)."""

from .benchmark import BENCHMARKS, Benchmark
from .dataset import GeneratedDataset, GeneratedSample
from .settings import Settings

__all__ = ["BENCHMARKS", "Benchmark", "GeneratedDataset", "GeneratedSample", "Settings"]
