"""Predictions joined to what came of them, and the sums that the judge is given.

Truth:
- `joins`: outcomes to predictions, early, in time or late; `hearing`: what was heard
- `quarantine`: what cannot be taken, with why; `fates`: what became of those that were posted together
- `entities`: whom predictions were about, for outcomes without an id

Sums, by release:
- `labels`: label sums of same-age cohorts; `histograms`: how far off the labelled were, where outcomes are measured
- `slices`: how a release's requests ended in each declared part of its traffic; `slicing`: which part a request is of
- `values`: posted metrics and `right`, a value a unit; `crossing`: within their range, and with what units were like before
- `pairs`: mirrored requests and their copies, joined and compared

Called by the recorder, in the transaction in which it puts files in place; control reads the sums, people what was put aside.
"""
