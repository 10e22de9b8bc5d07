"""A bundle inside the program that uses it: `tidegate.load(...)`, the same validation, prediction ids and records as a gateway's.

- `loading`: `load`, the one function that people call (as `tidegate.load`): what is named -> a verified bundle -> a model
- `model`: `Embedded`, what they get: `predict` decodes, asks, checks and records one call; it may be replaced under way
- `given`: frames, records and arrays as a request body, so that they are held to the signature by the codec itself
- `journal`: records of this process's own incarnation in the home's segments, which the recorder picks up like a gateway's
- `following`: a thread that watches the routing table and brings a new stable in

An embedded model is stable by definition: nothing is drawn, mirrored or rescued, and what it answers is evidence for nobody. Its
records have the role live, the arm stable and the content `embedded`, so `tidegate trace ID` walks from them as from any other.

Called by people's own programs; nothing in Tidegate calls it. Needs the model's packages in this very interpreter: a bundle with
a runtime of its own is refused with the package that is missing.

Not here: batching, deadlines, fallbacks, tokens. Who needs those asks a gateway.
"""
