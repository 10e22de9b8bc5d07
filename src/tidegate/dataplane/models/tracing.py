"""Spans of what a model does inside, for code of one's own: a look-up of features, a call to another service.

    from tidegate.dataplane.models import tracing

    with tracing.span("look up features", table="airports"):
        headers = tracing.headers()          # traceparent, tracestate: for whoever is called to join the trace
        ...

Outside of a traced request all of it does nothing, at the cost of one look. A batch is one call of the model: spans that its code
makes belong to the first request of the batch that is traced. Threads of the model's own see no trace unless they are run
in a copy of the context (`contextvars.copy_context().run`).
"""

import contextlib
import contextvars
import os
import time
from collections.abc import Iterator

from tidegate.dataplane.wire import spans

Value = str | int | float | bool
TRACE_BYTES, SPAN_BYTES = 16, 8


class Collector:
    """The spans of one request in this process. `context`: what the gateway says (`frames.Call.trace`)."""

    def __init__(self, context: bytes) -> None:
        self.trace, self.state = context[:TRACE_BYTES], context[TRACE_BYTES + SPAN_BYTES :].decode("latin-1")
        self.own = self.current = os.urandom(SPAN_BYTES)
        """The span that this process's are part of; the innermost that is open."""
        self.spans: list[spans.Span] = []

    def add(self, name: str, times: tuple[int, int], attributes: dict[str, Value], error: str = "", own: bytes = b"") -> None:
        """A span that is over, part of the current one. `times`: (start, end) in Unix nanoseconds; `own`: its id."""
        if len(self.spans) < spans.MOST_SPANS:
            self.spans.append(spans.Span(name, own or os.urandom(SPAN_BYTES), self.current, *times, attributes, error))


_active: contextvars.ContextVar[Collector | None] = contextvars.ContextVar("tidegate_trace", default=None)


@contextlib.contextmanager
def span(name: str, **attributes: Value) -> Iterator[None]:
    """What is done inside is a span of this name in the request's trace; one that raises is marked as failed."""
    collector = _active.get()
    if collector is None:
        yield
        return
    parent, own, began, error = collector.current, os.urandom(SPAN_BYTES), time.time_ns(), ""
    collector.current = own
    try:
        yield
    except BaseException as raised:
        error = type(raised).__name__
        raise
    finally:
        collector.current = parent
        collector.add(str(name), (began, time.time_ns()), _plain(attributes), error, own)


def headers() -> dict[str, str]:
    """W3C Trace Context for a call to somebody else; empty outside of a traced request."""
    collector = _active.get()
    if collector is None:
        return {}
    found = {"traceparent": f"00-{collector.trace.hex()}-{collector.current.hex()}-01"}
    return found | ({"tracestate": collector.state} if collector.state else {})


@contextlib.contextmanager
def within(collector: Collector | None) -> Iterator[None]:
    """Have spans of what is done inside go here: the worker's, around the call of the model."""
    token = _active.set(collector)
    try:
        yield
    finally:
        _active.reset(token)


def _plain(attributes: dict[str, Value]) -> dict[str, Value]:
    return {name: value if isinstance(value, str | int | float | bool) else str(value) for name, value in attributes.items()}
