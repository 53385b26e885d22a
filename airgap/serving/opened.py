"""What stands under a path of one generation, opened once and without following a link."""

import errno
import hashlib
import os
import stat
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Lock
from typing import BinaryIO, Final, Self

from airgap.isolated.store.layout import Layout
from airgap.isolated.views.tree import FOLDERS
from airgap.serving.asked import is_name

_FOLDER: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_FILE: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_CHUNK: Final = 1024 * 1024
_REMEMBERED: Final = 65_536
_ABSENT: Final = frozenset({errno.ENOENT, errno.ENOTDIR, errno.ELOOP, errno.ENAMETOOLONG, errno.ENXIO})
"""What opening says where there is nothing to serve: no such name, a link, a socket. Anything else is a fault of ours."""


@dataclass(frozen=True, slots=True)
class File:
    """An open file. ``size`` in bytes; ``sha256`` in hex, of what it holds."""

    stream: BinaryIO
    size: int
    sha256: str


class Generation:
    """The generation that is current at this moment: an import that comes meanwhile changes nothing about it.

    Args:
        layout: of the store.
        digests: what was hashed before.

    Raises:
        OSError: there is none.
    """

    def __init__(self, layout: Layout, digests: "Digests") -> None:
        self._digests = digests
        self._fd = os.open(layout.current, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._fd)

    def file(self, parts: Sequence[str]) -> File | None:
        """The regular file under a path of the views; None when there is none."""
        folder = self._folder(parts[:-1])
        if folder is None:
            return None
        with _closing(folder):
            fd = _open(parts[-1], _FILE, folder)
        if fd is None:
            return None
        with _closing_on_failure(fd):
            status = os.fstat(fd)
            if stat.S_ISREG(status.st_mode):
                digest = self._digests.of(fd, status)
                return File(os.fdopen(fd, "rb", buffering=0), status.st_size, digest)
        os.close(fd)
        return None

    def is_folder(self, parts: Sequence[str]) -> bool:
        """Whether a folder of the views stands under a path."""
        folder = self._folder(parts)
        if folder is None:
            return False
        os.close(folder)
        return True

    def names(self, parts: Sequence[str]) -> list[str] | None:
        """What a folder of the views holds, a slash after folders, sorted; None when there is no such folder.

        What would not be served is not listed either: links, and names that somebody else wrote and no import would.
        """
        folder = self._folder(parts)
        if folder is None:
            return None
        with _closing(folder), os.scandir(folder) as items:
            names = [
                item.name + "/" * item.is_dir(follow_symlinks=False)
                for item in items
                if not item.is_symlink() and is_name(item.name)
            ]
        return sorted(names)

    def _folder(self, parts: Sequence[str]) -> int | None:
        """The descriptor of a folder, reached step by step."""
        if not parts or parts[0] not in FOLDERS:
            return None
        fd: int | None = os.dup(self._fd)
        for part in parts:
            if fd is None:
                return None
            with _closing(fd):
                fd = _open(part, _FOLDER, fd)
        return fd


class Digests:
    """SHA-256 of files, each computed when it is first asked for, and remembered as long as nobody wrote to the file.

    Who asks for a digest that is being computed waits for it: many clients that want one large file at once cost one pass.
    """

    def __init__(self) -> None:
        self._known: OrderedDict[tuple[int, int, int, int], Future[str]] = OrderedDict()
        self._lock = Lock()

    def of(self, fd: int, status: os.stat_result) -> str:
        """The digest of an open file, in hex.

        Raises:
            OSError: the file cannot be read.
        """
        # the change time is the one that nobody can set back
        key = (status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns)
        with self._lock:
            known = self._known.get(key)
            promised = self._known[key] = known or Future()
            self._known.move_to_end(key)
            if len(self._known) > _REMEMBERED:
                self._known.popitem(last=False)
        if known is None:
            self._compute(key, fd, promised)
        return promised.result()

    def _compute(self, key: tuple[int, int, int, int], fd: int, promised: "Future[str]") -> None:
        try:
            promised.set_result(_hash(fd))
        except OSError as exc:
            with self._lock:
                self._known.pop(key, None)
            promised.set_exception(exc)


def _hash(fd: int) -> str:
    hasher, at = hashlib.sha256(), 0
    while piece := os.pread(fd, _CHUNK, at):
        hasher.update(piece)
        at += len(piece)
    return hasher.hexdigest()


def _open(name: str, flags: int, folder: int) -> int | None:
    """A descriptor; None when there is nothing to serve under that name.

    Raises:
        OSError: there may be, and it cannot be had: clients must not take that for an absence.
    """
    try:
        return os.open(name, flags, dir_fd=folder)
    except OSError as exc:
        if exc.errno in _ABSENT:
            return None
        raise


@contextmanager
def _closing(fd: int) -> Iterator[None]:
    try:
        yield
    finally:
        os.close(fd)


@contextmanager
def _closing_on_failure(fd: int) -> Iterator[None]:
    try:
        yield
    except BaseException:
        os.close(fd)
        raise
