"""Decides and acts: the store of what was decided, and the loop that observes, decides, commits and executes."""
