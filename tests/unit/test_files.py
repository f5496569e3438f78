"""Files are written whole or not at all, and read with a limit, as UTF-8, and never from what may not end.

The guarantees are tried from outside: in processes that are killed in the middle, or may write no more.
"""

from __future__ import annotations

import errno
import gzip
import hashlib
import json
import os
import resource
import signal
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from sim.files import OF_THE_MACHINE, Unreadable, Writing, read_bytes, read_text, same_file, write_text
from sim.report.frames import write_columns

LIMIT = 200_000
"""Bytes that a process in these tests may write into one file, where it stands for a disk that is full."""

# A process that kills itself at the first call of the system function that is named.
KILLED = """
import os, signal, sys
from pathlib import Path
from sim.files import write_text
def die(*_): os.kill(os.getpid(), signal.SIGKILL)
setattr(os, sys.argv[2], die)
write_text(Path(sys.argv[1]), "new " * 100_000)
"""


def leftovers(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir() if path.name.endswith(".tmp")]


@pytest.mark.parametrize("at", ["fsync", "replace"])
@pytest.mark.parametrize("before", ["old", None])
def test_a_process_killed_while_it_writes_leaves_the_old_file_whole_or_none(
    tmp_path: Path, at: str, before: str | None
) -> None:
    path = tmp_path / "page.html"
    if before is not None:
        path.write_text(before)
    ended = subprocess.run([sys.executable, "-c", KILLED, str(path), at], check=False)
    assert ended.returncode == -signal.SIGKILL
    assert (path.read_text() if path.exists() else None) == before


def test_everything_is_on_the_disk_before_it_has_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    done: list[str] = []
    fsync, replace = os.fsync, os.replace
    monkeypatch.setattr(os, "fsync", lambda file: (done.append("fsync"), fsync(file))[1])
    monkeypatch.setattr(os, "replace", lambda a, b: (done.append(f"replace {Path(b).name}"), replace(a, b))[1])
    with Writing() as writing:
        for name in ("a", "b"):
            writing.begin(tmp_path / name).write_text(name)
        writing.finish()
    assert done == ["fsync", "fsync", "replace a", "fsync", "replace b", "fsync"]
    assert (tmp_path / "b").read_text() == "b"


def test_a_full_disk_leaves_the_old_file_and_no_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "fits.yaml"
    path.write_text("old")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (LIMIT, hard))
    try:
        with pytest.raises(OSError, match=r"fits\.yaml") as told:
            write_text(path, "new " * LIMIT)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert told.value.errno in OF_THE_MACHINE
    assert path.read_text() == "old"
    assert leftovers(tmp_path) == []


def test_an_interrupt_leaves_the_old_file_and_no_other(tmp_path: Path) -> None:
    path = tmp_path / "page.html"
    path.write_text("old")

    def write() -> None:
        with Writing() as writing:
            writing.begin(path).write_text("half of")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write()
    assert path.read_text() == "old"
    assert leftovers(tmp_path) == []


def test_a_file_keeps_its_rights_and_a_new_one_has_those_that_are_usual(tmp_path: Path) -> None:
    old, new, usual = tmp_path / "old", tmp_path / "new", tmp_path / "usual"
    old.write_text("")
    old.chmod(0o640)
    usual.write_text("")
    write_text(old, "a")
    write_text(new, "b")
    assert stat.S_IMODE(old.stat().st_mode) == 0o640
    assert new.stat().st_mode == usual.stat().st_mode


def test_a_link_stays_one_and_what_it_leads_to_is_written(tmp_path: Path) -> None:
    target, link = tmp_path / "target", tmp_path / "link"
    target.write_text("old")
    link.symlink_to(target)
    write_text(link, "new")
    assert link.is_symlink()
    assert target.read_text() == "new"


def test_what_is_no_regular_file_is_written_to_and_stays(tmp_path: Path) -> None:
    write_text("/dev/null", "text")
    assert stat.S_ISCHR(os.stat("/dev/null").st_mode)
    with pytest.raises(IsADirectoryError):
        write_text(tmp_path, "text")


# -- folders of files --------------------------------------------------------------------------------------


def test_a_folder_of_columns_has_a_manifest_of_what_was_written(tmp_path: Path) -> None:
    for path in write_columns(tmp_path, []):
        (listed,) = [
            one for one in json.loads((tmp_path / "manifest.json").read_text())["files"] if one["name"] == path.name
        ]
        data = path.read_bytes()
        assert listed == {
            "name": path.name,
            "bytes": len(data),
            "rows": 0,
            "sha256": hashlib.sha256(data).hexdigest(),
        }


@pytest.mark.parametrize("nth", [1, 2, 3, 4])
def test_a_folder_killed_between_two_files_has_no_manifest_or_that_of_what_is_there(tmp_path: Path, nth: int) -> None:
    write_columns(tmp_path, [])
    code = f"""
import os, signal
from sim.report.frames import write_columns
left, replace = [{nth}], os.replace
def some(a, b):
    left[0] -= 1
    if not left[0]: os.kill(os.getpid(), signal.SIGKILL)
    replace(a, b)
os.replace = some
write_columns({str(tmp_path)!r} and __import__("pathlib").Path({str(tmp_path)!r}), [])
"""
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == -signal.SIGKILL
    assert not (tmp_path / "manifest.json").exists()
    assert (tmp_path / "executions.csv").read_text().startswith("drill,replication")


@pytest.mark.parametrize("file_format", ["csv", "parquet"])
def test_columns_that_do_not_fit_on_the_disk_leave_the_old_ones(
    tmp_path: Path, file_format: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for path in write_columns(tmp_path, [], file_format=file_format):  # type: ignore[arg-type]
        path.write_text("old")
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20, hard))
    try:
        with pytest.raises(OSError, match="executions") as told:
            write_columns(tmp_path, [], file_format=file_format)  # type: ignore[arg-type]
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert told.value.errno == errno.EFBIG
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


# -- reading -----------------------------------------------------------------------------------------------


def test_a_byte_order_mark_is_no_part_of_a_text(tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_bytes("0.5\n".encode("utf-8-sig"))
    assert read_text(path) == "0.5\n"


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "latin-1"])
def test_a_text_that_is_not_utf_8_says_so_and_nothing_of_itself(tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "x"
    path.write_bytes("\N{BOM}geheim\n\xe4".encode(encoding, "ignore"))
    with pytest.raises(Unreadable, match=r"UTF-16 text; save it as UTF-8|not UTF-8 text: .* in line 2") as told:
        read_text(path)
    assert "geheim" not in str(told.value)


def test_no_more_is_read_than_is_allowed_packed_or_not(tmp_path: Path) -> None:
    plain, bomb = tmp_path / "plain", tmp_path / "bomb"
    plain.write_bytes(b"0" * 3_000_000)
    bomb.write_bytes(gzip.compress(b"0" * 3_000_000))
    for path in (plain, bomb):
        with pytest.raises(Unreadable, match="holds more than 2 MiB"):
            read_bytes(path, 2 << 20)
        assert len(read_bytes(path, 3 << 20)) == 3_000_000


@pytest.mark.parametrize("size", [0, 1, 1 << 20, (1 << 20) + 1])
def test_gzipped_files_are_unpacked_several_in_a_row_included(tmp_path: Path, size: int) -> None:
    path, data = tmp_path / "x", os.urandom(size)
    path.write_bytes(gzip.compress(data) + gzip.compress(data) + b"\0" * 8)
    assert read_bytes(path) == data + data


def test_a_gzipped_file_that_is_cut_or_damaged_is_refused(tmp_path: Path) -> None:
    path, whole = tmp_path / "x", gzip.compress(os.urandom(1000))
    for data, what in ((whole[:-9], "cut off"), (whole[:500] + b"\xff" * 40 + whole[540:], "damaged")):
        path.write_bytes(data)
        with pytest.raises(Unreadable, match=what):
            read_bytes(path)


def test_a_pipe_that_nobody_writes_to_and_a_device_are_no_regular_files(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    for path in (pipe, "/dev/zero"):
        with pytest.raises(Unreadable, match="no regular file"):
            read_bytes(path, regular=True)


def test_two_names_of_one_file_are_the_same_by_links_of_either_kind(tmp_path: Path) -> None:
    one, hard, soft = tmp_path / "one", tmp_path / "hard", tmp_path / "soft"
    one.write_text("")
    hard.hardlink_to(one)
    soft.symlink_to(one)
    assert same_file(one, hard)
    assert same_file(soft, tmp_path / "." / "one")
    assert not same_file(one, tmp_path / "other")
