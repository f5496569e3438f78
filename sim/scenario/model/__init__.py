"""The models of a scenario file, one file for each part of it."""
