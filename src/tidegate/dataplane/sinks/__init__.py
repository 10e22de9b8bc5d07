"""Sinks: places that get the prediction log besides, as adapters behind one Protocol.

- `sink`: the Protocol, what is delivered (a parcel of recorded rows), and how rows become messages
- `opening`: from an address to its sink
- `files`: any file system of Arrow or fsspec, as Parquet (extra `objects` for fsspec's)
- `kafka` (extra `kafka`), `jetstream` (extra `nats`), `webhook`: a message a row
- `checks`: the suite that every sink passes

Called by `observability.shipping`. Not here: which rows are due and how far each sink has got; what is in a row was settled when
it was recorded, so what is redacted or encrypted in the log is so in every sink.
"""
