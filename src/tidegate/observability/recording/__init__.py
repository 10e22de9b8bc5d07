"""The recorder, which follows the prediction log, and all that it makes of what it reads.

The log itself:
- `process`: what the keeper starts; `recorder`: its work: segments -> Parquet, outcomes -> label sums, all committed together
- `following`: what gateways appended since last time, once each, and what is missing
- `gathering`: segments of other hosts, brought here
- `outputs`: what was answered beside the answer, by series
- `inputs`: what was asked, by column, for Parquet; `veils`: what of it an endpoint keeps; `slicing`: which part a request is of
- `upkeep`: merging small files, deleting recorded segments, sweeping up after a kill; `mending`: damage, set aside
- `erasing`: records of who asked to be forgotten, out of the log; `expiring`: days that are not kept any more
- `believing`: the time by which what is old is deleted, where a clock may be wrong
- `recounting`: profiles once more, from the files; `doubting`: bins that are called by what only the erased had
- `keepsakes`: the latest requests that were answered, for new versions to warm up on

Truth:
- `joins`: outcomes to predictions, early, in time or late; `hearing`: what was heard
- `quarantine`: what cannot be taken, with why; `fates`: what became of those that were posted together
- `entities`: whom predictions were about, for outcomes without an id

Sums, for the judge (`rules`: what the routing table says of all these):
- `labels`: label sums of same-age cohorts; `histograms`: how far off the labelled were, where outcomes are measured
- `slices`: how a release's requests ended in each declared part of its traffic
- `values`: posted metrics and `right`, a value a unit; `crossing`: within their range, and with what units were like before
- `pairs`: mirrored requests and their copies, joined and compared

Profiles, for whoever watches for drift:
- `profiling`: what inputs and predictions were, by version and hour; `sketching`: their quantiles and distinct values
- `baselines`: what came with a bundle's model, in an endpoint's frames
- `oddness`: how odd each input is, logged with it

Called by the keeper, as a process; control reads what it writes by endpoint. Here nothing is decided: no verdict, no alarm.
"""
