"""Decides and acts: the store of what was decided, the loop that observes, decides, commits and executes, and batch work."""
