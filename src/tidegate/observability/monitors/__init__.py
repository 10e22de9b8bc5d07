"""What predictions tell: the recorder, which follows the prediction log, and the monitor, which looks now and then.

- `recorder`: the process: segments -> Parquet, outcomes -> label sums, all committed together
- `following`: what gateways appended since last time, once each, and what is missing
- `joins`: outcomes to predictions, early, in time or late; `entities`: whom predictions were about, for outcomes without an id
- `fetching`: outcomes from tables, on a schedule; `asking`: how a table is asked
- `performance`: how good versions were, by the truth heard; `graded`: what an endpoint's rule makes of it
- `performing`: the watch on it; `worsened`: a version against its first weeks; `estimating`: what is expected before the truth
- `labelling`: what is handed out to people to label, with which chance; `sheets`: which, and what stands on them
- `quarantine`: outcomes that cannot be taken, with why
- `labels`: label sums of same-age cohorts, for the judge
- `histograms`: how far off the labelled of each cohort were, where outcomes are measured
- `slices`: how a release's requests ended in each declared part of its traffic, likewise; `slicing`: which part a request is of
- `values`: posted metrics and `right`, a value a unit; `crossing`: within their range, and with what units were like before
- `pairs`: mirrored requests and their copies, joined and compared; `rules`: what the routing table says of all these
- `profiling`: what inputs and predictions were, by version and hour; `drifting`: a time held against another; `references`: which
- `sketching`: quantiles and distinct values of columns, beside the profiles
- `baselines`: what came with a bundle's model, in an endpoint's frames
- `oddness`: how odd each input is, logged with it
- `classifying`: two times told apart by a model: the explainer of drift
- `lookout`: the watch of drift and quality; `moving`: windows held against their season, one way of looking; `wording`: in words
- `inputs`: what was asked, by column, for Parquet; `veils`: what of it an endpoint keeps
- `keepsakes`: the latest requests that were answered, for new versions to warm up on
- `gathering`: segments of other hosts, brought here
- `erasing`: records of who asked to be forgotten, out of the log; `expiring`: days that are not kept any more
- `mending`: damage in the recorded log, set aside; `integrity`: the watch that tells of it
- `upkeep`: merging small files, deleting recorded segments, sweeping up after a kill
- `rounds`: the other process: every watch at its own pace; `speaking`: what it finds wrong, for control to hear
- `exporting`: a watch that exports spans of traced requests
- `logwatch`: a watch over what processes say; `templates`: which lines are of one kind
- `service`: a watch over times (`slowness`), errors (`mishaps`) and what runs out (`shortage`); `witnesses`: what shows it
- `uptime`: a watch that probes every endpoint from outside; `probing`: one probe and what makes its answer right

Called by the keeper, as two processes; control reads what they write by endpoint, the monitors' alarms, and the states of both.
A monitor speaks; it never acts: no verdict, no rollback, no route is decided here.
"""
