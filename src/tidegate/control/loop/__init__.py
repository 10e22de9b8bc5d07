"""The only decider. On every tick: observe, decide, commit, execute, publish; the next tick sees that it came true.

- `observation`: everything seen at one moment, as one frozen value; `books`: the gateways' sums as they grow
- `events`: from what was seen to the one event a release is told next (pure)
- `commands`: what people asked for, turned into releases and events
- `transitions`: the one desk at which a release is advanced and committed
- `brought`: what is noted of settings that releases bring and versions are left with
- `settling`: whose settings an endpoint goes by, while a release may still bring others
- `routes`, `upkeep`: what has to hold now, made true: routes through the table file, workers through the target
- `shipping`: the shipper, there while a route names a sink
- `turns`: whose turn it is to be judged, so that a tick stays short
- `progress`: every release under way judged, told its event, and shown to people
- `health`: how workers fare over several looks: who crash-loops, who has fallen silent; `silence`: likewise the
  recorder, the monitor and the shipper
- `hearing`: what monitors say is wrong; `alarms`: whatever is, followed until it is over
- `acting`: what alarms do where there is no release to tell it to; `incidents`: those that were, from the events
- `sleeping`: endpoints that nobody asks have no workers until somebody does
- `groups`: releases that are promoted together or not at all; `rehearsing`: rollbacks rehearsed by schedule
- `forgetting`: what was erased from the log, as events of the audit
- `following`: endpoints that release what their model reference comes to mean
- `notifying`, `letters`, `mailing`: what the event log has to tell, in words, to the addresses that endpoints name
- `replacing`: workers replaced one by one by new ones with the code that is installed now
- `holders`: tokens made and revoked, and told to gateways through the table
- `checks`: what a release must pass before it may warm up, and again before it is exposed (`delivery.gates`)
- `smoke`: a candidate asked by ourselves before any client does
- `migrations`: contract migrations that were done, and the versions that cannot come back since
- `renaming`: models of an earlier Tidegate's homes under the digests that they go by now
- `leading`: which of several control processes decides, by a lease
- `overrides`: a table written by hand while control was down, imported before anything else is done
- `archives`: a home as one file and back; what `tidegate backup` and `restore` call
- `loop`: ties the others; restartable at any instant, since every effect is idempotent and repeated until it is seen to hold
- `keeper`: another process altogether: starts and restarts all of these
- `served`: which version served at a past time, and why, from the events alone
- `trace`: from a prediction id to its training data; `openlineage`: the same as run events for others' tools
- `bringing`: the release that brought a version, what its checks found, who approved it
- `lineage`: from a data snapshot to what came of it (`descendants`), and what its deletion comes to (`deletion`)

Called by `interface.cli.process`, as a process. Not here: statistics and the release machine (`core.decide`), placing processes
(`dataplane.targets`).
"""
