"""What stands under a path of one generation, opened once and without following a link."""

import hashlib
import os
import stat
from collections import OrderedDict
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from threading import Lock
from typing import BinaryIO, Final, Self

from airgap.isolated.store.layout import Layout
from airgap.isolated.views.tree import FOLDERS

_FOLDER: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_FILE: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_CHUNK: Final = 1024 * 1024
_REMEMBERED: Final = 65_536


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
        try:
            stream = os.fdopen(os.open(parts[-1], _FILE, dir_fd=folder), "rb", buffering=0)
        except OSError:
            return None
        finally:
            os.close(folder)
        status = os.fstat(stream.fileno())
        if not stat.S_ISREG(status.st_mode):
            stream.close()
            return None
        return File(stream, status.st_size, self._digests.of(stream.fileno(), status))

    def names(self, parts: Sequence[str]) -> list[str] | None:
        """What a folder of the views holds, a slash after folders, sorted; None when there is no such folder."""
        folder = self._folder(parts)
        if folder is None:
            return None
        try:
            with os.scandir(folder) as items:
                return sorted(item.name + "/" * item.is_dir(follow_symlinks=False) for item in items)
        finally:
            os.close(folder)

    def _folder(self, parts: Sequence[str]) -> int | None:
        """The descriptor of a folder, reached step by step."""
        if not parts or parts[0] not in FOLDERS:
            return None
        fd = os.dup(self._fd)
        for part in parts:
            try:
                below = os.open(part, _FOLDER, dir_fd=fd)
            except OSError:
                return None
            finally:
                os.close(fd)
            fd = below
        return fd


class Digests:
    """SHA-256 of files, each computed when it is first asked for, and remembered as long as nobody wrote to the file."""

    def __init__(self) -> None:
        self._known: OrderedDict[tuple[int, int, int, int], str] = OrderedDict()
        self._lock = Lock()

    def of(self, fd: int, status: os.stat_result) -> str:
        """The digest of an open file, in hex."""
        key = (status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns)
        with self._lock, suppress(KeyError):
            self._known.move_to_end(key)
            return self._known[key]
        digest = _hash(fd)
        with self._lock:
            self._known[key] = digest
            if len(self._known) > _REMEMBERED:
                self._known.popitem(last=False)
        return digest


def _hash(fd: int) -> str:
    hasher, at = hashlib.sha256(), 0
    while piece := os.pread(fd, _CHUNK, at):
        hasher.update(piece)
        at += len(piece)
    return hasher.hexdigest()
