"""Whether what is asked and answered is as it was, by the profiles that the recorder keeps.

- `drifting`: one stretch of time held against another, column by column; `references`: what a time is held against
- `lookout`: the watch of drift and quality; `moving`: windows held against their season, one way of looking;
  `lasting`: four weeks against what came with the model, the other; `shelving`: profiles of windows, for both
- `telling`: how an endpoint stands, in numbers for `metrics`
- `wording`: what has moved, in words
- `classifying`: two times told apart by a model: the explainer of drift; `together`: the same once a week, as a watch

Called by the API, the command line and the monitor (`lookout`, `together`). Not here: profiles and their frames
(`profiling`), the tests and their bounds (`core.stats.drift`, `core.stats.calibration`).
"""
