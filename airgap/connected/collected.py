"""What collectors hand over: artifacts as sources of bytes, with their evidence."""

import os
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from airgap.core.entries import Role
from airgap.core.errors import UsageError


class FileSource(NamedTuple):
    """A file on disk. ``size`` in bytes and ``changed`` in nanoseconds are as they were when it was found.

    ``sha256`` is what it has to be, where something was verified of it before: only what is sealed counts.
    """

    path: str
    file: str
    size: int
    changed: int
    sha256: bytes | None = None

    def fill(self, view: memoryview) -> None:
        """Read the file once into a buffer of its size.

        Raises:
            UsageError: it was changed since it was found.
        """
        fd = self._open()
        try:
            done = os.readv(fd, [view])
            while done < self.size:
                got = os.readv(fd, [view[done:]])
                if not got:
                    raise self._changed()
                done += got
            self._check(fd)
        finally:
            os.close(fd)

    def read(self, into: Callable[[], memoryview], done: Callable[[memoryview], None]) -> None:
        """Read the file once into the buffers of the writer.

        Raises:
            UsageError: it was changed since it was found, so nobody can say what would be sealed.
        """
        fd = self._open()
        try:
            left = self.size
            at = 0
            while left:
                room = into()[:left]
                got = os.readv(fd, [room])
                if not got:
                    raise self._changed()
                done(room[:got])
                left -= got
                at = self._drop_behind(fd, at, got)
            self._check(fd)
        finally:
            os.close(fd)

    def _open(self) -> int:
        try:
            return os.open(self.file, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
        except OSError as exc:
            raise UsageError(f"{self.file}: expected to read it, got {os.strerror(exc.errno or 0)}") from exc

    def _check(self, fd: int) -> None:
        status = os.fstat(fd)
        if (status.st_size, status.st_mtime_ns) != (self.size, self.changed):
            raise self._changed()

    def _drop_behind(self, fd: int, at: int, got: int) -> int:
        """Let go of the page cache behind a large file, so that the export does not push out everything else."""
        step = 32 * 1024 * 1024
        if at // step != (at + got) // step:
            os.posix_fadvise(fd, 0, at + got, os.POSIX_FADV_DONTNEED)
        return at + got

    def _changed(self) -> UsageError:
        return UsageError(f"{self.file}: expected {self.size} bytes as they were found, got a file that changed meanwhile")


class Collected(NamedTuple):
    """One artifact and where it comes from. ``metadata`` is what its index says about it, for the manifest."""

    source: FileSource
    purl: str
    evidence: tuple[tuple[FileSource, Role, str], ...] = ()
    custody: tuple[Mapping[str, str], ...] = ()
    metadata: Mapping[str, Any] = {}


class Carried(NamedTuple):
    """A document that is evidence of nothing: what an index says, for the index on the other side."""

    source: FileSource
    role: Role
    media: str


class Planned(NamedTuple):
    """An artifact that would travel. ``size`` in bytes, None when the index does not say."""

    path: str
    purl: str
    size: int | None
