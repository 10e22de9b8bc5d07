"""What to do about a release: (state, event, now) -> decision, and (sums) -> verdict. Pure mathematics and one table.

The machine:
- `machine`: the one table of phase and event; `advance(release, event, now)` and `upkeep(release)` are all that others call
- `moves`: what a line of the table is; `beginning`, `ramp`, `arrival`, `retreat`: the moves, by where in a release they happen
- `upkeep`: what has to hold in a phase, as idempotent effects
- `waiting`: why nothing happens just now: on what, for whom, about how much longer
- `budget`: how much harm a release may still cost, and whether the next step could cost more
- `doubt`: evidence for harm that is too little for a rollback and too much to go on by the clock
- `incidents`: how an alarm goes on until it is over; `actions`: what it does besides being told
- `strategies`: functions from a ramp to a list of stages
- `diagram`: the table as docs/machine.md shows it

The judge:
- `judge`: from all that was counted to a verdict, with `case`, `ledger`, `proof`, `feed`, `sentences`
- `glance`: whether there is harm, between two whole looks, for next to nothing
- `slicing`: the same question asked of each declared part of the traffic
- `shifting`, `costing`: how far predictions are apart (policy), and what one costs (shown)
- `record`: what a verdict was computed from, so that anybody can compute it again
- `watching`: what stages are left on besides the comparison: smoke requests, pairs, a metric, a level, a cohort
- `trial`: the metric of a test with its guards, from `effects`; `finding`: what each of these comes to

Both:
- `redrawn`: a release walked over traffic that was, with coins thrown anew and a fault of the candidate's

The control loop calls both on every tick: it observes, judges, tells the machine one event, commits the decision in one
transaction and makes its effects true. Everything can be replayed from events alone, since clock and chance are arguments.

Deliberately not here: reading a clock, files or sockets, logging, carrying effects out, and knowing where sums come from
(control and the data plane do that); formulas (`core.stats`); the file people write (`core.spec`).
"""
