"""Numbers of a server, as Prometheus reads them.

Steps come by the thousand a second, so they are counted a tick at a time, in NumPy.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike, NDArray
from prometheus_client import CollectorRegistry, GCCollector, ProcessCollector, generate_latest
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector

SATURATED = 0.9
"""|h| above is saturated, as in the measures of `gruta.health`."""

SECONDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)
SIZES = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096)


class Counted:
    """How many values lie up to each bound, and their sum."""

    def __init__(self, bounds: Sequence[float]) -> None:
        self._bounds = np.asarray(bounds, np.float64)
        self._counts = np.zeros(len(bounds) + 1, np.int64)
        self._sum = 0.0

    def add(self, values: ArrayLike) -> None:
        """Count them."""
        found = np.atleast_1d(np.asarray(values, np.float64))
        places = np.searchsorted(self._bounds, found)
        self._counts += np.bincount(places, minlength=len(self._counts))
        self._sum += float(found.sum())

    @property
    def count(self) -> int:
        """How many were counted."""
        return int(self._counts.sum())

    def into(self, family: HistogramMetricFamily, label: str) -> None:
        """As Prometheus has it."""
        bounds = [*map(str, self._bounds.tolist()), "+Inf"]
        buckets = list(zip(bounds, self._counts.cumsum().tolist(), strict=True))
        family.add_metric([label], buckets, self._sum)


@dataclass
class OfModel:
    """Of one model, whatever weights it has by now.

    norm, saturation: of each layer's h, the mean over streams that took a step lately.
    """

    begun: int = 0
    steps: int = 0
    latency: Counted = field(default_factory=lambda: Counted(SECONDS))
    tick: Counted = field(default_factory=lambda: Counted(SECONDS))
    batch: Counted = field(default_factory=lambda: Counted(SIZES))
    predict: Counted = field(default_factory=lambda: Counted(SECONDS))
    answered: Counter[str] = field(default_factory=Counter)
    closed: Counter[str] = field(default_factory=Counter)
    loaded: Counter[str] = field(default_factory=Counter)
    open: int = 0
    waiting: int = 0
    norm: NDArray[np.float64] = field(default_factory=lambda: np.zeros(0))
    saturation: NDArray[np.float64] = field(default_factory=lambda: np.zeros(0))

    def see(self, hidden: NDArray[np.float32]) -> None:
        """h `[S, L, H]` of some streams."""
        self.norm = np.sqrt(np.square(hidden, dtype=np.float64).sum(-1)).mean(0)
        self.saturation = (np.abs(hidden) > SATURATED).mean((0, 2))


class Metrics(Collector):
    """Of all models, by name, and of the process."""

    def __init__(self, names: Iterable[str]) -> None:
        self.of = {name: OfModel() for name in names}
        self.refused: Counter[str] = Counter()
        self._registry = CollectorRegistry()
        self._registry.register(self)
        ProcessCollector(registry=self._registry)
        GCCollector(registry=self._registry)

    def text(self) -> bytes:
        """What is there by now."""
        found: bytes = generate_latest(self._registry)
        return found

    def collect(self) -> Iterable[Metric]:
        """Each family of numbers."""
        yield self._gauge("streams", "Streams that are open", "open")
        yield self._gauge("queue", "Steps that wait to be computed", "waiting")
        yield self._counter("streams_begun", "Streams that were begun or resumed", "begun")
        yield self._counter("steps", "Steps that were answered", "steps")
        yield self._histogram("step_seconds", "From a step's arrival to its answer", "latency")
        yield self._histogram("tick_seconds", "Of one batched call", "tick")
        yield self._histogram("batch_size", "Streams of one batched call", "batch")
        yield self._histogram("predict_seconds", "Of one question over HTTP", "predict")
        yield self._by("predictions", "Questions over HTTP", "answered", "status")
        yield self._by("streams_closed", "Streams that ended", "closed", "reason")
        yield self._by("loads", "Model files that were looked at anew", "loaded", "result")
        yield self._of_layers("h_norm", "Norm of h: the mean over streams", "norm")
        yield self._of_layers("h_saturation", "Share of |h| above 0.9", "saturation")
        refused = CounterMetricFamily("gruta_refused", "Turned away", labels=["reason"])
        for reason, count in self.refused.items():
            refused.add_metric([reason], count)
        yield refused

    def _gauge(self, name: str, told: str, field: str) -> Metric:
        found = GaugeMetricFamily(f"gruta_{name}", told, labels=["model"])
        for model, own in self.of.items():
            found.add_metric([model], getattr(own, field))
        return found

    def _counter(self, name: str, told: str, field: str) -> Metric:
        found = CounterMetricFamily(f"gruta_{name}", told, labels=["model"])
        for model, own in self.of.items():
            found.add_metric([model], getattr(own, field))
        return found

    def _by(self, name: str, told: str, field: str, label: str) -> Metric:
        found = CounterMetricFamily(f"gruta_{name}", told, labels=["model", label])
        for model, own in self.of.items():
            for value, count in getattr(own, field).items():
                found.add_metric([model, value], count)
        return found

    def _histogram(self, name: str, told: str, field: str) -> Metric:
        found = HistogramMetricFamily(f"gruta_{name}", told, labels=["model"])
        for model, own in self.of.items():
            getattr(own, field).into(found, model)
        return found

    def _of_layers(self, name: str, told: str, field: str) -> Metric:
        found = GaugeMetricFamily(f"gruta_{name}", told, labels=["model", "layer"])
        for model, own in self.of.items():
            for layer, value in enumerate(getattr(own, field)):
                found.add_metric([model, str(layer)], float(value))
        return found
