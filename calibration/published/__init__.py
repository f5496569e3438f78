"""Published figures beside predictions: what a figure may ask of runs, what is run, and the rules of the verdicts."""
