"""The figures that runs of a scenario can have, by family and by name."""
