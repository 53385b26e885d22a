"""Objects: files named by their SHA-256, never overwritten."""

import os
import stat
from collections.abc import Mapping, Set
from dataclasses import dataclass, field
from typing import Final

from airgap.core.digest import Hashes
from airgap.core.reasons import Reason

_CHUNK: Final = 1024 * 1024
_DROP: Final = 32 * 1024 * 1024
_LAST: Final = 2**63 - 1
"""The latest time, in the year 2262: a file may be dated later, and must not end the check of all others by it."""
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
        digests: those that were asked for beside SHA-256, and SHA-256 with them; none of a faulty object.
    """

    fault: Reason | None
    got: str
    modified: int = 0
    inode: int = 0
    mode: int = MODE
    digests: Mapping[str, bytes] = field(default_factory=dict)


def read_object(path: str, digest: bytes, size: int, buffer: memoryview, further: Set[str] = frozenset()) -> Reading:
    """Read an object from the disk and compare it with its name; the page cache behind is dropped (T214).

    Args:
        path: of the object.
        digest: SHA-256 that it must have.
        size: bytes that it must have.
        buffer: scratch space; small objects fit into it whole.
        further: digests beside SHA-256 that somebody will ask for, by hashlib's names.
    """
    try:
        fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except FileNotFoundError:
        return Reading(Reason.OBJECT_MISSING, "no such file")
    except OSError as exc:
        return Reading(Reason.OBJECT_MISSING, os.strerror(exc.errno or 0))
    try:
        status = os.fstat(fd)
        seen = (min(status.st_mtime_ns, _LAST), status.st_ino, stat.S_IMODE(status.st_mode))
        if status.st_size != size:
            return Reading(Reason.OBJECT_TRUNCATED, f"{status.st_size} bytes", *seen)
        got = _hash(fd, size, buffer, further)
    except OSError as exc:
        return Reading(Reason.OBJECT_ROTTEN, os.strerror(exc.errno or 0))
    finally:
        os.close(fd)
    if got["sha256"] != digest:
        return Reading(Reason.OBJECT_ROTTEN, f"sha256 {got['sha256'].hex()}", *seen)
    return Reading(None, "", *seen, digests=got if further else {})


def _hash(fd: int, size: int, buffer: memoryview, further: Set[str]) -> Mapping[str, bytes]:
    hasher = Hashes(further)
    if size <= len(buffer):
        done = os.readv(fd, [buffer])
        hasher.update([buffer[:done]])
        return hasher.digests()
    os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_SEQUENTIAL)
    at = 0
    while done := os.readv(fd, [buffer]):
        hasher.update([buffer[:done]])
        if at // _DROP != (at + done) // _DROP:
            os.posix_fadvise(fd, 0, at + done, os.POSIX_FADV_DONTNEED)
        at += done
    os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_DONTNEED)
    return hasher.digests()


def scratch() -> memoryview:
    """A buffer for ``read_object``."""
    return memoryview(bytearray(_CHUNK))
