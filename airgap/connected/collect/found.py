"""Files that a request names by paths and globs, on disk."""

import glob
import os
import stat
from collections.abc import Iterable, Iterator

from airgap.connected.collect.suffixes import KEY_KINDS
from airgap.connected.collected import FileSource
from airgap.core.entries import Role
from airgap.core.errors import UsageError

Keys = tuple[tuple[FileSource, Role, str], ...]


def find(folder: str, patterns: tuple[str, ...]) -> Iterator[tuple[str, str, os.stat_result]]:
    """Path in the view, path on disk and status of everything that is no folder.

    Raises:
        UsageError: a pattern that matches nothing.
    """
    for pattern in patterns:
        whole = os.path.join(folder, pattern)
        hits = [whole] if os.path.lexists(whole) else glob.glob(whole, recursive=True, include_hidden=True)
        if not hits:
            raise UsageError(f"request: expected files at {pattern!a:.200}, got none")
        for hit in hits:
            status = os.lstat(hit)
            if stat.S_ISDIR(status.st_mode):
                yield from _walk(hit)
            else:
                yield os.path.basename(hit), hit, status


def _walk(folder: str) -> Iterator[tuple[str, str, os.stat_result]]:
    """Everything below a folder that is no folder; links to folders are not entered."""
    pending = [""]
    while pending:
        inside = pending.pop()
        with os.scandir(os.path.join(folder, inside)) as items:
            for item in items:
                path = f"{inside}/{item.name}" if inside else item.name
                if item.is_dir(follow_symlinks=False):
                    pending.append(path)
                else:
                    yield path, item.path, item.stat(follow_symlinks=False)


def sort_out(items: Iterable[tuple[str, str, os.stat_result]], losses: dict[str, str]) -> dict[str, FileSource]:
    """Regular files by their path; the rest becomes losses, because a bundle knows only regular files.

    Raises:
        UsageError: two files of one name.
    """
    found: dict[str, FileSource] = {}
    for path, file, status in items:
        if not stat.S_ISREG(status.st_mode):
            losses[path] = "a symbolic link" if stat.S_ISLNK(status.st_mode) else "no regular file"
            continue
        source = FileSource(path, file, status.st_size, status.st_mtime_ns)
        known = found.setdefault(path, source)
        if known is not source and not os.path.samefile(known.file, file):
            raise UsageError(f"request: expected one file named {path!a:.120}, got two from different folders")
    return found


def find_keys(folder: str, patterns: tuple[str, ...], losses: dict[str, str]) -> Keys:
    """What anchors name by a fingerprint or digest, for all artifacts of a source: certificates, key lists, roots.

    Raises:
        UsageError: a pattern that matches nothing, or two files of one name.
    """
    found = sort_out(find(folder, patterns), losses)
    return tuple(
        (source._replace(path=f"documents/keys/{path}"), *KEY_KINDS.get(os.path.splitext(path)[1], KEY_KINDS[""]))
        for path, source in sorted(found.items())
    )
