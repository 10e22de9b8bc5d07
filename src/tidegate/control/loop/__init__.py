"""The only decider. On every tick: observe, decide, commit, execute, publish; the next tick sees that it came true.

- `observation`: everything seen at one moment, as one frozen value
- `events`: from what was seen to the one event a release is told next (pure)
- `commands`: what people asked for, turned into releases and events
- `transitions`: the one desk at which a release is advanced and committed
- `routes`, `upkeep`: what has to hold now, made true: routes through the table file, workers through the target
- `holders`: tokens made and revoked, and told to gateways through the table
- `checks`: what a release must pass before it may warm up
- `overrides`: a table written by hand while control was down, imported before anything else is done
- `loop`: ties them; restartable at any instant, since every effect is idempotent and repeated until it is seen to hold
- `keeper`: another process altogether: starts and restarts all of these
- `trace`: from a prediction id to its training data

Called by `interface.cli.process`. Not here: statistics and the release machine (`core.decide`), placing processes
(`dataplane.targets`).
"""
