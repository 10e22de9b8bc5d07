"""From a registered model to a checked bundle."""
