"""What a prediction touches: wire, prediction log, models, worker, gateway, gRPC front, and the targets that place workers."""
