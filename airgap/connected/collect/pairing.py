"""Which file is evidence for which: by its name beside one artifact, or for all that a list, model or archive names."""

import os
from collections.abc import Container, Iterator
from typing import Final

from airgap.connected.collect.suffixes import SUFFIXES
from airgap.connected.collected import FileSource
from airgap.core.entries import Role
from airgap.core.errors import FormatError, UsageError
from airgap.evidence.recognise import MODEL_NAME
from airgap.evidence.subject import MAX_PIECE, Piece
from airgap.evidence.sums import is_list, names_in

Files = dict[str, FileSource]
_CLEAR: Final = b"-----BEGIN PGP SIGNED MESSAGE-----"
_ARCHIVE: Final = ("InRelease", "Release", "Release.gpg")


def pair(found: Files, beside: Files) -> dict[str, Files]:
    """Take the evidence out of ``found``; returns it, and what stands elsewhere, by the artifact it belongs to.

    A signature of a signature belongs to the artifact under both.

    Args:
        found: files by their path inside the view; loses what is evidence.
        beside: evidence from elsewhere, by its path there.

    Raises:
        UsageError: evidence that belongs to nothing, or two pieces of one name.
    """
    evidence: dict[str, Files] = {}
    for whole in (_lists, _models, _archives):
        whole(found, beside, evidence)
    _pair_found(found, evidence)
    _pair_beside(found, beside, evidence)
    return evidence


def _pair_found(found: Files, evidence: dict[str, Files]) -> None:
    """Signatures that stand beside their artifact."""
    subjects = {path: subject for path in found if (subject := _subject(path, found))}
    sources = {path: found.pop(path) for path in subjects}
    for path, source in sources.items():
        artifact = subjects[path]
        while artifact in subjects:
            artifact = subjects[artifact]
        evidence.setdefault(artifact, {})[path] = source


def _pair_beside(found: Files, beside: Files, evidence: dict[str, Files]) -> None:
    """Signatures from elsewhere, by name alone; in the bundle they stand beside their artifact, wherever they were."""
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
            place = os.path.join(os.path.dirname(artifact), own)
            known = evidence.setdefault(artifact, {}).setdefault(place, source)
            if not os.path.samefile(known.file, source.file):
                raise UsageError(f"request: expected one file {own!a:.120} as evidence of {artifact!a:.120}, got two")


def _lists(found: Files, beside: Files, evidence: dict[str, Files]) -> None:
    """Signed checksum lists, for the files that they name; an unsigned one is a file like any other."""
    for files in (found, beside):
        for path in [path for path in files if _is_list(path, files)]:
            group = _group(path, files)
            content = _read(files[path])
            if len(group) == 1 and not content.lstrip().startswith(_CLEAR):
                continue
            folder = os.path.dirname(path) if files is found else ""
            named = {os.path.normpath(os.path.join(folder, name)) for name in _names(content, os.path.basename(path))}
            _move(files, group, evidence, (artifact for artifact in named if artifact in found))


def _is_list(path: str, files: Files) -> bool:
    """Whether a file is a list by its name; a clearsigned one may stand alone under the name of a signature."""
    stem = path.removesuffix(".asc")
    return is_list(Piece(path if stem in files else stem, Role.ATTESTATION, "", b""))


def _models(found: Files, beside: Files, evidence: dict[str, Files]) -> None:
    """Signatures of models, for every file in their folder: what they do not cover is refused later."""
    for files in (found, beside):
        for path in [path for path in files if os.path.basename(path) == MODEL_NAME]:
            folder = os.path.dirname(path) if files is found else ""
            inside = f"{folder}/" if folder else ""
            others = [other for other in found if other.startswith(inside) and other != path]
            _move(files, [path], evidence, iter(others))


def _archives(found: Files, beside: Files, evidence: dict[str, Files]) -> None:
    """Release and Packages files of a Debian archive, for all packages of the source."""
    packages = [path for path in found if path.endswith(".deb")]
    for files in (found, beside) if packages else ():
        _move(files, [path for path in files if _is_archive(os.path.basename(path))], evidence, iter(packages))


def _is_archive(name: str) -> bool:
    return name in _ARCHIVE or name.partition(".")[0] == "Packages" or name.endswith("_Packages")


def _move(files: Files, group: list[str], evidence: dict[str, Files], artifacts: Iterator[str]) -> None:
    """Give a group of files to artifacts as evidence, if there are any."""
    taken = list(artifacts)
    if not taken:
        return
    sources = {path: files.pop(path) for path in group}
    for artifact in taken:
        evidence.setdefault(artifact, {}).update(sources)


def _group(path: str, files: Files) -> list[str]:
    """A list and the signatures beside it."""
    return [path, *(path + suffix for suffix in SUFFIXES if path + suffix in files)]


def _names(content: bytes, list_name: str) -> list[str]:
    """The files that a list names; none when it is no list after all."""
    text = content
    if content.lstrip().startswith(_CLEAR):
        # only to find the files: what was signed is what the verifier gives back
        text = content.partition(b"\n\n")[2].partition(b"\n-----BEGIN PGP SIGNATURE-----")[0]
    try:
        return list(names_in(text, list_name))
    except (FormatError, UnicodeDecodeError):
        return []


def _read(source: FileSource) -> bytes:
    if source.size > MAX_PIECE:
        return b""
    try:
        with open(source.file, "rb") as file:
            return file.read(source.size)
    except OSError as exc:
        raise UsageError(f"{source.file}: expected to read it, got {os.strerror(exc.errno or 0)}") from exc


def _subject(path: str, known: Container[str]) -> str | None:
    """The known path that this one, by its suffix, is evidence for."""
    if not path.endswith(SUFFIXES):
        return None
    for suffix in SUFFIXES:
        subject = path.removesuffix(suffix)
        if subject != path and subject in known:
            return subject
    return None
