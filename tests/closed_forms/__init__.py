"""Closed forms that only tests ask: chains of any shape, further laws of durations, further single stations."""
