"""The error budget: which fault class consumes how much of it."""
