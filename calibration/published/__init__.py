"""Published figures beside predictions: the registry, what is run for it, and the rules of the verdicts."""
