"""What truth says of versions, once it is heard: where it is fetched, whom it is asked of, how good the versions were by it.

- `fetching`: outcomes from tables, on a schedule; `asking`: how a table is asked
- `labelling`: what is handed out to people to label, with which chance; `sheets`: which, and what stands on them
- `performance`: how good versions were, by the truth heard; `graded`: what an endpoint's rule makes of it; `parting`: by segment
- `probable`: the probabilities of classes beside both
- `performing`: the watch on it; `worsened`: a version against its first weeks; `estimating`: what is expected before the truth

Called by the API, the command line and the monitor (`fetching`, `performing`). Not here: joining outcomes to predictions and
their sums for a release (`joining`), the estimators (`core.stats`).
"""
