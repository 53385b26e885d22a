"""What a bundle arrives on: one file, its volumes, or a directory. Opened once, read once, never written.

Source: docs/format.md, "Volumes"; threats T170-T172, T187.
"""

import os
import re
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

from airgap.core.errors import FormatError, UsageError
from airgap.core.reasons import Reason

_NUMBER = re.compile(r"(.+)\.([0-9]{3,})")
_OPEN: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
DROP_WINDOW: Final = 32 * 1024 * 1024
"""Bytes read before the page cache behind them is dropped: bulk reads must not push out everything else."""


@dataclass(frozen=True, slots=True)
class Volume:
    """One slice: an open file, its size in bytes and the offset of its first byte in the whole."""

    name: str
    path: str
    fd: int
    size: int
    start: int


class Medium:
    """The slices of a bundle as one stream from front to back."""

    def __init__(self, volumes: Sequence[Volume]) -> None:
        self.volumes = volumes
        self.length = volumes[-1].start + volumes[-1].size
        self._at = 0
        self._current = 0
        self._dropped = 0

    def read(self, size: int) -> bytes:
        """The next ``size`` bytes, or fewer at the end.

        Raises:
            FormatError: with reason unreadable, naming the volume.
        """
        first = self._read_some(size)
        if len(first) == size:
            return first
        parts = [first]
        left = size - len(first)
        while left and (part := self._read_some(left)):
            parts.append(part)
            left -= len(part)
        return b"".join(parts)

    def volume_at(self, offset: int) -> str:
        """The name of the volume that holds a byte."""
        return next((v.name for v in self.volumes if offset < v.start + v.size), self.volumes[-1].name)

    def _read_some(self, size: int) -> bytes:
        volume = self.volumes[self._current]
        try:
            part = os.read(volume.fd, size)
        except OSError as exc:
            raise FormatError(
                f"{volume.name}: expected to read it, got {os.strerror(exc.errno or 0)}", reason=Reason.UNREADABLE
            ) from exc
        if not part and self._current + 1 < len(self.volumes):
            if self._at != volume.start + volume.size:
                raise FormatError(f"{volume.name}: expected {volume.size} bytes, got fewer", reason=Reason.UNREADABLE)
            self._current += 1
            return self._read_some(size)
        self._at += len(part)
        self._drop_behind(volume)
        return part

    def _drop_behind(self, volume: Volume) -> None:
        if self._at - self._dropped >= DROP_WINDOW:
            os.posix_fadvise(volume.fd, 0, self._at - volume.start, os.POSIX_FADV_DONTNEED)
            self._dropped = self._at


@contextmanager
def open_medium(paths: Sequence[str]) -> Iterator[Medium]:
    """Open a bundle's file or volumes, each once, without following links.

    One path of a numbered volume stands for all its neighbours in the same folder; volumes may be given in any order.

    Raises:
        FormatError: with reason not-a-bundle, unreadable or volume-missing.
        UsageError: a file that does not exist.
    """
    volumes: list[Volume] = []
    try:
        start = 0
        for path in _in_order(paths):
            fd, size = _open_regular(path)
            volumes.append(Volume(os.path.basename(path), path, fd, size, start))
            start += size
        yield Medium(volumes)
    finally:
        for volume in volumes:
            os.close(volume.fd)


def is_directory(path: str) -> bool:
    """Whether a path is a directory (a link to one is not)."""
    try:
        return stat.S_ISDIR(os.lstat(path).st_mode)
    except OSError:
        return False


def _open_regular(path: str) -> tuple[int, int]:
    """The descriptor and size of a regular file (T170: no link, fifo, device, directory)."""
    try:
        fd = os.open(path, _OPEN)
    except FileNotFoundError as exc:
        raise UsageError(f"{path}: expected a bundle, got no such file") from exc
    except OSError as exc:
        is_link = os.path.islink(path)
        raise FormatError(
            f"{path}: expected a regular file, got {'a symbolic link' if is_link else os.strerror(exc.errno or 0)}",
            reason=Reason.NOT_A_BUNDLE if is_link else Reason.UNREADABLE,
        ) from exc
    status = os.fstat(fd)
    if not stat.S_ISREG(status.st_mode):
        os.close(fd)
        raise FormatError(f"{path}: expected a regular file, got another kind", reason=Reason.NOT_A_BUNDLE)
    os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_SEQUENTIAL)
    return fd, status.st_size


def _in_order(paths: Sequence[str]) -> list[str]:
    """Volumes by their number; a single file as it is."""
    if len(paths) == 1:
        paths = _with_neighbours(paths[0])
    if len(paths) == 1 and not _NUMBER.fullmatch(paths[0]):
        return list(paths)
    numbered: dict[int, str] = {}
    for path in paths:
        found = _NUMBER.fullmatch(path)
        if not found:
            raise UsageError(f"{path}: expected a volume such as x.airgap.001, got another name")
        other = numbered.setdefault(int(found[2]), path)
        if other != path:
            raise UsageError(f"{path}: expected every volume once, got number {found[2]} twice")
    for number in range(1, max(numbered) + 1):
        if number not in numbered:
            raise FormatError(f"volume {number:03d}: expected it among the files, got none", reason=Reason.VOLUME_MISSING)
    return [numbered[number] for number in sorted(numbered)]


def _with_neighbours(path: str) -> list[str]:
    """All volumes in the folder of one of them; ``x.airgap`` finds ``x.airgap.001`` too."""
    found = _NUMBER.fullmatch(path)
    stem = found[1] if found else path
    if not found and os.path.lexists(path):
        return [path]
    folder, name = os.path.split(stem)
    try:
        names = os.listdir(folder or ".")
    except OSError:
        return [path]
    neighbours = [n for n in names if (m := _NUMBER.fullmatch(n)) and m[1] == name]
    return [os.path.join(folder, n) for n in neighbours] or [path]
