"""Plain files: paths and globs become artifacts, signatures beside them become their evidence."""

import glob
import os
import stat
from collections.abc import Container, Iterable, Iterator
from typing import Final

from airgap.connected.collected import Collected, FileSource
from airgap.connected.request import FilesSource
from airgap.core.entries import Loss, Role
from airgap.core.errors import UsageError
from airgap.core.names import check_path
from airgap.core.purl import file_purl

# How the field names evidence that stands beside a file, longest suffix first.
EVIDENCE: Final = (
    (".sigstore.json", Role.SIGNATURE, "application/vnd.dev.sigstore.bundle+json"),
    (".publish.attestation", Role.ATTESTATION, "application/vnd.pypi.integrity.v1+json"),
    (".provenance.json", Role.ATTESTATION, "application/json"),
    (".intoto.jsonl", Role.ATTESTATION, "application/jsonl"),
    (".provenance", Role.ATTESTATION, "application/json"),
    (".sigstore", Role.SIGNATURE, "application/vnd.dev.sigstore.bundle+json"),
    (".minisig", Role.SIGNATURE, "text/plain"),
    (".att", Role.ATTESTATION, "application/json"),
    (".asc", Role.SIGNATURE, "application/pgp-signature"),
    (".gpg", Role.SIGNATURE, "application/pgp-signature"),
    (".sig", Role.SIGNATURE, "application/octet-stream"),
    (".p7s", Role.SIGNATURE, "application/pkcs7-signature"),
)
_SUFFIXES: Final = tuple(suffix for suffix, _, _ in EVIDENCE)


def collect_files(wanted: FilesSource) -> Iterator[Collected | Loss]:
    """Artifacts with their evidence, and what cannot be carried, in the order of their paths.

    Raises:
        UsageError: a path that matches nothing, two files of one name, evidence for nothing, or a purl for several files.
        FormatError: a name that is not portable.
    """
    losses: dict[str, str] = {}
    beside = _sort_out(_find(wanted.folder, wanted.evidence), losses)
    aside = {source.file for source in beside.values()}
    found = _sort_out((item for item in _find(wanted.folder, wanted.paths) if item[1] not in aside), losses)
    evidence = _pair(found, beside)
    artifacts = sorted(found)
    if wanted.purl and len(artifacts) != 1:
        raise UsageError(f"request: expected one file for a purl, got {len(artifacts)}")
    for path in artifacts:
        yield _collected(path, found.pop(path), evidence.get(path, {}), wanted)
    for path, what in sorted(losses.items()):
        yield Loss(file_purl(path), "not-selected", what)


def _collected(path: str, source: FileSource, evidence: dict[str, FileSource], wanted: FilesSource) -> Collected:
    inside = f"{wanted.into}/{path}" if wanted.into else path
    check_path(inside)
    folder = os.path.dirname(inside)
    return Collected(
        source=source._replace(path=f"artifacts/files/{inside}"),
        purl=wanted.purl or file_purl(inside),
        custody=(wanted.requested_by,) if wanted.requested_by else (),
        evidence=tuple(
            (source._replace(path=os.path.join("documents/files", folder, os.path.basename(name))), *_kind(name))
            for name, source in sorted(evidence.items())
        ),
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


def _pair(found: dict[str, FileSource], beside: dict[str, FileSource]) -> dict[str, dict[str, FileSource]]:
    """Take the evidence out of ``found``; returns it, and what stands elsewhere, by the artifact it belongs to.

    A signature of a signature belongs to the artifact under both.
    """
    subjects = {path: subject for path in found if (subject := _subject(path, found))}
    evidence: dict[str, dict[str, FileSource]] = {}
    sources = {path: found.pop(path) for path in subjects}
    for path, source in sources.items():
        artifact = subjects[path]
        while artifact in subjects:
            artifact = subjects[artifact]
        evidence.setdefault(artifact, {})[path] = source
    named: dict[str, list[str]] = {}
    if beside:
        for path in found:
            named.setdefault(os.path.basename(path), []).append(path)
    for path, source in beside.items():
        own = os.path.basename(path)
        name = _subject(own, named)
        if name is None:
            raise UsageError(f"request: expected an artifact for the evidence {path!a:.120}, got none of that name")
        for artifact in named[name]:
            # in the bundle it stands beside its artifact, wherever it was found
            place = os.path.join(os.path.dirname(artifact), own)
            known = evidence.setdefault(artifact, {}).setdefault(place, source)
            if not os.path.samefile(known.file, source.file):
                raise UsageError(f"request: expected one file {own!a:.120} as evidence of {artifact!a:.120}, got two")
    return evidence


def _subject(path: str, known: Container[str]) -> str | None:
    """The known path that this one, by its suffix, is evidence for."""
    if not path.endswith(_SUFFIXES):
        return None
    for suffix in _SUFFIXES:
        subject = path.removesuffix(suffix)
        if subject != path and subject in known:
            return subject
    return None


def _kind(path: str) -> tuple[Role, str]:
    return next(((role, media) for suffix, role, media in EVIDENCE if path.endswith(suffix)))
