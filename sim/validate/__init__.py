"""Predictions held against truth: closed forms, and measurements of real systems, at points that they know or not."""
