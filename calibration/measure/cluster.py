"""A PostgreSQL server of its own for the time of a measurement: made, started, killed, started again, removed.

It listens on 127.0.0.1 alone, on a free port, for anybody on this machine, and runs as a user without rights when we
are root, since PostgreSQL refuses to run as root. It is ended by its own process id.
"""

from __future__ import annotations

import os
import pwd
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self

import psycopg

from calibration.measure import machine

SETTINGS: Mapping[str, str] = {
    "shared_buffers": "1GB",
    "max_connections": "200",
    "fsync": "on",
    "synchronous_commit": "on",
    "full_page_writes": "on",
    "wal_compression": "off",
    "checkpoint_timeout": "1h",
    "max_wal_size": "20GB",
    "autovacuum": "off",
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "track_io_timing": "on",
    "track_wal_io_timing": "on",
    "log_checkpoints": "on",
    "jit": "off",
    "max_parallel_workers_per_gather": "0",
    "wal_sync_method": "fdatasync",
    "commit_delay": "0",
    "wal_writer_delay": "200ms",
    "work_mem": "4MB",
    "deadlock_timeout": "1s",
    "wal_buffers": "16MB",
}
"""No checkpoint and no vacuum of the server's own during a run; all that makes a commit durable is on."""

WITHOUT_RIGHTS = ("postgres", "nobody")
"""Users to become when we are root: the first that exists."""

PATIENCE_S = 60.0
POLL_S = 0.002
"""Between two looks at something that is about to happen: small beside the tenths of seconds that are measured."""


NEEDED = ("initdb", "postgres", "pgbench")
OLDEST = 15
"""pg_stat_wal with times, and pgbench's --failures-detailed."""


def programs() -> Path:
    """Folder of initdb, postgres and pgbench: what pg_config says, or the newest where Debian has them.

    Raises NotInstalled, with what to do, if there is none of version 15 or newer.
    """
    folders = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda folder: folder.parent.name, reverse=True)
    if shutil.which("pg_config"):
        said = subprocess.run(["pg_config", "--bindir"], capture_output=True, text=True, check=True).stdout.strip()
        folders.insert(0, Path(said))
    for folder in folders:
        if all((folder / program).exists() for program in NEEDED) and _version(folder) >= OLDEST:
            return folder
    raise NotInstalled(
        f"PostgreSQL {OLDEST} or newer is needed, with {', '.join(NEEDED)}; looked in "
        f"{', '.join(map(str, folders)) or 'the folder of pg_config and /usr/lib/postgresql'}\n"
        "on Debian and Ubuntu: apt install postgresql"
    )


def _version(folder: Path) -> int:
    said = subprocess.run([folder / "postgres", "--version"], capture_output=True, text=True, check=True).stdout
    found = re.search(r"(\d+)", said)
    return int(found.group(1)) if found else 0


def _user() -> dict[str, Any]:
    """How subprocess has to start a program of PostgreSQL."""
    if os.geteuid() != 0:
        return {}
    known = {entry.pw_name: entry for entry in pwd.getpwall()}
    entry = next(known[name] for name in WITHOUT_RIGHTS if name in known)
    return {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class NotInstalled(RuntimeError):
    """A program that is to be measured is not there."""


class Cluster:
    """A temporary server with the database `postgres` and the user of the same name; use it in a `with`."""

    def __init__(self) -> None:
        self.programs = programs()
        self.port = _free_port()
        self._as_user = _user()
        self._server: subprocess.Popen[bytes] | None = None
        self._log: IO[bytes] | None = None

    def __enter__(self) -> Self:
        self.folder = Path(tempfile.mkdtemp(prefix="measured-postgres-"))
        self.data = self.folder / "data"
        self.log_path = self.folder / "server.log"
        if self._as_user:
            os.chown(self.folder, self._as_user["user"], self._as_user["group"])
        try:
            made = ["-D", str(self.data), "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8"]
            self.run("initdb", made)
            configured = "".join(f"{name} = '{value}'\n" for name, value in SETTINGS.items())
            with (self.data / "postgresql.conf").open("a", encoding="utf-8") as file:
                file.write(configured)
            self.start()
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._server is not None and self._server.poll() is None:
            self._server.send_signal(signal.SIGINT)  # fast shutdown: sessions are cut off
            try:
                self._server.wait(PATIENCE_S)
            except subprocess.TimeoutExpired:
                self.kill()
        if self._log is not None:
            self._log.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    @property
    def pid(self) -> int:
        """Id of the server's first process, the parent of all others."""
        assert self._server is not None
        return self._server.pid

    def environment(self, **more: str) -> dict[str, str]:
        """For a client: where the server is. Messages are in English."""
        where = {"PGHOST": "127.0.0.1", "PGPORT": str(self.port), "PGUSER": "postgres", "PGDATABASE": "postgres"}
        return os.environ | where | {"LC_ALL": "C.UTF-8"} | more

    def popen(self, program: str, arguments: Sequence[str], **environment: str) -> subprocess.Popen[str]:
        """Start a program of PostgreSQL as the server's user, in the cluster's folder."""
        return subprocess.Popen(
            [str(self.programs / program), *arguments],
            cwd=self.folder,
            env=self.environment(**environment),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            **self._as_user,
        )

    def run(self, program: str, arguments: Sequence[str], **environment: str) -> str:
        """Run a program of PostgreSQL to its end; what it printed. Raises RuntimeError with its words if it failed."""
        with self.popen(program, arguments, **environment) as process:
            printed, complaints = process.communicate()
        if process.returncode != 0:
            raise RuntimeError(f"{program} {' '.join(arguments)} ended with {process.returncode}:\n{complaints}")
        return printed

    def start(self) -> float:
        """Start the server; seconds until it answered a query. Raises RuntimeError if it ends or does not answer."""
        if self._log is None:
            self._log = self.log_path.open("ab")
        began_s = time.monotonic()
        self._server = subprocess.Popen(
            [str(self.programs / "postgres"), "-D", str(self.data), "-p", str(self.port)],
            cwd=self.folder,
            env=self.environment(),
            stdin=subprocess.DEVNULL,
            stdout=self._log,
            stderr=self._log,
            **self._as_user,
        )
        while True:
            try:
                with self.connect() as connection:
                    connection.execute("SELECT 1")
                return time.monotonic() - began_s
            except psycopg.OperationalError:
                waited_s = time.monotonic() - began_s
                if self._server.poll() is not None or waited_s > PATIENCE_S:
                    said = self.log_path.read_text(encoding="utf-8", errors="replace")[-2000:]
                    raise RuntimeError(
                        f"the server does not answer after {waited_s:.0f} s; its log ends:\n{said}"
                    ) from None
                time.sleep(POLL_S)

    def kill(self) -> float:
        """kill -9 of every process of the server at once, as if its host lost power; seconds until all are gone.

        What the operating system has of its files stays, other than after a real loss of power.
        """
        assert self._server is not None
        began_s = time.monotonic()
        # The first process is stopped first, so that it starts no other one while we look at them.
        os.kill(self.pid, signal.SIGSTOP)
        children = machine.descendants(self.pid)
        for pid in (self.pid, *children):
            os.kill(pid, signal.SIGKILL)
        self._server.wait(PATIENCE_S)
        while any(map(machine.is_running, children)):
            if time.monotonic() - began_s > PATIENCE_S:
                raise RuntimeError(f"still there after kill -9: some of {sorted(children)}")
            time.sleep(POLL_S)
        return time.monotonic() - began_s

    def connect(self) -> psycopg.Connection[Any]:
        """A session in which each statement is a transaction of its own."""
        return psycopg.connect(
            host="127.0.0.1", port=self.port, user="postgres", dbname="postgres", autocommit=True, connect_timeout=5
        )

    def cpu_s(self) -> float:
        """CPU seconds of the server so far, of all its processes, those that have ended too."""
        return machine.tree_cpu_s(self.pid)

    @property
    def url(self) -> str:
        """Address of the server, without a database."""
        return f"postgresql://postgres@127.0.0.1:{self.port}"
