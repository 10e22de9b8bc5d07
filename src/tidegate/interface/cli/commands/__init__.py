"""One module a command, named after it. `table` lists them; each is imported when it is called, with what it needs."""
