"""What people touch: the control API, the command line, the demo, and models inside their own programs (`embedded`).

`cli` holds the only wiring of adapters.
"""
