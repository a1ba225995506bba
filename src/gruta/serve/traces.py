"""Spans for OpenTelemetry, where they are asked for: of whole questions and of streams.

They belong to the trace that a client's header `traceparent` names. Where that says that it is
sampled, a stream's steps have spans too, from each one's arrival to its answer.
"""

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import gruta


class Span:
    """One that nobody looks at."""

    def tell(self, **facts: Any) -> None:
        """What is known by now."""

    def step(self, seconds: float) -> None:
        """A step was answered, after so long."""


class Traces:
    """None."""

    @contextmanager
    def span(self, name: str, headers: Mapping[str, str], **facts: Any) -> Iterator[Span]:
        """What happens inside the block. headers: of who asks."""
        yield Span()

    def close(self) -> None:
        """Send what is left."""


class Exported(Traces):
    """Sent to a collector by OTLP over HTTP, in batches, from a thread of its own."""

    def __init__(self, url: str) -> None:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor

        about = Resource.create({"service.name": "gruta", "service.version": gruta.__version__})
        self._provider = TracerProvider(resource=about, shutdown_on_exit=False)
        self._provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(url)))
        self._tracer = self._provider.get_tracer("gruta.serve")

    @contextmanager
    def span(self, name: str, headers: Mapping[str, str], **facts: Any) -> Iterator[Span]:
        """A span of this name, with facts as gruta.NAME."""
        from opentelemetry.trace import get_current_span
        from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

        parent = TraceContextTextMapPropagator().extract(headers)
        asked = get_current_span(parent).get_span_context()
        with self._tracer.start_as_current_span(name, context=parent) as own:
            span = _Exported(self._tracer, own, asked.is_valid and asked.trace_flags.sampled)
            span.tell(**facts)
            yield span

    def close(self) -> None:
        """Send what is left, if the collector takes it in time."""
        self._provider.shutdown()


class _Exported(Span):
    def __init__(self, tracer: Any, own: Any, steps: bool) -> None:
        from opentelemetry.trace import set_span_in_context

        self._tracer, self._own = tracer, own
        self._inside = set_span_in_context(own) if steps else None

    def tell(self, **facts: Any) -> None:
        self._own.set_attributes({f"gruta.{name}": value for name, value in facts.items()})

    def step(self, seconds: float) -> None:
        if self._inside is None:
            return
        now = time.time_ns()
        began = now - int(seconds * 1e9)
        self._tracer.start_span("step", context=self._inside, start_time=began).end(now)
