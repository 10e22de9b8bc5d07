"""The watch that exports spans of traced requests by OTLP over HTTP, where OpenTelemetry's own variables say.

OTEL_EXPORTER_OTLP_ENDPOINT (or OTEL_EXPORTER_OTLP_TRACES_ENDPOINT) names the collector, OTEL_EXPORTER_OTLP_HEADERS what it sees,
OTEL_SERVICE_NAME and OTEL_RESOURCE_ATTRIBUTES what it is told. Without an address nothing leaves this machine: spans are thrown
away. A collector that does not answer is tried again at the next look; gateways write no more while nobody takes spans away.
"""

import importlib
import logging
import os
from collections.abc import Iterable, Sequence
from typing import Any

from tidegate.core.vocabulary import alarms, errors, home
from tidegate.dataplane.wire import spans

ADDRESSES = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
AT_ONCE = 500
"""Spans in one request to the collector."""
log = logging.getLogger(__name__)


class Exporting:
    """A watch (`rounds`) that finds nothing wrong; what keeps it from exporting is its trouble."""

    name, every = "traces", 2.0

    def __init__(self, place: home.Home) -> None:
        self._place = place
        self._exporter: Any = None
        self._said = False

    def look(self, now: float) -> Iterable[alarms.Alarm]:  # noqa: ARG002 - spans have times of their own
        """Export what gateways have written. Raises ExtraMissing, CapacityError when the collector takes nothing, OSError."""
        for path in spans.waiting(self._place.spans):
            if not any(os.environ.get(name) for name in ADDRESSES):
                self._pass_over(len(spans.waiting(self._place.spans)))
                path.unlink(missing_ok=True)
                continue
            try:
                traces = spans.read(path)
            except ValueError:
                log.warning("traces cannot be read and are passed over", extra={"file": path.name})
                traces = []
            self._export([made for traced in traces for made in readable(traced)])
            path.unlink(missing_ok=True)
        return ()

    def _pass_over(self, files: int) -> None:
        if not self._said:
            self._said = True
            log.warning("traces have nowhere to go and are thrown away", extra={"files": files, "cure": f"Set {ADDRESSES[1]}."})

    def _export(self, made: Sequence[Any]) -> None:
        if self._exporter is None:
            self._exporter = _load("opentelemetry.exporter.otlp.proto.http.trace_exporter").OTLPSpanExporter(timeout=10)
        success = _load("opentelemetry.sdk.trace.export").SpanExportResult.SUCCESS
        for begin in range(0, len(made), AT_ONCE):
            if self._exporter.export(made[begin : begin + AT_ONCE]) is not success:
                raise errors.CapacityError("The collector of traces takes none.", cure="They are tried again; see its own log.")


def readable(traced: spans.Traced) -> list[Any]:
    """The spans of a request as the SDK's. Raises ExtraMissing."""
    api, sdk, status = _load("opentelemetry.trace"), _load("opentelemetry.sdk.trace"), _load("opentelemetry.trace.status")
    resource = _resource()
    scope = _load("opentelemetry.sdk.util.instrumentation").InstrumentationScope("tidegate")
    flags, state = api.TraceFlags(api.TraceFlags.SAMPLED), api.TraceState.from_header([traced.state])
    trace = int.from_bytes(traced.id, "big")

    def context(span: bytes, *, remote: bool) -> Any:
        return api.SpanContext(trace, int.from_bytes(span, "big"), remote, flags, state)

    made = []
    for number, one in enumerate(traced.spans):
        first = number == 0
        ended = status.Status(status.StatusCode.ERROR, one.error) if one.error else status.Status(status.StatusCode.OK)
        made.append(
            sdk.ReadableSpan(
                name=one.name,
                context=context(one.id, remote=False),
                parent=context(one.parent, remote=first and traced.remote) if one.parent else None,
                resource=resource,
                attributes=one.attributes,
                kind=api.SpanKind.SERVER if first else api.SpanKind.INTERNAL,
                status=ended,
                start_time=one.start_ns,
                end_time=one.end_ns,
                instrumentation_scope=scope,
            )
        )
    return made


def _resource() -> Any:
    """What all spans are of: a service called tidegate, unless OTEL_SERVICE_NAME says otherwise."""
    resources = _load("opentelemetry.sdk.resources")
    named = {} if os.environ.get("OTEL_SERVICE_NAME") else {"service.name": "tidegate"}
    return resources.Resource.create(named)


def _load(module: str) -> Any:
    try:
        return importlib.import_module(module)
    except ImportError as missing:
        cure = "pip install 'tidegate[otel]'"
        raise errors.ExtraMissing("exporting traces needs OpenTelemetry, which is not installed here.", cure=cure) from missing
