"""How long the disk takes to keep 8 KiB: pwrite and fdatasync, again and again, as the server writes its log."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

from calibration.measure import machine, quantiles

PAGE_BYTES = 8192
SEGMENT_BYTES = 16 * 2**20
"""Of the log: the file has its full size before, so that a flush writes data and no change of length."""


def measured(folder: Path, duration_s: float) -> dict[str, Any]:
    """Write page after page of a segment in `folder` for so long: the fields of the line."""
    path = folder / "segment"
    page = b"\x5a" * PAGE_BYTES
    path.write_bytes(bytes(SEGMENT_BYTES))
    file = os.open(path, os.O_WRONLY)
    taken_ns = []
    try:
        os.fsync(file)
        window = machine.CpuWindow()
        until_ns = time.perf_counter_ns() + int(duration_s * 1e9)
        offset, began_ns = 0, time.perf_counter_ns()
        while began_ns < until_ns:
            os.pwrite(file, page, offset)
            os.fdatasync(file)
            ended_ns = time.perf_counter_ns()
            taken_ns.append(ended_ns - began_ns)
            offset, began_ns = (offset + PAGE_BYTES) % SEGMENT_BYTES, ended_ns
        cpu = window.spent()
    finally:
        os.close(file)
        path.unlink()
    return {"kind": "fdatasync_8k"} | quantiles.both("latency", "ms", [ns / 1e6 for ns in taken_ns]) | {"cpu": cpu}
