"""Predictions held against measurements of real systems: errors, intervals, tables, and where they are written."""
