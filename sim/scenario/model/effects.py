"""The ways in which something may fail."""

from __future__ import annotations

from typing import Literal

Effect = Literal["crash", "pause", "hang", "slow", "errors", "load", "clock"]
"""crash: it is gone, with what it had at hand; pause, and hang of a dependency: it stands still, then goes on as if
nothing had been; slow: it works at `speed`; errors: work there ends in failure with `probability`;
load: a workflow is started `factor` times as often; clock: the wall clock
jumps."""
