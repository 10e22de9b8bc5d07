"""A bundle as something that answers: read it, verify it, load it, decode what it is asked, encode what it says.

- `bundles`: a directory named by its digest -> a verified `Bundle`; nothing is loaded before every byte is checked
- `loaders`: one module a format; `loaders.catalog` is the dictionary that names them
- `datatypes`: the types of columns and tensors: how each reads from JSON, and its name in the Open Inference Protocol
- `infer`, `rows`: the two forms a request comes in (v2 tensors; plain JSON records), each both ways
- `signature`: the `Codec` of one manifest: body -> `Request`, values -> body, with the checks between
- `outputs`, `bins`: is an answer finite and of its type; which bin of the baseline profile does it fall in
- `batches`: requests joined for one model call, and cut apart again
- `model`: all of it together, as the worker holds it

Called by the worker, by `delivery.registry` while it profiles a model, and by batch scoring. Imports the standard library,
msgspec, the vocabulary and `wire`; numpy, pandas, scikit-learn and MLflow only inside loaders, because they are the
bundle's own packages and a worker's runtime has exactly those.

Not here: sockets, queues, deadlines, and any idea of releases. A model does not know whether it is stable or candidate.
"""
