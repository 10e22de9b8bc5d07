"""Bytes <-> frames <-> columns: every format that crosses a process boundary in the data plane, and nothing that acts.

- `frames`: gateway <-> worker over unix sockets (or TCP)
- `fronts`: what another process (the gRPC front, a smoke job) asks a gateway, in the same frames
- `tablefile`: the routing table on disk
- `sums`: the memory-mapped counters that gateways write and control reads; `sumrows` is their layout
- `counts`: what a gateway boot has served, by version, for people and not for verdicts
- `spans`: of traced requests, from worker to gateway to monitor
- `holding`: what files have in common that one process writes for as long as it lives
- `ends`: how far a boot has counted records that it could not keep
- `keyevents`: the first bad request of each sticky key, in a file beside a boot's sums
- `samples`: requests that were answered, kept for warming up on
- `protobuf`: that wire format, strictly, without generated code; `grpcmessages`, `inferences`: the gRPC service's messages
- `answers`: what clients get: error bodies, metadata, health

Called by the gateway, the gRPC front, the worker, targets and control. Not here: sockets, queues, decisions, models.
"""
