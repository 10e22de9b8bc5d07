"""A collector of traces: a small HTTP server that takes OTLP and decodes it with OpenTelemetry's own messages."""

import http.server
import threading
from typing import Any

from opentelemetry.proto.collector.trace.v1 import trace_service_pb2


class Collector:
    """Use as a context manager; `spans` are those that came, as protobuf messages, with their resources' attributes."""

    def __init__(self) -> None:
        self.spans: list[Any] = []
        self.resources: list[dict[str, str]] = []
        self.refuses = 0
        """Requests still to be answered with 503."""
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                raw = self.rfile.read(int(self.headers["content-length"]))
                if outer.refuses:
                    outer.refuses -= 1
                    self._answer(400)
                    return
                assert self.path == "/v1/traces"
                assert self.headers["content-type"] == "application/x-protobuf"
                outer.take(trace_service_pb2.ExportTraceServiceRequest.FromString(raw))
                self._answer(200)

            def _answer(self, status: int) -> None:
                body = trace_service_pb2.ExportTraceServiceResponse().SerializeToString()
                self.send_response(status)
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.address = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    def take(self, request: Any) -> None:
        for one in request.resource_spans:
            self.resources.append({pair.key: pair.value.string_value for pair in one.resource.attributes})
            for scope in one.scope_spans:
                assert scope.scope.name == "tidegate"
                self.spans += scope.spans

    def of(self, trace: str) -> dict[str, Any]:
        """The spans of a trace, by name."""
        return {one.name: one for one in list(self.spans) if one.trace_id.hex() == trace}

    def __enter__(self) -> "Collector":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def attributes(span: Any) -> dict[str, Any]:
    """A span's attributes as plain values."""
    return {pair.key: getattr(pair.value, str(pair.value.WhichOneof("value"))) for pair in span.attributes}
