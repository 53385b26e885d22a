"""Checksum lists that another piece of evidence signs, such as SHA256SUMS beside SHA256SUMS.asc.

Source: GNU coreutils, "cksum output modes" (the untagged and the tagged form, with escaped names); cksum(1) of OpenBSD.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Final, NamedTuple

from airgap.core.entries import inside
from airgap.core.errors import FormatError
from airgap.core.verdict import Finding, Proof, Result
from airgap.evidence.subject import Bench, Piece, Subject

KIND: Final = "sums"
_SIZES: Final = {32: "md5", 40: "sha1", 64: "sha256", 96: "sha384", 128: "sha512"}
_TAGS: Final = {
    b"MD5": "md5",
    b"SHA1": "sha1",
    b"SHA256": "sha256",
    b"SHA384": "sha384",
    b"SHA512": "sha512",
    b"BLAKE2b": "blake2b",
}
_HEX_DIGITS: Final = {name: size for size, name in _SIZES.items()} | {"blake2b": 128}
_STRONG: Final = ("sha256", "sha384", "sha512", "blake2b")
_WORDS: Final = {
    f"{word}{ending}": algorithm
    for word, algorithm in (*((name, name) for name in _HEX_DIGITS), ("b2", "blake2b"))
    for ending in ("", "sum", "sums")
} | {"shasums256": "sha256", "shasums512": "sha512"}
# each form has one way to match, so none backtracks; names may hold any byte but a line's end
_GNU: Final = re.compile(rb"(\\?)([0-9a-fA-F]{32,128}) [ *]([^\n]+)")
_BSD: Final = re.compile(rb"(\\?)([A-Za-z0-9]{3,8}) \(([^\n]+)\) = ([0-9a-fA-F]{32,128})")
_LONE: Final = re.compile(rb"[0-9a-fA-F]{32,128}")
_ESCAPE: Final = re.compile(rb"\\(.?)", re.DOTALL)
_ESCAPED: Final = {b"\\": b"\\", b"n": b"\n", b"r": b"\r"}
_PEEK: Final = 4096


class Line(NamedTuple):
    """One promise of a list: this name has this digest."""

    algorithm: str
    name: bytes
    digest: bytes


def is_list(piece: Piece) -> bool:
    """Whether a piece is a checksum list: by its name, or because its first promise looks like one."""
    words = _words(piece.name.casefold().removesuffix(".txt"))
    if words[-1] in _WORDS or words[-1].endswith(("checksum", "checksums")):
        return True
    lines = piece.content[:_PEEK].split(b"\n")
    first = next((line for line in lines if not _is_silent(line)), b"")
    return bool(_GNU.fullmatch(first) or _BSD.fullmatch(first))


def verify_list(subject: Subject, listing: Piece, text: bytes, signed_by: Finding) -> Finding:
    """The finding about an artifact that follows from a signed list.

    Args:
        subject: the artifact.
        listing: the piece that holds the list; its path says which names are meant.
        text: the bytes of the list that the signature covers, and no others (T130).
        signed_by: the finding about that signature.

    Returns:
        What ``signed_by`` says, now about the artifact, where the list gives the artifact's digest; ``failed`` where it
        gives another one or none, ``weak-algorithm`` where it gives only MD5 or SHA-1.
    """
    proof = replace(signed_by.proof or Proof(document=listing.path), covers=subject.covers)
    about = replace(signed_by, subject=subject.path, proof=proof)
    if signed_by.result not in (Result.VERIFIED, Result.UNTRUSTED_KEY):
        return about
    bench = Bench(subject=subject, kind=KIND, proof=replace(proof, document=listing.path))
    try:
        promised = _promised(subject, listing, text)
    except FormatError as exc:
        return bench.failed("a list that names the artifact once and right", exc.message, identity=signed_by.identity)
    strong = {algorithm: digest for algorithm, digest in promised.items() if algorithm in _STRONG}
    if not strong:
        got = f"only {' and '.join(sorted(promised))}"
        return bench.other(Result.WEAK_ALGORITHM, "SHA-256, SHA-384, SHA-512 or BLAKE2b", got, identity=signed_by.identity)
    for algorithm, digest in strong.items():
        ours = subject.digest(algorithm)
        if digest != ours:
            return bench.failed(f"{algorithm}:{ours.hex()}", f"{algorithm}:{digest.hex()}", identity=signed_by.identity)
    got = f"{'+'.join(sorted(strong))} in {listing.name!a:.80}; {signed_by.kind}: {signed_by.got}"
    return replace(about, kind=KIND, got=got, proof=bench.proof)


def _promised(subject: Subject, listing: Piece, text: bytes) -> Mapping[str, bytes]:
    """What a list says about an artifact: algorithm to digest.

    Raises:
        FormatError: nothing, two different things, or the list is malformed.
    """
    folder, slash, _ = inside(listing.path).rpartition("/")
    path = inside(subject.path)
    table = _table(text, listing.name)
    # a path that names exactly this file decides; a bare name may also mean a file further down
    relative = path.removeprefix(folder + slash) if path.startswith(folder + slash) else ""
    lines = table.get(relative.encode()) or table.get(subject.name.encode()) or ()
    promised: dict[str, bytes] = {}
    for line in lines:
        if promised.setdefault(line.algorithm, line.digest) != line.digest:
            raise FormatError(f"list: expected one {line.algorithm} of {subject.name!a:.80}, got two that differ")
    if not promised:
        raise FormatError(f"list: expected {subject.name!a:.80} in it, got {len(table)} other names")
    return promised


@lru_cache(maxsize=4)  # a list or two, SHA256SUMS and SHA512SUMS, often cover thousands of artifacts in a row
def _table(text: bytes, list_name: str) -> Mapping[bytes, Sequence[Line]]:
    table: dict[bytes, list[Line]] = {}
    for line in _lines(text, list_name):
        table.setdefault(line.name, []).append(line)
    return table


def _lines(text: bytes, list_name: str) -> Iterator[Line]:
    """All promises; blank lines and comments promise nothing, any other line is an error.

    Raises:
        FormatError: a line in no known form, or an algorithm that contradicts the list's name.
    """
    lines = [line for line in text.split(b"\n") if not _is_silent(line)]
    if len(lines) == 1 and _LONE.fullmatch(lines[0]):
        # name.tar.gz.sha256 with nothing but the digest: the list's own name says what it is about
        name = list_name.rpartition(".")[0]
        yield _promise("", name.encode(), lines[0], list_name)
        return
    for line in lines:
        gnu, bsd = _GNU.fullmatch(line), _BSD.fullmatch(line)
        if gnu:
            yield _promise("", _plain(gnu[3], gnu[1]), gnu[2], list_name)
        elif bsd and bsd[2] in _TAGS:
            yield _promise(_TAGS[bsd[2]], _plain(bsd[3], bsd[1]), bsd[4], list_name)
        else:
            raise FormatError(f"list: expected a known digest and a name in each line, got {line!a:.80}")


def _words(name: str) -> list[str]:
    return re.split(r"[^a-z0-9]+", name)


def _is_silent(line: bytes) -> bool:
    """Whether a line is blank or a comment; neither can be a promise in any form."""
    return not line.strip() or line.startswith(b"#")


def _promise(tagged: str, name: bytes, digits: bytes, list_name: str) -> Line:
    algorithm = tagged or _algorithm(len(digits), list_name)
    if _HEX_DIGITS[algorithm] != len(digits):
        raise FormatError(f"list: expected {_HEX_DIGITS[algorithm]} hex digits of {algorithm}, got {len(digits)}")
    return Line(algorithm, name.removeprefix(b"./"), bytes.fromhex(digits.decode()))


def _algorithm(digits: int, list_name: str) -> str:
    """The algorithm of an untagged line: the list's name says it, else the length of the digest."""
    said = [_WORDS[word] for word in _words(list_name.casefold()) if word in _WORDS]
    algorithm = said[-1] if said else _SIZES.get(digits)
    if algorithm is None:
        raise FormatError(f"list: expected a digest of a known length, got {digits} hex digits")
    return algorithm


def _plain(name: bytes, escape: bytes) -> bytes:
    """A name as it was before coreutils escaped it; a backslash at the line's start says that it did."""
    if not escape:
        return name
    return _ESCAPE.sub(_unescape, name)


def _unescape(found: re.Match[bytes]) -> bytes:
    try:
        return _ESCAPED[found[1]]
    except KeyError as exc:
        raise FormatError(f"list: expected an escaped backslash, n or r, got {found[0]!a:.20}") from exc


def names_in(text: bytes, list_name: str) -> Sequence[str]:
    """The names that a list gives, in its order: for the exporter, who looks which files a list is about.

    Raises:
        FormatError: it is no list.
        UnicodeDecodeError: a name is not UTF-8.
    """
    return [line.name.decode() for line in _lines(text, list_name)]
