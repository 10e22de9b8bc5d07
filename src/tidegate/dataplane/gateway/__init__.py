"""The gateway: clients' HTTP in, frames to workers, answers out, a record and a count for each. It decides nothing by itself.

It obeys the routing table on disk and keeps serving its last good one whatever happens to control, store, registry or disk.
It holds no model code and decodes no tensors: the raw body goes to a worker, and the worker's reply header says all there
is to count. No task, no future and no timer per request: one turn of the event loop reads what clients sent, sends workers
one batch each, appends the records of all that was answered with one write, and only then lets the answers go.

How a prediction walks through:

- `http` parses and keeps its connection within limits (`heads`: those that were parsed before); `paths` says what a URL asks for;
  `exchanges` is one request and its answer; `service` answers everything but predictions by itself
- `bodies` makes a body ready for the worker (`encodings`: compression); `asking` and `page` tell about models; `origins` is CORS
- `front` keeps all connections; `doorway` and `certificates` are TLS; `framed` takes other processes' requests (gRPC, smoke) as
  frames
- `router` draws the arm, purely, by the unit that `units` finds in a request where an endpoint is sticky; `endpoints` is the
  table as it is obeyed: each route with its versions' pools; `watch` reads it
- `flights` is one prediction from its draw to its record, `mint` makes its id; `guard` says how long the version drawn has and
  whether the other may rescue
- `shadows` copies requests to the version that does not serve them, off everybody's path
- `pool` queues for a version; `batching` says when that becomes a batch, and how large; `quarantine` knows inputs that workers
  have died of; `links` is one worker's connection
- `journal` appends records before answers leave and syncs them; `outcomes` reads ground truth that clients post
- `tracing` says whether a request is traced, and puts its spans together
- `admission` lets requests in: `holders` knows tokens by their hashes, `quota` counts what they ask for, `tallies` keeps a day's
  counts beyond this process
- `remedies` is what becomes of an answer that breaks a rule, `fallbacks` which value is given when no version can answer
- `limits` are bounds, `wheel` is all the timers, `handover` gives the listening sockets to a successor keeper
- `smoke` is no part of the process: the client by which control asks a version that no client is sent to yet

Called by the keeper, as a process: `python -m tidegate.dataplane.gateway HOME NAME`; by control, `smoke`. Not here: models,
statistics, decisions, the store, anything that needs more than the vocabulary, `wire`, `predlog.segments`, msgspec, httptools
and uvloop.
"""
