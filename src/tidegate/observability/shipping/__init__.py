"""Shipping: the prediction log to the sinks that endpoints name, in order, each row at least once.

- `shipper`: the process: a line for each sink of each endpoint, in a thread of its own; what is wrong, said
- `line`: one sink of one endpoint: the next parcel, delivered, and the position behind it

Called by the keeper, as a process of its own: a sink that hangs, or a library that crashes, delays nobody who records or watches.
Not here: the adapters (`dataplane.sinks`), the order of the log (`dataplane.predlog.recorded`).
"""
