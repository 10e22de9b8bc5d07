"""The control API: what people and programs ask and tell Tidegate over HTTP, on loopback, with a token.

It decides nothing. It reads the store and the home, and hands commands to control through the store; then it waits for
control's answer, a bounded time. It is a process of its own (`tidegate.interface.cli.process api HOME NAME`): with it down,
predictions and releases go on, and the command line falls back on the files.

    app       the FastAPI application: paths, and errors as JSON
    asked     bodies that requests may have
    answers   bodies that responses have, as pydantic models: OpenAPI is drawn from them
    standing  those about how things stand; `judged`: verdicts; `bygone`: what was
    look      from the store and the home to answers; reads only, and works with the store gone
    records   single releases and their past, as answers
    orders    commands: control must live, submit, wait, raise what control refused with
    making    a release asked for: settings checked, bundle made, before control hears of it
    returning ways back: versions and their revisions, contract migrations that were done
    forgetting records of people, erased on request
    alarming  alarms and incidents: listed, acknowledged, silenced
    drifted   what has drifted
    accounts  what a report tells of an endpoint, from files alone
    past      what was: releases and events, who served; `audit`: whether the log of it is as it was written
    tracing   from a prediction to its data, and from data to what came of it
    revisions from a git revision to the version that was built from it; `git` asks the repository
    measures  what is told of an endpoint's service, as bodies of answers
    measured  /metrics for Prometheus, and what one endpoint's service is like
    outcomes  how good versions were by the truth heard, and what of it could not be taken
    moments   points in time as people write them, and as they are told back
    pages     /docs: the paths in plain HTML
    page      the release page: its paths, and what its answers may do in a browser
    board     what it shows, read at one moment
    painting  that as HTML, by the templates beside it
    live      the stream that keeps it current
    session   codes and cookies: how a browser comes to see it
    troubles  what is not as it should be, as lines: for the page and the command line
    access    token, Host, Origin, JSON only: whose request it is
    scopes    what a token may ask, path by path, and in whose name
    issuing   tokens made, listed and revoked
    shelf     the store, opened when first needed and again after it was away
    addresses where the listening sockets really are
    serving   uvicorn on the inherited listening socket
    client    the other side: what the command line and the demo call

Who calls it: the command line, the demo, scripts of users. Errors are {"error", "code", "cure"}; the codes are those of
`core.vocabulary.errors`, and `client` raises them again as the same classes.

Deliberately not here: predictions and taking outcomes (the gateway), deciding (control), anything on a page that takes a
command, and anything loaded from elsewhere, as the usual API explorers do.
"""
