"""Plain files: paths and globs become artifacts, signatures beside them become their evidence."""

import glob
import os
import stat
from collections.abc import Iterable, Iterator

from airgap.connected.collect.pairing import pair
from airgap.connected.collect.suffixes import KEY_KINDS, kind_of
from airgap.connected.collected import Collected, FileSource
from airgap.connected.request import FilesSource
from airgap.core.entries import Loss, Role
from airgap.core.errors import UsageError
from airgap.core.names import check_path
from airgap.core.purl import file_purl

Keys = tuple[tuple[FileSource, Role, str], ...]


def collect_files(wanted: FilesSource) -> Iterator[Collected | Loss]:
    """Artifacts with their evidence, and what cannot be carried, in the order of their paths.

    Raises:
        UsageError: a path that matches nothing, two files of one name, evidence for nothing, or a purl for several files.
        FormatError: a name that is not portable.
    """
    losses: dict[str, str] = {}
    keys = _keys(wanted, losses)
    beside = _sort_out(_find(wanted.folder, wanted.evidence), losses)
    aside = {source.file for source in beside.values()} | {source.file for source, _, _ in keys}
    found = _sort_out((item for item in _find(wanted.folder, wanted.paths) if item[1] not in aside), losses)
    evidence = pair(found, beside)
    artifacts = sorted(found)
    if wanted.purl and len(artifacts) != 1:
        raise UsageError(f"request: expected one file for a purl, got {len(artifacts)}")
    for path in artifacts:
        own = evidence.get(path, {})
        yield _collected(path, found.pop(path), own, wanted, keys)
        if not own and wanted.without_evidence:
            yield Loss(wanted.purl or file_purl(_inside(path, wanted)), wanted.without_evidence, "said by the request")
    for path, what in sorted(losses.items()):
        yield Loss(file_purl(path), "not-selected", what)


def _collected(
    path: str, source: FileSource, evidence: dict[str, FileSource], wanted: FilesSource, keys: Keys
) -> Collected:
    inside = _inside(path, wanted)
    check_path(inside)
    return Collected(
        source=source._replace(path=f"artifacts/files/{inside}"),
        purl=wanted.purl or file_purl(inside),
        custody=(wanted.requested_by,) if wanted.requested_by else (),
        evidence=(
            *(
                (source._replace(path=f"documents/files/{_inside(name, wanted)}"), *kind_of(name))
                for name, source in sorted(evidence.items())
            ),
            *(keys if evidence else ()),
        ),
    )


def _inside(path: str, wanted: FilesSource) -> str:
    """Where a file stands in the view."""
    return f"{wanted.into}/{path}" if wanted.into else path


def _keys(wanted: FilesSource, losses: dict[str, str]) -> Keys:
    """What anchors name by a fingerprint or digest, for all artifacts of the source: certificates, key lists, roots."""
    found = _sort_out(_find(wanted.folder, wanted.keys), losses)
    return tuple(
        (source._replace(path=f"documents/keys/{path}"), *KEY_KINDS.get(os.path.splitext(path)[1], KEY_KINDS[""]))
        for path, source in sorted(found.items())
    )


def _find(folder: str, patterns: tuple[str, ...]) -> Iterator[tuple[str, str, os.stat_result]]:
    """Path in the view, path on disk and status of everything that is no folder."""
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


def _sort_out(items: Iterable[tuple[str, str, os.stat_result]], losses: dict[str, str]) -> dict[str, FileSource]:
    """Regular files by their path; the rest becomes losses, because a bundle knows only regular files."""
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
