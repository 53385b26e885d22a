"""Objects: files named by their SHA-256, never overwritten."""

import hashlib
import os
import stat
from dataclasses import dataclass
from typing import Final

from airgap.core.reasons import Reason

_CHUNK: Final = 1024 * 1024
_DROP: Final = 32 * 1024 * 1024
MODE: Final = 0o444


@dataclass(frozen=True, slots=True)
class Reading:
    """What reading an object gave.

    Attributes:
        fault: why it is not what it should be, None when it is.
        got: in words.
        modified: inode's modification time in nanoseconds, 0 when there is no file.
        inode: its number, 0 when there is no file.
        mode: permission bits.
    """

    fault: Reason | None
    got: str
    modified: int = 0
    inode: int = 0
    mode: int = MODE


def read_object(path: str, digest: bytes, size: int, buffer: memoryview) -> Reading:
    """Read an object from the disk and compare it with its name; the page cache behind is dropped (T214).

    Args:
        path: of the object.
        digest: SHA-256 that it must have.
        size: bytes that it must have.
        buffer: scratch space; small objects fit into it whole.
    """
    try:
        fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except FileNotFoundError:
        return Reading(Reason.OBJECT_MISSING, "no such file")
    except OSError as exc:
        return Reading(Reason.OBJECT_MISSING, os.strerror(exc.errno or 0))
    try:
        status = os.fstat(fd)
        seen = (status.st_mtime_ns, status.st_ino, stat.S_IMODE(status.st_mode))
        if status.st_size != size:
            return Reading(Reason.OBJECT_TRUNCATED, f"{status.st_size} bytes", *seen)
        got = _hash(fd, size, buffer)
    except OSError as exc:
        return Reading(Reason.OBJECT_ROTTEN, os.strerror(exc.errno or 0))
    finally:
        os.close(fd)
    if got != digest:
        return Reading(Reason.OBJECT_ROTTEN, f"sha256 {got.hex()}", *seen)
    return Reading(None, "", *seen)


def _hash(fd: int, size: int, buffer: memoryview) -> bytes:
    if size <= len(buffer):
        done = os.readv(fd, [buffer])
        return hashlib.sha256(buffer[:done]).digest()
    os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_SEQUENTIAL)
    hasher = hashlib.sha256()
    at = 0
    while done := os.readv(fd, [buffer]):
        hasher.update(buffer[:done])
        if at // _DROP != (at + done) // _DROP:
            os.posix_fadvise(fd, 0, at + done, os.POSIX_FADV_DONTNEED)
        at += done
    os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_DONTNEED)
    return hasher.digest()


def scratch() -> memoryview:
    """A buffer for ``read_object``."""
    return memoryview(bytearray(_CHUNK))
