"""The comparison: variants of a scenario on the same draws."""
