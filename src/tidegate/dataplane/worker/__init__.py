"""The model process: one bundle, one unix socket, batches.

`python -m tidegate.dataplane.worker HOME NAME` reads its specification (HOME/instances/NAME.json), claims the name, verifies and
loads the bundle its labels name, answers the bundle's example and what the endpoint was asked lately, and only then listens and
says `ready`. What queued up while it was busy is one batch: decoded, joined, one call of the model, checked, cut apart, one write
back to each gateway.

- `loading`: from a digest to a model that has answered its warm-up, at low priority while it may disturb its neighbours
- `warming`: requests that the endpoint has answered lately, answered again before the first new one
- `calls`: a call that waits, and the backlog
- `answering`: a group of calls -> replies; a failed batch is retried one by one, once, so that a poisonous request fails alone
- `traces`: its spans of traced requests
- `connections`: one gateway: handshake, frames in, bytes out
- `serving`: the loop over sockets and signals

Called by targets, which write specifications; the keeper starts it. Imports the standard library, msgspec, `wire`, `models` and
the vocabulary: tidegate is not installed in a bundle's runtime but put on its path.

Not here: which requests come (the gateway's affair), deadlines' consequences, counting, logging of predictions, restarts.
"""
