"""One module a kind of process: which adapters it gets. `cli.process` imports the one that is needed."""
