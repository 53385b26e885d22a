"""One writer at a time. The kernel's lock dies with its owner, so there is no stale one (T183, T184)."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager

from airgap.core.errors import BusyError, StoreError


@contextmanager
def locked(path: str, *, shared: bool = False) -> Iterator[int]:
    """Hold the store's lock; shared for readers of objects, exclusive for everybody who writes.

    Raises:
        BusyError: somebody else holds it.
        StoreError: its file is missing, or not ours to write.
    """
    try:
        fd = os.open(path, os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError as exc:
        raise StoreError(f"{path}: expected the store's lock, got {os.strerror(exc.errno or 0)}") from exc
    try:
        _take(fd, fcntl.LOCK_SH if shared else fcntl.LOCK_EX, path)
        yield fd
    finally:
        os.close(fd)


def upgrade(fd: int, path: str) -> None:
    """Make a shared lock exclusive.

    Raises:
        BusyError: another reader holds it too.
    """
    _take(fd, fcntl.LOCK_EX, path)


def _take(fd: int, kind: int, path: str) -> None:
    try:
        fcntl.flock(fd, kind | fcntl.LOCK_NB)
    except BlockingIOError as exc:
        raise BusyError(
            f"{os.path.dirname(path)}: expected the store's lock to be free, got it held by another run",
            hint="wait for the other import or check to end",
        ) from exc
