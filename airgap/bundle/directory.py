"""The directory container: the head in a file, every entry as a plain file, nothing else.

For content guards that refuse compressed or opaque files. Source: docs/format.md, "Directory".
"""

import os
import stat
from collections.abc import Callable, Iterator
from typing import Final

from airgap.bundle import tarstream
from airgap.bundle.contents import EntryHasher, Faults, Further, Sink
from airgap.bundle.head import FILE_NAME
from airgap.core.errors import FormatError
from airgap.core.manifest import SUMS, Manifest
from airgap.core.reasons import Reason
from airgap.core.verdict import Check, Finding

_OPEN: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_CHUNK: Final = 1024 * 1024


class HeadFile:
    """The file ``bundle.head`` as a stream."""

    def __init__(self, folder: str) -> None:
        self._fd, self.length = _open(folder, FILE_NAME)

    def read(self, size: int) -> bytes:
        """The next ``size`` bytes, or fewer at the end.

        Raises:
            FormatError: with reason unreadable.
        """
        return _read_up_to(self._fd, FILE_NAME, size)

    def close(self) -> None:
        """Close the file."""
        os.close(self._fd)


def content_size(manifest: Manifest) -> int:
    """Bytes of all files but the head: what a directory's statement gives as its size."""
    entries = list(manifest.entries)
    return sum(entry.size for entry in entries) + tarstream.sums_size(entry.path for entry in entries)


def read_directory(
    folder: str,
    manifest: Manifest,
    *,
    sink: Sink,
    progress: Callable[[int], None],
    further: Further | None = None,
) -> list[Finding]:
    """Read every declared file once, prove its digest, and refuse every other file.

    Args:
        folder: untrusted.
        manifest: authentic.
        sink: gets the content of the entries, unverified.
        progress: told the bytes of content done.
        further: gets digests beside SHA-256.
    """
    faults = Faults()
    hasher = EntryHasher(faults, further or Further())
    entries = list(manifest.entries)
    declared = {entry.path for entry in entries} | {FILE_NAME, SUMS}
    for path in _undeclared(folder, declared):
        faults.add(Check.FRAMES, path, Reason.UNDECLARED_FILE, expected="a declared file", got="another one")
    try:
        for entry in entries:
            hasher.begin(entry)
            sink.begin(entry)
            is_whole = _read_file(folder, entry.path, entry.size, hasher, sink, faults)
            sink.end()
            hasher.end(is_whole=is_whole)
            progress(entry.size)
    finally:
        hasher.close()
    expected = b"".join(tarstream.sums_lines((entry.path, entry.sha256) for entry in entries))
    if _read_whole(folder, SUMS, len(expected) + 1) != expected:
        faults.add(
            Check.FILLER, SUMS, Reason.FILLER_MISMATCH, expected="the sums that the manifest implies", got="other bytes"
        )
    return faults.findings(
        {
            Check.FRAMES: "no undeclared file",
            Check.FILLER: SUMS,
            Check.CONTENT: f"{len(entries)} entries",
        }
    )


def _read_file(folder: str, path: str, size: int, hasher: EntryHasher, sink: Sink, faults: Faults) -> bool:
    """Hand a file to hasher and sink, never more of it than was signed; false when it cannot be read."""
    try:
        fd, length = _open(folder, path)
    except FormatError as exc:
        faults.add(Check.FRAMES, path, exc.reason, expected="a regular file", got=exc.message.rpartition(", got ")[2])
        return False
    try:
        if length != size:
            faults.add(Check.FRAMES, path, Reason.WRONG_SIZE, expected=f"{size} bytes", got=f"{length}")
            return False
        while size and (part := os.read(fd, min(_CHUNK, size))):
            views = [memoryview(part)]
            hasher.update(views)
            sink.write(views)
            size -= len(part)
    except OSError as exc:
        faults.add(Check.FRAMES, path, Reason.UNREADABLE, expected="its bytes", got=os.strerror(exc.errno or 0))
        return False
    finally:
        os.close(fd)
    return size == 0


def _read_whole(folder: str, path: str, limit: int) -> bytes:
    try:
        fd, _ = _open(folder, path)
    except FormatError:
        return b""
    try:
        return _read_up_to(fd, path, limit)
    finally:
        os.close(fd)


def _read_up_to(fd: int, path: str, size: int) -> bytes:
    parts = []
    try:
        while size and (part := os.read(fd, size)):
            parts.append(part)
            size -= len(part)
    except OSError as exc:
        raise _unreadable(path, exc) from exc
    return b"".join(parts)


def _unreadable(path: str, exc: OSError) -> FormatError:
    return FormatError(f"{path}: expected to read it, got {os.strerror(exc.errno or 0)}", reason=Reason.UNREADABLE)


def _open(folder: str, path: str) -> tuple[int, int]:
    reason = Reason.NOT_A_BUNDLE if path == FILE_NAME else Reason.UNREADABLE
    try:
        fd = os.open(os.path.join(folder, path), _OPEN)
    except OSError as exc:
        raise FormatError(f"{path}: expected a regular file, got {os.strerror(exc.errno or 0)}", reason=reason) from exc
    status = os.fstat(fd)
    if not stat.S_ISREG(status.st_mode):
        os.close(fd)
        raise FormatError(f"{path}: expected a regular file, got another kind", reason=reason)
    return fd, status.st_size


def _undeclared(folder: str, declared: set[str]) -> Iterator[str]:
    """Everything in the folder that is neither declared nor a folder on the way to something declared.

    Raises:
        FormatError: with reason unreadable.
    """
    parents = {path[:at] for path in declared for at, c in enumerate(path) if c == "/"}
    pending = [""]
    while pending:
        inside = pending.pop()
        for item in _list(folder, inside):
            path = f"{inside}/{item.name}" if inside else item.name
            if item.is_dir(follow_symlinks=False) and path in parents:
                pending.append(path)
            elif not (item.is_file(follow_symlinks=False) and path in declared):
                yield path


def _list(folder: str, inside: str) -> "list[os.DirEntry[str]]":
    try:
        with os.scandir(os.path.join(folder, inside)) as found:
            return list(found)
    except OSError as exc:
        raise _unreadable(inside or folder, exc) from exc
