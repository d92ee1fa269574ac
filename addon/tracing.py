"""OpenTelemetry traces, where its packages are installed and an exporter is named; else nothing.

One trace follows a request from the web through the queue to its delivery: the context travels in
the job's `meta`, never in its arguments. A span carries the request SID and fixed words, nothing of
the call; an error is named by its class alone.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from addon import log
from addon.settings import Settings

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import SpanExporter

FLUSH_MS = 2000
"""How long a job's process waits for its spans to be taken before it ends; then they are lost."""

EXTRA = "requirements/tracing.txt"

logger = log.get("tracing")


@dataclass
class Tracing:
    """The way this process exports spans. Without an exporter every call here is a no-op."""

    service: str = "addon"
    exporter: Callable[[], SpanExporter] | None = None
    _providers: dict[int, TracerProvider] = field(default_factory=dict)

    @property
    def provider(self) -> TracerProvider:
        """This process's own: the thread that exports does not survive a fork."""
        process = os.getpid()
        if process not in self._providers:
            self._providers.clear()
            self._providers[process] = self._made()
        return self._providers[process]

    def close(self) -> None:
        """Hand over what was traced in this process, and end the thread that exports."""
        provider = self._providers.pop(os.getpid(), None)
        if provider is not None:
            provider.shutdown()

    def _made(self) -> TracerProvider:
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor

        if self.exporter is None:
            raise ValueError("tracing is off")
        provider = TracerProvider(resource=Resource.create({"service.name": self.service}))
        provider.add_span_processor(BatchSpanProcessor(self.exporter()))
        return provider


_tracing = Tracing()


def configure(service: str, settings: Settings) -> None:
    """Say who this process is; it traces where an endpoint is set. Safe before a fork."""
    exporter = _exporter() if settings.otel_exporter_otlp_endpoint else None
    use(Tracing(service, exporter))


def use(tracing: Tracing) -> None:
    """Trace in this way from now on; what was traced before is handed over."""
    global _tracing
    _tracing.close()
    _tracing = tracing


@contextmanager
def span(
    name: str, *, carrier: Mapping[str, str] | None = None, **attributes: str
) -> Iterator[Any]:
    """A span around a block; `carrier` is what `carrier()` gave where the work was queued.

    Attributes are written under `addon.`. Yields the span, or None where nothing is traced.
    """
    if _tracing.exporter is None:
        yield None
        return
    from opentelemetry.trace import Status, StatusCode
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

    origin = TraceContextTextMapPropagator().extract(carrier) if carrier else None
    values = {f"addon.{key}": value for key, value in attributes.items()}
    tracer = _tracing.provider.get_tracer("addon")
    with tracer.start_as_current_span(
        name,
        context=origin,
        attributes=values,
        record_exception=False,
        set_status_on_exception=False,
    ) as current:
        try:
            yield current
        except BaseException as error:
            current.set_status(Status(StatusCode.ERROR, type(error).__name__))
            raise


def carrier() -> dict[str, str]:
    """The current span's context, to be kept in a job's meta; empty where nothing is traced."""
    if _tracing.exporter is None:
        return {}
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

    carried: dict[str, str] = {}
    TraceContextTextMapPropagator().inject(carried)
    return carried


def flush() -> None:
    """Hand over what was traced: a job's process ends without running anything else."""
    if _tracing.exporter is not None:
        _tracing.provider.force_flush(FLUSH_MS)


def _exporter() -> Callable[[], SpanExporter] | None:
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    except ImportError:
        logger.warning("an OTLP endpoint is set, but its packages are missing", install=EXTRA)
        return None
    exporter: Callable[[], SpanExporter] = OTLPSpanExporter
    return exporter
