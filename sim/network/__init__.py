"""What is simulated, in queueing words. How a workflow platform becomes one of these lives in `sim.lower`."""

from sim.network.network import Network

__all__ = ["Network"]
