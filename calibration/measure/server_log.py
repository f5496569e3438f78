"""What PostgreSQL's log tells of a start after a crash, read. No server is needed here."""

from __future__ import annotations

import re
from typing import Any

INTERRUPTED = "database system was interrupted"
REDO_STARTS = re.compile(r"redo starts at ([0-9A-F]+)/([0-9A-F]+)")
REDO_DONE = re.compile(
    r"redo done at ([0-9A-F]+)/([0-9A-F]+) system usage: "
    r"CPU: user: ([\d.]+) s, system: ([\d.]+) s, elapsed: ([\d.]+) s"
)
CHECKPOINT = re.compile(
    r"checkpoint starting: end-of-recovery.*?checkpoint complete: wrote (\d+) buffers.*?"
    r"write=([\d.]+) s, sync=([\d.]+) s, total=([\d.]+) s",
    re.DOTALL,
)


def position(high: str, low: str) -> int:
    """Byte of the write-ahead log that PostgreSQL names HIGH/LOW, in hexadecimal."""
    return (int(high, 16) << 32) + int(low, 16)


def recovery(log: str) -> dict[str, Any]:
    """Log read again, redo, and the checkpoint at its end. Raises ValueError if the log tells of no recovery."""
    starts, done, checkpoint = REDO_STARTS.search(log), REDO_DONE.search(log), CHECKPOINT.search(log)
    if not (starts and done and checkpoint):
        raise ValueError(f"the server's log does not tell of a recovery:\n{log}")
    return {
        "wal_bytes_since_redo": float(position(done[1], done[2]) - position(starts[1], starts[2])),
        "redo_user_s": float(done[3]),
        "redo_sys_s": float(done[4]),
        "redo_elapsed_s": float(done[5]),
        "eor_ckpt_buffers": int(checkpoint[1]),
        "eor_ckpt_write_s": float(checkpoint[2]),
        "eor_ckpt_sync_s": float(checkpoint[3]),
        "eor_ckpt_total_s": float(checkpoint[4]),
        "was_interrupted": INTERRUPTED in log,
    }
