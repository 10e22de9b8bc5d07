"""The monitor, a process that looks now and then, and its watches of processes, endpoints and logs.

- `rounds`: the process: every watch at its own pace; `speaking`: what one finds wrong, for control to hear
- `service`: a watch over times (`slowness`), errors (`mishaps`) and what runs out (`shortage`); `witnesses`: what shows it
- `uptime`: a watch that probes every endpoint from outside; `probing`: one probe and what makes its answer right
- `logwatch`: a watch over what processes say; `templates`: which lines are of one kind
- `integrity`: the watch that tells of damage in the prediction log
- `exporting`: a watch that exports spans of traced requests

Called by the keeper, through `interface.cli.wiring.watching`, which adds the watches of other rooms (`drift.lookout` and
`drift.together`, `outcomes.performing`, `outcomes.fetching`, `batch.afterwards`); control reads the alarms.
A monitor speaks; it never acts: no verdict, no rollback, no route is decided here.
"""
