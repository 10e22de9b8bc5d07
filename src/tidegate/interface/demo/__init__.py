"""Seeing Tidegate work on real data, and the light HTTP client that makes traffic for it.

    client           a fast HTTP client that counts by itself what failed; `tidegate send` uses it too
    stories          the stories there are: what `tidegate demo` calls
    options          what it may be asked for
    flights/story    the flights of 2013: from training to the last rollback

Who calls it: the command line. It stands where a user stands: it writes a tidegate.yaml, logs models to an MLflow of its
own, runs `tidegate up`, asks the control API for releases, sends requests over HTTP. It counts on its own side what was
sent, failed and answered, and looks every prediction up in the log on disk; no counter of the server's is believed.

Deliberately not here: anything a release could depend on. Take this room out and nothing of Tidegate changes.
"""
