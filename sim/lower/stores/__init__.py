"""Stores of Temporal as stations: what a state transition writes and reads in each product."""
