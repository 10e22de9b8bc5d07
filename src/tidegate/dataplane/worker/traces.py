"""The worker's spans of traced requests: how long each was here, and in it the model's call with what its code notes."""

import time
from collections.abc import Callable, Sequence

import msgspec

from tidegate.dataplane.models import batches, model, tracing
from tidegate.dataplane.wire import frames, spans
from tidegate.dataplane.worker import calls

WORKER, MODEL = "worker", "model"


def predict(served: model.Model, batch: batches.Batch, traced: Sequence[calls.Pending], requests: int) -> batches.Values:
    """The model's answer. Spans that its code makes go to the first of the traced requests; raises what the model raises."""
    collectors = [_collector(call) for call in traced]
    first, *others = collectors
    sizes: dict[str, tracing.Value] = {"tidegate.batch.requests": requests, "tidegate.batch.rows": batch.rows}
    began, error = time.time_ns(), ""
    try:
        with tracing.within(first), tracing.span(MODEL, **sizes):
            return served.predict(batch)
    except BaseException as raised:
        error = type(raised).__name__
        raise
    finally:
        for one in others:
            one.add(MODEL, (began, time.time_ns()), sizes, error)


def told(reply: frames.Reply, call: calls.Pending, clock: Callable[[], int]) -> frames.Reply:
    """The reply to a traced call, with its spans. `clock`: the one that `arrived_ns` is of."""
    collector, now = _collector(call), time.time_ns()
    began = now - (clock() - call.arrived_ns) if call.arrived_ns else now
    gateway = call.head.trace[tracing.TRACE_BYTES : tracing.TRACE_BYTES + tracing.SPAN_BYTES]
    own = spans.Span(WORKER, collector.own, gateway, began, now, {"tidegate.rows": reply.rows}, reply.error)
    return msgspec.structs.replace(reply, traced=(own, *collector.spans))


def _collector(call: calls.Pending) -> tracing.Collector:
    if call.trace is None:
        call.trace = tracing.Collector(call.head.trace)
    return call.trace
