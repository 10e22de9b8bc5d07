"""What people touch: the control API, the command line, the demo, and models inside people's own programs. `cli` holds the only wiring of adapters."""
