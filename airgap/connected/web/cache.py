"""Downloads on disk, named by their digest; every one is hashed again before it is believed.

Nothing is forced to the disk: what a crash leaves is found out by its digest and downloaded again. Two programs may share
a cache: whoever downloads holds a lock on the part, and a part becomes a file by being renamed.
"""

import fcntl
import hashlib
import os
import stat
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Final

from airgap.connected.web.crew import Run
from airgap.connected.web.part import STEP, Part
from airgap.connected.web.wanted import Download, Fetched
from airgap.core.digest import Hashes
from airgap.core.errors import UsageError

_POLL: Final = 0.1


class Cache:
    """Files under ``<folder>/<algorithm>/<2 hex digits>/<hex digits>``.

    Args:
        folder: made when it is not there, for its owner alone: it may hold what an index gives only to some.

    Raises:
        UsageError: it cannot be made, or others can write to it: what an index said would be theirs to say.
    """

    def __init__(self, folder: str) -> None:
        self._folder = folder
        try:
            os.makedirs(folder, mode=0o700, exist_ok=True)
            status = os.stat(folder)
        except OSError as exc:
            raise UsageError(f"{folder}: expected a folder for downloads, got {exc.strerror}") from exc
        if status.st_uid != os.geteuid() or status.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
            raise UsageError(
                f"{folder}: expected a folder that belongs to you and that nobody else can write to, got another",
                hint="--cache names another folder, which is made for you alone; pages in it are believed without asking",
            )

    def size_of(self, wanted: Download) -> int | None:
        """Bytes of a file that is there, unread."""
        try:
            return os.stat(self._path(wanted)).st_size
        except FileNotFoundError:
            return None

    def find(self, wanted: Download, run: Run) -> Fetched | None:
        """A file that is there and holds all digests."""
        try:
            fd = os.open(self._path(wanted), os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
        except OSError:
            return None
        with os.fdopen(fd, "rb", buffering=0) as file:
            hashes = Hashes({"sha512", *wanted.digests} - {"sha256"})
            for chunk in iter(lambda: file.read(STEP), b""):
                run.check()
                hashes.update((chunk,))
            digests = {name: digest.hex() for name, digest in hashes.digests().items()}
            status = os.fstat(fd)
        is_good = status.st_size == (status.st_size if wanted.size is None else wanted.size) and holds(wanted, digests)
        return self._fetched(wanted, digests, status) if is_good else None

    @contextmanager
    def part(self, wanted: Download, run: Run) -> Iterator[Part]:
        """The part of a file, for nobody else meanwhile; what is in it afterwards stays for the next run."""
        path = f"{self._path(wanted)}.part"
        os.makedirs(os.path.dirname(path), exist_ok=True)
        fd = _lock(path, run.pause)
        try:
            part = Part(fd, path, wanted.digests, run)
            try:
                yield part
            finally:
                if not part.size and _is_still(path, fd):
                    part.forget()
                    os.unlink(path)
        finally:
            os.close(fd)

    def adopt(self, wanted: Download, part: Part) -> Fetched:
        """Make a part the file, in place of whatever is there under its name."""
        return self._fetched(wanted, part.digests(), part.finish(self._path(wanted)))

    def keep(self, content: bytes) -> Fetched:
        """Bytes that were made here, as a file."""
        digest = hashlib.sha256(content).hexdigest()
        wanted = Download(urls=(), digests={"sha256": digest}, size=len(content), name=digest)
        run = Run()
        if found := self.find(wanted, run):
            return found
        with self.part(wanted, run) as part:
            part.restart()
            part.write(content)
            return self.adopt(wanted, part)

    def _path(self, wanted: Download) -> str:
        algorithm, digits = wanted.key
        return os.path.join(self._folder, algorithm, digits[:2], digits)

    def _fetched(self, wanted: Download, digests: Mapping[str, str], status: os.stat_result) -> Fetched:
        return Fetched(self._path(wanted), status.st_size, status.st_mtime_ns, digests["sha256"], digests["sha512"])


def holds(wanted: Download, digests: Mapping[str, str]) -> bool:
    """Whether all that was promised is there."""
    return all(digests[name] == digits for name, digits in wanted.digests.items())


def _lock(path: str, pause: Callable[[float], None]) -> int:
    """Open a file of which nobody else has the lock, and which still has its name."""
    while True:
        fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        try:
            _wait_for_lock(fd, pause)
        except BaseException:
            os.close(fd)
            raise
        if _is_still(path, fd):
            return fd
        os.close(fd)  # the one before us finished it


def _wait_for_lock(fd: int, pause: Callable[[float], None]) -> None:
    """Poll: who waits in the kernel cannot be interrupted."""
    while True:
        with suppress(BlockingIOError):
            return fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        pause(_POLL)


def _is_still(path: str, fd: int) -> bool:
    try:
        return os.path.samestat(os.stat(path, follow_symlinks=False), os.fstat(fd))
    except FileNotFoundError:
        return False
