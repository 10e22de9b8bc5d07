"""Targets: where a version's workers run. A target places processes; traffic stays on our gateway.

Who calls them: the control loop, by idempotent verbs: `observe, ensure, drain, remove` for versions, `dismiss` and `restart` for
one worker. By them it executes effects (EnsureWorkers, Drain, Retire); the addresses it observes go into the routing table.

    target    the Protocol, and Replica: one worker as a target sees it
    local     this machine: specifications on disk, which the keeper starts and stops
    frozen    copies of the code that workers import, which an upgrade does not touch
    fake      in memory, for tests and scenarios
    checks    the suite that every target passes, the fake included

Deliberately not here: starting processes (the keeper does), which version gets traffic (the table says), how many replicas
are wanted (control says), and waiting: a verb states what should be and returns; the next `observe` shows what is.
"""
