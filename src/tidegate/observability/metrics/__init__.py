"""Numbers for dashboards and other monitors: what there is to be measured, collected from the home whenever somebody asks.

- `families`: every metric by name, with its labels and words: what /metrics, the documentation, the rules and the dashboard are
  held against
- `totals`: what gateways count (`wire.counts`), of all boots together, dead ones too, so that counts never fall
- `processes`: CPU, memory, descriptors and I/O of each process; `machine`: disk, network and GPUs of all
- `minutes`: what was served and used, minute by minute, so that what is usual is known
- `probes`: the log of probes; `availability`: what they say of a stretch of time
- `drifted`: how inputs and predictions stood in the windows that were looked at last
- `aside`: of these databases what is damaged
- `quantiles`: means and quantiles from the latency buckets
- `exposition`: all of it in the format that Prometheus reads
- `rules`: alert rules for Prometheus; `dashboard`: one for Grafana; both are written from `families`

Called by the API (`/metrics`), the command line and the monitor. What is kept: the totals of dead boots, minutes, probes.
Not here: whether a number is wrong (`monitors`), verdicts (`core.decide`).
"""
