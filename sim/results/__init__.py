"""What a run leaves behind, whichever engine wrote it. Intervals and verdicts live in `sim.stats`."""
