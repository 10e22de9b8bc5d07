"""Offline work on what was logged, with the code that serves and the code that decides.

- `worker`: a worker process of one's own, at low priority, in a scratch home; what it dies of is found and named
- `replaying`: a period of the log, one version's answers against another's, compared as mirrored requests are
- `verdicts`: what the comparison comes to: within the tolerance, beyond it, or not decided, in a sentence
- `explaining`: a logged prediction computed once more and taken apart by column; `reasons`: that in plain words
- `afterwards`: the same for a sample of what is predicted, as a watch of the monitor, kept beside the log
- `recipe`: how a bundle's model was made and what is not known of that; `remaking`: what was made again, held against it
- `recomputing`: questions put to a bundle in a process of its own runtime
- `calibrating`: releases redrawn from logged traffic, many times over: how long they take, what they find
- `calibrations`: what those runs come to, in shares and quantiles

Called by `interface.cli` (`tidegate replay`, `calibrate`, `explain`, `reproduce`) and the API. Reads the prediction log, never
writes to it; no gateway, route, release or serving worker is touched.

Not here: what makes two answers the same (`dataplane.predlog.pairing`), e-values (`core.stats.shares`), how an answer is taken
apart (`dataplane.models.explaining`), jobs, shards and offline scoring of files, which come with them.
"""
