"""The prediction log: what was asked, what was answered, and what turned out to be true.

- `segments`: append-only files of checksummed records, written by gateways before a response leaves
- `parquet`: the same records as Parquet, by endpoint and day, written by the recorder
- `columns`: inputs and outputs by column, typed; `objects`: what is too large for one, once by its sha256
- `seals`: the checksums of a file's parts; `intact`: whether it is what was written, and what can be saved of one that is not
- `sights`: what a reader may see of a record; `ciphers`: values that only who has the key can read
- `erasing`: files without some of their rows
- `catalogue`: which of those files count, and how far each segment is recorded
- `recorded`: the log in the order in which it was recorded; `shipped`: how far in it each sink has got
- `engine`: the process's DuckDB
- `reader`: DuckDB over the Parquet files, and over segments that are not recorded yet
- `explained`: explanations of predictions, beside the log
- `outcomes`: whether an answer was wrong and by how much, and which outcome counts when several came
- `pairing`: two versions' answers to one request, compared
- `labelled`: predictions of a time with the truth heard of them, as columns; `flat`: Arrow's lists and words as such
- `probabilities`: those of classes that outputs say beside, for rows at hand
- `posts`: rows of whatever table as outcomes to be posted
- `drawn`: typed inputs of a sample of requests, the same ones every time
- `traffic`: an endpoint's requests by slot of time and version: how they ended, how long clients waited
- `seconds`: one version's requests of a time, counted by second of arrival

Called by the gateway (`segments` only: it needs the standard library and msgspec), by the recorder, by trace, by the API.
Not here: following segments as they grow (`observability.recording`), summing labels (`observability.joining`), the records'
schema (`core.vocabulary.records`), sums of marks (`dataplane.wire.sums`).
"""
