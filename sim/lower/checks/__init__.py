"""Checks that need the lowered parts: what cannot run, what cannot be drawn."""
