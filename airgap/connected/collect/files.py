"""Plain files: paths and globs become artifacts, signatures beside them become their evidence."""

import glob
import os
import stat
from collections.abc import Iterator
from typing import Final

from airgap.connected.collected import Collected, FileSource
from airgap.connected.request import FilesSource
from airgap.core.errors import UsageError
from airgap.core.manifest import Loss, Role
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


def collect_files(wanted: FilesSource) -> Iterator[Collected | Loss]:
    """Artifacts with their evidence, and what cannot be carried, in the order of their paths.

    Raises:
        UsageError: a path that matches nothing, or a purl for several files.
        FormatError: a name that is not portable.
    """
    found = dict(_find(wanted.folder, wanted.paths))
    beside = dict(_find(wanted.folder, wanted.evidence))
    aside = set(beside.values())
    found = {path: file for path, file in found.items() if file not in aside}
    evidence = {path: _evidence_of(path, found) for path in found}
    losses = {path: what for path, file in found.items() if (what := _fault(file))}
    artifacts = [path for path in sorted(found) if path not in losses and evidence[path] is None]
    if wanted.purl and len(artifacts) != 1:
        raise UsageError(f"request: expected one file for a purl, got {len(artifacts)}")
    for path in artifacts:
        own = {p: found[p] for p, subject in evidence.items() if subject == path and p not in losses}
        own |= {p: beside[p] for p in beside if _evidence_of(p, {path: ""}, by_name=True) and p not in own}
        yield _collected(path, found[path], own, wanted)
    for path, what in sorted(losses.items()):
        yield Loss(file_purl(path), "not-selected", what)


def _collected(path: str, file: str, evidence: dict[str, str], wanted: FilesSource) -> Collected:
    inside = f"{wanted.into}/{path}" if wanted.into else path
    check_path(inside)
    folder = os.path.dirname(inside)
    return Collected(
        source=FileSource.of(f"artifacts/files/{inside}", file),
        purl=wanted.purl or file_purl(inside),
        custody=(wanted.requested_by,) if wanted.requested_by else (),
        evidence=tuple(
            (FileSource.of(os.path.join("documents/files", folder, os.path.basename(name)), other), *_kind(name))
            for name, other in sorted(evidence.items())
        ),
    )


def _find(folder: str, patterns: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    """Pairs of path in the view and path on disk."""
    for pattern in patterns:
        if os.path.isabs(pattern):
            hits = glob.glob(pattern, recursive=True, include_hidden=True) or [pattern]
        else:
            whole = os.path.join(folder, pattern)
            hits = [whole] if os.path.lexists(whole) else glob.glob(whole, recursive=True, include_hidden=True)
        if not hits or not os.path.lexists(hits[0]):
            raise UsageError(f"request: expected files at {pattern!a:.200}, got none")
        for hit in hits:
            if os.path.isdir(hit) and not os.path.islink(hit):
                yield from _walk(hit)
            else:
                yield os.path.basename(hit), hit


def _walk(folder: str) -> Iterator[tuple[str, str]]:
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
                    yield path, item.path


def _fault(file: str) -> str | None:
    """Why a file cannot travel; said as a loss, because a bundle knows only regular files."""
    mode = os.lstat(file).st_mode
    if stat.S_ISREG(mode):
        return None
    return "a symbolic link" if stat.S_ISLNK(mode) else "no regular file"


def _evidence_of(path: str, files: dict[str, str], *, by_name: bool = False) -> str | None:
    """The file that a path is evidence for, if there is one among ``files``."""
    for suffix, _, _ in EVIDENCE:
        subject = path.removesuffix(suffix)
        if subject == path:
            continue
        if subject in files:
            return subject
        if by_name:
            name = os.path.basename(subject)
            return next((p for p in files if os.path.basename(p) == name), None)
    return None


def _kind(path: str) -> tuple[Role, str]:
    return next(((role, media) for suffix, role, media in EVIDENCE if path.endswith(suffix)))
