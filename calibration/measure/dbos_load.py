"""The process that puts workflows into a DBOS queue.

    python -m calibration.measure.dbos_load URL

It reads a line of JSON, `{"ids": [..], "at_s": [..], "k": .., "ms": ..}`, enqueues each workflow so many seconds after
that, and writes `{"start_s": .., "rows": [[id, called, returned], ..], "cpu_s": ..}`, times in seconds since 1970; the
same for each line until its input is closed.
"""

from __future__ import annotations

import json
import sys
import time
from typing import Any

from dbos import DBOSClient

from calibration.measure.dbos_executor import APPLICATION, QUEUE, VERSION, WORKFLOW


def enqueued(client: DBOSClient, load: dict[str, Any]) -> dict[str, Any]:
    """Enqueue the workflows of one load at their times."""
    cpu_s, start_s, rows = time.process_time(), time.time(), []
    for name, at_s in zip(load["ids"], load["at_s"], strict=True):
        time.sleep(max(0.0, start_s + at_s - time.time()))
        called_s = time.time()
        client.enqueue(
            {"workflow_name": WORKFLOW, "queue_name": QUEUE, "workflow_id": name, "app_version": VERSION},
            load["k"],
            load["ms"],
        )
        rows.append([name, called_s, time.time()])
    return {"start_s": start_s, "rows": rows, "cpu_s": time.process_time() - cpu_s}


def main(url: str) -> None:
    """One load after the other."""
    client = DBOSClient(system_database_url=url, application_name=APPLICATION)
    for line in sys.stdin:
        print(json.dumps(enqueued(client, json.loads(line))), flush=True)
    client.destroy()


if __name__ == "__main__":
    main(sys.argv[1])
