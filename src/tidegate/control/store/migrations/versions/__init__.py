"""One module a revision, named r<revision>_<what>; a new one also gets a line in `schema.REVISIONS`."""
