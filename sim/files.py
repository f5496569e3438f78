"""Files as they are read and written everywhere: read with a limit and as UTF-8, written whole or not at all.

What is written has a name of its own, in the same folder, until all of it is on the disk; only then does it take the
place of what was there. A run that is killed, or finds the disk full, leaves the old file as it was.
"""

from __future__ import annotations

import codecs
import errno
import io
import os
import stat
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

GIB = 1 << 30
MOST_BYTES = GIB
"""What is read of one file at most, unpacked."""

_GZIP = b"\x1f\x8b"
_UTF_16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_CHUNK = 1 << 20
_NOT_BLOCKING = getattr(os, "O_NONBLOCK", 0)
_AS_IT_IS = getattr(os, "O_BINARY", 0)

_PLAIN = {errno.ENOSPC: "the disk is full", errno.EDQUOT: "the disk quota is used up", errno.EIO: "the disk fails"}

OF_THE_MACHINE = frozenset(
    {
        *(errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EFBIG, errno.EACCES, errno.EPERM, errno.EIO, errno.EBUSY),
        *(errno.EISDIR, errno.ENOTDIR, errno.ENAMETOOLONG, errno.ELOOP, errno.EMFILE, errno.ENFILE, errno.EPIPE),
    }
)
"""What goes wrong with files, wherever it comes up, for a reason that lies with the machine or with the user."""


def reason_of(error: OSError) -> str:
    """Why it cannot be done, in plain words."""
    return _PLAIN.get(error.errno or 0) or (error.strerror or "unknown reason").lower()


# -- reading -----------------------------------------------------------------------------------------------


class Unreadable(ValueError):
    """A file that is not what was expected; its text says what it is, and never what is in it."""


def read_bytes(path: str | Path, most: int = MOST_BYTES, regular: bool = False) -> bytes:
    """What is in a file, unpacked where it is gzipped.

    most: bytes at most, once unpacked. regular: neither a pipe nor a device, which may never end.
    Raises OSError, and Unreadable where it is a folder, longer, or only a part of a gzipped file.
    """
    # Not blocking: else a pipe that nobody writes to would hold us before it can be looked at.
    with open(os.open(path, os.O_RDONLY | _AS_IT_IS | (_NOT_BLOCKING if regular else 0)), "rb") as file:
        mode = os.fstat(file.fileno()).st_mode
        if stat.S_ISDIR(mode):
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
        if regular and not stat.S_ISREG(mode):
            raise Unreadable("is no regular file")
        found = io.BytesIO()
        for piece in _unpacked(file):
            found.write(piece)
            if found.tell() > most:
                raise Unreadable(f"holds more than {most >> 20:,} MiB, which is more than is read")
        return found.getvalue()


def read_text(path: str | Path, most: int = MOST_BYTES, regular: bool = False) -> str:
    """The text of a file in UTF-8, with or without a byte-order mark; see `read_bytes`."""
    data = read_bytes(path, most, regular)
    if data.startswith(_UTF_16):
        raise Unreadable("is UTF-16 text; save it as UTF-8")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise Unreadable(f"is not UTF-8 text: {error.reason} in line {line}") from None


def _unpacked(file: BinaryIO) -> Iterator[bytes]:
    """The content in pieces, those of a gzipped file unpacked: never more in memory than is asked for."""
    begin = file.read(len(_GZIP))
    if begin != _GZIP:
        yield begin
        yield from iter(lambda: file.read(_CHUNK), b"")
        return
    unpacker = zlib.decompressobj(wbits=31)
    packed = begin + file.read(_CHUNK)
    try:
        while packed:
            yield unpacker.decompress(packed, _CHUNK)
            packed = unpacker.unconsumed_tail
            if unpacker.eof:  # several gzipped files may be written one after the other
                packed = unpacker.unused_data.lstrip(b"\0") or file.read(_CHUNK).lstrip(b"\0")
                unpacker = zlib.decompressobj(wbits=31)
                if not packed:
                    return
            packed = packed or file.read(_CHUNK)
    except zlib.error:
        raise Unreadable("is a gzipped file that is damaged") from None
    raise Unreadable("is a gzipped file that was cut off")


# -- writing -----------------------------------------------------------------------------------------------


def write_text(path: str | Path, text: str) -> None:
    """Put a text in UTF-8 in the place of a file, all of it or nothing. Raises OSError with the name of the file."""
    write_bytes(path, text.encode("utf-8"))


def write_bytes(path: str | Path, data: bytes) -> None:
    """Put bytes in the place of a file, all of them or nothing. Raises OSError with the name of the file."""
    with Writing() as writing:
        with writing.named(path), open(writing.begin(path), "wb") as file:
            file.write(data)
        writing.finish()


class Writing:
    """Files that are written side by side and then take their names one after the other, in the order of `begin`.

    A context: what has not been finished is removed at its end, and every file that was there is as it was.
    """

    def __init__(self) -> None:
        self._begun: list[tuple[Path, Path, Path]] = []

    def __enter__(self) -> Writing:
        return self

    def __exit__(self, *error: object) -> None:
        for _, target, beside in self._begun:
            if beside != target:
                with suppress(OSError):
                    beside.unlink()

    @contextmanager
    def named(self, path: str | Path) -> Iterator[None]:
        """Whatever the system says of a write inside is said of the file that the user knows."""
        try:
            yield
        except OSError as error:
            raise OSError(error.errno, error.strerror or str(error), str(path)) from None

    def begin(self, path: str | Path) -> Path:
        """An empty file to write to in place of `path`; what is no regular file, such as /dev/null, is itself."""
        shown = Path(path)
        with self.named(shown):
            target = Path(os.path.realpath(shown))  # a link stays one
            try:
                mode = os.stat(target).st_mode
            except FileNotFoundError:
                mode = None
            if mode is not None and stat.S_ISDIR(mode):
                raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
            if mode is not None and not stat.S_ISREG(mode):
                self._begun.append((shown, target, target))
                return target
            if mode is not None and not os.access(target, os.W_OK):
                raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
            beside = target.with_name(f".sim-{os.urandom(8).hex()}.tmp")
            opened = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)
            self._begun.append((shown, target, beside))
            try:
                if mode is not None:
                    os.chmod(beside, stat.S_IMODE(mode))
            finally:
                os.close(opened)
            return beside

    def finish(self, outdated: Path | None = None) -> None:
        """Have everything on the disk, then give each file its name.

        outdated: a file that is removed in between, as it would speak of the old ones beside the new.
        """
        for shown, target, beside in self._begun:
            if beside != target:
                with self.named(shown):
                    _to_disk(beside, os.O_RDWR)
        if outdated is not None:
            with self.named(outdated):
                outdated.unlink(missing_ok=True)
        while self._begun:
            shown, target, beside = self._begun[0]
            if beside != target:
                with self.named(shown):
                    os.replace(beside, target)
                with suppress(OSError):  # not all file systems know how to
                    _to_disk(target.parent, os.O_RDONLY)
            del self._begun[0]


def _to_disk(path: Path, flags: int) -> None:
    opened = os.open(path, flags)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)


def same_file(one: str | Path, other: str | Path) -> bool:
    """Whether two names lead to the same file, by links of either kind, or would if there were one."""
    try:
        return os.path.samefile(one, other)
    except OSError:
        return os.path.realpath(one) == os.path.realpath(other)
    except ValueError:  # a name with a null byte leads nowhere
        return False
