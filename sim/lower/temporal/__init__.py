"""Temporal as a network: services, task queues, worker pools, workflows and activities."""
