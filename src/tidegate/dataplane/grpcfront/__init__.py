"""The gRPC front: the Open Inference Protocol's `GRPCInferenceService` in, frames to a gateway of this machine out.

A process of its own, so that a gateway needs no gRPC and its event loop none of gRPC's threads. It decides nothing and keeps
nothing: it reads which model a message is about, forwards the raw message, and gives the answer back as bytes. Routing, arms,
deadlines, rescue, the record and the counts are the gateway's, as for requests by HTTP.

- `server` listens: handlers that take and give bytes, no generated code; TLS with certificates that may be renewed
- `methods` is what each method of the service asks a gateway for, and how the answer looks as a message
- `statuses` has gRPC's codes for ours, and what a client may say in metadata
- `gateways` spreads calls over the gateways that live, and goes on with another when one is lost; `link` is the connection to one
- `process` is the whole as an instance of the keeper's: `python -m tidegate.dataplane.grpcfront HOME NAME`

Needs the extra `grpc` (grpcio). Called by the keeper. Not here: tensors (the worker's codec reads and writes them), the
small messages (`wire.grpcmessages`), what a gateway is told (`wire.fronts`).
"""
