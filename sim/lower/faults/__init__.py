"""Faults of a scenario as faults of the network, by what they hit."""
