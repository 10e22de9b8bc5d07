"""The store: everything that was decided, by whom and why, in one database.

Who calls it: the control loop writes (releases, events, verdicts, holds); the API and the command line read it and submit
commands; all at once, from several processes. `store.Store` is the one class they use; the other modules are its nouns,
each with the frozen value that crosses the room's door and the functions that read and write its rows inside a
transaction that somebody else has opened:

    endpoints     an endpoint's settings, its stable version and the versions kept warm
    versions      the bundles deployed behind an endpoint, by ordinal
    release_rows  releases, with compare-and-set on their generation
    chain         events: append-only, each hashed over the one before
    commits       what one decision changes, all or nothing
    evidence      verdicts with what they were computed from
    holds         model digests that are refused until a person clears them
    holders       tokens by their hashes, with what they are good for
    commands      what people asked control to do, and what came of it
    alarms        what is wrong now or was lately, with what became of it
    traffic       how an endpoint's traffic goes as a release stands: what every event of one keeps
    leases        who alone may do something, for some seconds at a time
    facts         single facts of an environment, such as the last table generation that control has written

Below them: `schema` (the tables), `documents` (values as canonical JSON), `database` (connections, transactions, and what
the database's errors mean in ours), `sqlite` and `postgresql` (what the two do differently, by the same verbs), `location`
(which of them a home has, and where) and `migrations` (Alembic; imported only when a migration is due, so that opening a
store costs a select). `checks` is the suite that every store has to pass; `overtaken` is what it says of writers that another was
faster than.

What was acknowledged is on the disk: SQLite in WAL mode with synchronous=FULL, PostgreSQL with synchronous_commit. Only what
can be computed again (verdicts between decisions, what a release waits for) is written with less. One transaction does one
thing wholly or not at all.

Deliberately not here: deciding (core.decide), the routing table (a file, the truth for gateways), predictions and outcomes
(the prediction log), and any clock: every time is an argument, but for a lease on a server, whose clock all can agree on.
"""
