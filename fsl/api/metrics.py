"""Counts of requests, times and batches, in the text format of Prometheus."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping

from prometheus_client import CollectorRegistry, ProcessCollector, generate_latest
from prometheus_client import Counter as CounterMetric
from prometheus_client import Histogram as HistogramMetric
from prometheus_client.core import GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector
from starlette.types import ASGIApp, Message, Receive, Scope, Send

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0)
_IMAGES = (1, 2, 4, 8, 16, 32, 64)
_NOT_A_ROUTE = "other"


class _Observed(Collector):
    """Values that are looked up when somebody asks for the metrics."""

    def __init__(
        self, gauges: Mapping[str, tuple[str, Callable[[], float]]], sizes: Callable[[], Counter[int]]
    ):
        self._gauges = gauges
        self._sizes = sizes

    def collect(self) -> Iterator[Metric]:
        for name, (about, value) in self._gauges.items():
            yield GaugeMetricFamily(name, about, value=value())
        sizes = self._sizes().copy()
        up_to = [(str(most), float(sum(n for size, n in sizes.items() if size <= most))) for most in _IMAGES]
        yield HistogramMetricFamily(
            "fsl_pass_images",
            "Pictures in each forward pass of the network.",
            buckets=[*up_to, ("+Inf", float(sizes.total()))],
            sum_value=float(sum(size * n for size, n in sizes.items())),
        )


class Metrics:
    """The metrics of one API.

    Args:
        gauges: by name, what it is and a function that returns its value now.
        sizes: returns the number of forward passes by their number of images.
    """

    def __init__(
        self, gauges: Mapping[str, tuple[str, Callable[[], float]]], sizes: Callable[[], Counter[int]]
    ) -> None:
        self._registry = CollectorRegistry()
        self._requests = CounterMetric(
            "fsl_api_requests", "Requests answered.", ("route", "status"), registry=self._registry
        )
        self._seconds = HistogramMetric(
            "fsl_api_request_seconds",
            "Time from the head of a request to the end of its answer.",
            ("route",),
            buckets=_SECONDS,
            registry=self._registry,
        )
        ProcessCollector(registry=self._registry)
        self._registry.register(_Observed(gauges, sizes))

    def note(self, route: str, status: int, seconds: float) -> None:
        """Count one request."""
        self._requests.labels(route, str(status)).inc()
        self._seconds.labels(route).observe(seconds)

    def text(self) -> bytes:
        """Return all metrics in Prometheus's text format; their type is ``CONTENT_TYPE``."""
        return generate_latest(self._registry)


class Measured:
    """ASGI middleware that counts each request under the route that it reached."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self._app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, and count it."""
        began, status = time.perf_counter(), 0

        async def noting(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, noting)
        finally:
            if scope["type"] == "http" and status:
                route = getattr(scope.get("endpoint"), "route", _NOT_A_ROUTE)
                self._metrics.note(route, status, time.perf_counter() - began)
