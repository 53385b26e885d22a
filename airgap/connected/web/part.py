"""A file that is being downloaded: locked, hashed while it grows, and left as it is when the run ends early."""

import os
from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import Final

from airgap.connected.web.crew import Run
from airgap.core.digest import Hashes

STEP: Final = 1024 * 1024
_MAX_TAG: Final = 4096


class Part:
    """The beginning of a file, as far as it is there.

    Args:
        fd: open for reading and writing, and locked.
        path: the file.
        algorithms: digests that are wanted besides SHA-256 and SHA-512.
        run: told about every byte.

    Attributes:
        size: bytes that are there.
        is_doubtful: it came in pieces or without a known end, so a digest that does not hold may be nobody's lie.
    """

    def __init__(self, fd: int, path: str, algorithms: Iterable[str], run: Run) -> None:
        self._fd = fd
        self._path = path
        self._further = {"sha512", *algorithms} - {"sha256"}
        self._run = run
        self.size = 0
        self._hashes = Hashes(self._further)
        self._take_up()
        self.is_doubtful = self.size > 0

    def write(self, chunk: bytes) -> None:
        """Append."""
        view = memoryview(chunk)
        while view:
            view = view[os.write(self._fd, view) :]
        self._count(chunk)

    def restart(self) -> None:
        """Throw away what is there."""
        os.ftruncate(self._fd, 0)
        os.lseek(self._fd, 0, os.SEEK_SET)
        self._run.advance(-self.size)
        self.size = 0
        self._hashes = Hashes(self._further)
        self.is_doubtful = False

    def digests(self) -> Mapping[str, str]:
        """Of what is there, in lower-case hex by hashlib's names."""
        return {name: digest.hex() for name, digest in self._hashes.digests().items()}

    def finish(self, path: str) -> os.stat_result:
        """Make it the file of that name, for ever."""
        os.fchmod(self._fd, 0o444)
        os.rename(self._path, path)
        self.forget()
        return os.fstat(self._fd)

    def tag(self, url: str) -> str | None:
        """The entity tag under which an earlier answer of the same URL began this file."""
        with suppress(OSError, ValueError), open(f"{self._path}.etag", encoding="ascii") as file:
            known, _, tag = file.read(_MAX_TAG).partition("\n")
            return tag if known == url and tag else None
        return None

    def remember(self, url: str, tag: str) -> None:
        """Keep the entity tag, if it is a strong one. Source: RFC 9110, 13.1.5: no other may continue a file."""
        self.forget()
        is_strong = tag.startswith('"') and tag.isascii() and tag.isprintable()
        if is_strong and len(url) + len(tag) < _MAX_TAG:
            with open(f"{self._path}.etag", "w", encoding="ascii") as file:
                file.write(f"{url}\n{tag}")

    def forget(self) -> None:
        """Drop the entity tag."""
        with suppress(FileNotFoundError):
            os.unlink(f"{self._path}.etag")

    def _take_up(self) -> None:
        while chunk := os.read(self._fd, STEP):
            self._run.check()
            self._count(chunk)

    def _count(self, chunk: bytes) -> None:
        self._hashes.update((chunk,))
        self.size += len(chunk)
        self._run.advance(len(chunk))
