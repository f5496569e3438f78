"""The prediction: latency, recovery and cost of a scenario."""
