"""A process that polls a DBOS queue and runs its workflows.

    python -m calibration.measure.dbos_executor URL POLL NAME

It writes `ready` when it polls, then a line for each workflow that has ended: its id, when its code began, when it
ended, in seconds since 1970. It ends when its input is closed.
"""

from __future__ import annotations

import json
import sys
import threading
import time

from dbos import DBOS

QUEUE = "measured"
APPLICATION = "measured"
VERSION = "1"
WORKFLOW = "chain"

_output = threading.Lock()


@DBOS.step()
def pause(ms: float) -> None:
    """One step: it sleeps; with 0 it does nothing, and what is measured is what DBOS does around it."""
    if ms:
        time.sleep(ms / 1e3)


@DBOS.workflow(name=WORKFLOW)
def chain(k: int, ms: float) -> None:
    """`k` steps, one after the other."""
    began_s = time.time()
    for _ in range(k):
        pause(ms)
    ended_s = time.time()
    with _output:
        print(json.dumps([DBOS.workflow_id, began_s, ended_s]), flush=True)


def main(url: str, poll_s: float, name: str) -> None:
    """Poll until the input is closed."""
    DBOS(
        config={
            "name": APPLICATION,
            "system_database_url": url,
            "application_version": VERSION,
            "executor_id": name,
            "log_level": "ERROR",
        }
    )
    DBOS.launch()
    DBOS.register_queue(QUEUE, polling_interval_sec=poll_s)
    print("ready", flush=True)
    sys.stdin.read()
    DBOS.destroy()


if __name__ == "__main__":
    main(sys.argv[1], float(sys.argv[2]), sys.argv[3])
