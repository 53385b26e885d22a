"""The directory container while it is written: under a temporary name until everything is durable."""

import os
from collections.abc import Callable, Set
from typing import Final

from airgap.bundle.writer import Digests, Source
from airgap.core.digest import Hashes
from airgap.core.errors import UsageError

_CHUNK: Final = 1024 * 1024
_FAT_FORBIDDEN: Final = frozenset('*?"<>|:')
MAX_FAT32: Final = 4 * 1024**3 - 1


def medium_faults(path: str, size: int) -> list[str]:
    """Which common media could not hold a file: ISO 9660 level 3, UDF and FAT32 have narrower rules than ours.

    Args:
        path: inside the directory.
        size: bytes.
    """
    faults = []
    if size > MAX_FAT32:
        faults.append("FAT32 holds no file of 4 GiB")
    if _FAT_FORBIDDEN & set(path):
        faults.append("FAT32 knows no name with one of " + "".join(sorted(_FAT_FORBIDDEN)))
    if len(path.encode()) > 255:
        faults.append("ISO 9660 with Joliet or UDF bridges may cut a path over 255 bytes")
    return faults


class TreeWriter:
    """Writes the entries of a directory bundle."""

    def __init__(self, out: str) -> None:
        folder, name = os.path.split(os.path.normpath(out))
        self._out = os.path.normpath(out)
        self.temporary = os.path.join(folder, f".{name}.part")
        self._known: set[str] = set()
        if os.path.lexists(self._out):
            raise UsageError(f"{out}: expected a new name, got something that exists")
        try:
            os.mkdir(self.temporary, 0o755)
        except OSError as exc:
            raise UsageError(f"{self.temporary}: expected to create it, got {os.strerror(exc.errno or 0)}") from exc

    def write(self, source: Source, progress: Callable[[int], None], further: Set[str] = frozenset()) -> Digests:
        """Copy one entry, hashing on the way; returns its raw digests: SHA-256 and those asked for."""
        hasher = Hashes(further)
        buffer = memoryview(bytearray(_CHUNK))
        fd = self._create(source.path)

        def done(view: memoryview) -> None:
            hasher.update([view])
            _write_all(fd, view)
            progress(len(view))

        try:
            source.read(lambda: buffer, done)
            os.fsync(fd)
        finally:
            os.close(fd)
        return hasher.digests()

    def write_bytes(self, path: str, content: bytes) -> None:
        """Write one file of ours."""
        fd = self._create(path)
        try:
            _write_all(fd, memoryview(content))
            os.fsync(fd)
        finally:
            os.close(fd)

    def commit(self) -> None:
        """Make the folders durable and give the tree its name."""
        for folder, _, _ in os.walk(self.temporary, topdown=False):
            _sync(folder)
        os.rename(self.temporary, self._out)
        _sync(os.path.dirname(self._out) or ".")

    def _create(self, path: str) -> int:
        folder = os.path.dirname(path)
        if folder not in self._known:
            os.makedirs(os.path.join(self.temporary, folder), 0o755, exist_ok=True)
            self._known.add(folder)
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        return os.open(os.path.join(self.temporary, path), flags, 0o644)


def _write_all(fd: int, view: memoryview) -> None:
    while view:
        view = view[os.write(fd, view) :]


def _sync(folder: str) -> None:
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
