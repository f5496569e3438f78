"""Stability: whether a short fault leaves a lasting outage."""
