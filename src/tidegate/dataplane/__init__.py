"""What a prediction touches: wire, prediction log, models, worker, gateway, and the targets that place workers."""
