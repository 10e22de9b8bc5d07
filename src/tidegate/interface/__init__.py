"""What people touch: the control API, the command line, the demo. `cli` holds the only wiring of adapters."""
