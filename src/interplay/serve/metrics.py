"""`Metrics`: Prometheus' figures of the server."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram


class Metrics:
    """Figures in a registry of their own, so that several applications can live in one process.

    Attributes:
        registry: all of them.
        requests: by path and status.
        seconds: to answer, by path.
        batch: pictures a batch.
        waiting: pictures that wait.
    """

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.requests = Counter(
            "interplay_requests", "Requests by path and status", ["path", "status"], registry=self.registry
        )
        self.seconds = Histogram("interplay_request_seconds", "Time to answer", ["path"], registry=self.registry)
        self.batch = Histogram(
            "interplay_batch_size", "Pictures a batch", buckets=(1, 2, 4, 8, 16, 32), registry=self.registry
        )
        self.waiting = Gauge("interplay_waiting", "Pictures that wait", registry=self.registry)
