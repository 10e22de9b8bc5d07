"""Profiles of what was asked and answered, for whoever watches for drift.

- `hourly`: what inputs and predictions were, counted by endpoint, version and hour; `profiled`: the same, read
- `sketching`: their quantiles and distinct values
- `baselines`: what came with a bundle's model, in an endpoint's frames
- `oddness`: how odd each input is, logged with it
- `doubting`: bins that are called by what only the erased had

Called by the recorder, in the transaction in which it puts files in place; the watches of drift read. Nothing is judged here.
"""
