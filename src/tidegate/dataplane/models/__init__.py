"""A bundle as something that answers: read it, verify it, load it, decode what it is asked, encode what it says.

- `bundles`: a directory named by its digest -> a verified `Bundle`; nothing is loaded before every byte is checked
- `loaders`: one module a format; `loaders.catalog` is the dictionary that names them
- `signature`: the `Codec` of one manifest: body -> `Request`, values -> body, with the checks between; `forms` is its switchboard
- the forms a request comes in, each both ways: `infer` (v2 over REST, with binary tensors), `grpc` (v2 over gRPC), `rows` (plain
  JSON records), `invocations` and `delimited` (MLflow's JSON and CSV); `records` is what those of rows have in common
- `inputs`, `tensors`: a request's tensors, whichever form brought them, against the signature; `casting` for what is not JSON;
  `columnar`: one tensor a column, read in one pass
- `datatypes`: the types of columns and tensors: how each reads from JSON, and its name in the protocol; `binary`: as raw bytes
- `categories`: may a column hold this value; `complaints`: refusals in a client's words
- `outputs`, `bins`: is an answer finite and of its type; which bin of the baseline profile does it fall in
- `series`: what is logged of an answer's outputs beside its first
- `terms`: what an endpoint asks of an answer: rules, its own check, rounding; `checking` has that check from the bundle
- `description`, `openapi`, `examples`: what a model takes and gives, for clients, load tools and people
- `tracing`: spans of what a model's own code does inside a request
- `agreement`: how far two answers to one input are apart
- `logged`: inputs of many logged requests at once, by column
- `batches`: requests joined for one model call, and cut apart again
- `model`: all of it together, as the worker holds it

Called by the worker, by `delivery.registry` while it profiles a model, and by batch scoring. Imports the standard library,
msgspec, the vocabulary and `wire`; numpy, pandas, scikit-learn and MLflow only inside loaders, because they are the
bundle's own packages and a worker's runtime has exactly those.

Not here: sockets, queues, deadlines, and any idea of releases. A model does not know whether it is stable or candidate.
"""
