"""Signatures of an npm registry over ``name@version:integrity``, by a key of the registry's pinned list.

Source: npm documentation, "About registry signatures". The time of publication, by which an expired key is judged, is not
signed: it is repeated as a claim. An attestation's time is proven by a log (``npm_attestations.py``).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Self

from airgap.core.errors import FormatError
from airgap.core.foreign import load_object
from airgap.core.npm_name import purl_of
from airgap.core.verdict import Finding, Result, Vouches
from airgap.evidence import npm_keys
from airgap.evidence.npm_keys import Candidate, Usage, read_pin, read_time
from airgap.evidence.pinned import LIBRARY
from airgap.evidence.pubkey import strict_base64
from airgap.evidence.subject import Bench, Piece, Pins, Subject

__all__ = ["KIND", "MEDIA_TYPE", "Release", "purl_of", "read_pin", "verify"]

KIND: Final = "npm-signature"
MEDIA_TYPE: Final = "application/vnd.airgap.npm-signature+json"
MAX_SIGNATURES: Final = 16
_HASH: Final = "sha512-"
_CLAIMED: Final = "the time of publication is the registry's word and not signed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """What a registry says about one version of a package. ``signatures`` are pairs of key name and base64."""

    name: str
    version: str
    integrity: str
    signatures: Sequence[tuple[str, str]]
    published: datetime | None

    @classmethod
    def parse(cls, raw: bytes) -> Self:
        """Read the exporter's document, or the object of one version in a package document.

        Raises:
            FormatError: neither, or a name or version that the signed text would not part.
        """
        said = load_object(raw, what="npm signature")
        source = said.get("dist", said)
        if not isinstance(source, Mapping):
            raise FormatError("npm signature: expected dist as a JSON object, got another value")
        name, version, integrity = said.get("name"), said.get("version"), source.get("integrity")
        if not (isinstance(name, str) and isinstance(version, str) and isinstance(integrity, str)):
            raise FormatError("npm signature: expected name, version and integrity as text, got another value")
        if not _is_parted(name, version):
            raise FormatError(f"npm signature: expected a package and its version, got {name!a:.80} and {version!a:.80}")
        return cls(
            name=name,
            version=version,
            integrity=integrity,
            signatures=_signatures(source.get("signatures")),
            published=_published(said.get("time"), version),
        )

    @property
    def text(self) -> bytes:
        """What the registry signs."""
        return f"{self.name}@{self.version}:{self.integrity}".encode()


def verify(subject: Subject, piece: Piece, beside: Sequence[Piece], pins: Pins) -> list[Finding]:
    """Judge the registry's signatures of one version; see ``Verifier``."""
    bench = Bench.of(subject, piece, KIND, library=LIBRARY, vouches=Vouches.REGISTRY)
    try:
        release = Release.parse(piece.content)
    except FormatError as exc:
        return [bench.failed("an npm registry signature", exc.message)]
    fault = _check_release(bench, release)
    if fault is not None:
        return [fault]
    return [_judge(bench, release, name, text, beside, pins) for name, text in release.signatures]


def _check_release(bench: Bench, release: Release) -> Finding | None:
    """What is wrong between a release and the artifact; None when they agree (T132)."""
    named = bench.subject.purl.partition("#")[0].partition("?")[0]
    if purl_of(release.name, release.version) != named:
        return bench.failed(f"a signature of {named}", f"one of {purl_of(release.name, release.version)!a:.160}")
    if release.integrity.startswith(("sha1-", "md5-")):
        return bench.other(Result.WEAK_ALGORITHM, "an integrity in sha512", f"{release.integrity!a:.80}")
    digest = _digest_in(release.integrity)
    if digest is None:
        return bench.failed("an integrity in sha512", f"{release.integrity!a:.120}")
    ours = bench.subject.digest("sha512")
    if digest != ours:
        return bench.failed(f"sha512:{ours.hex()}", f"a signature of sha512:{digest.hex()}")
    return None


def _judge(bench: Bench, release: Release, name: str, text: str, beside: Sequence[Piece], pins: Pins) -> Finding:
    """The finding about one signature."""
    known = npm_keys.candidates(name, Usage.SIGNATURES, beside, pins)
    if not known:
        missing = npm_keys.missing_list(beside, pins)
        without = f", and the pinned key list sha256:{missing!a:.70} is not at hand" if missing else ""
        return bench.untrusted(f"the key {name!a:.80}{without}", identity=f"{name!a:.80}")
    try:
        signature = strict_base64(text, what="signature")
    except FormatError as exc:
        return bench.failed("a signature in base64", exc.message)
    makers = [candidate for candidate in known if candidate.known.key.is_signed(release.text, signature)]
    if not makers:
        bench = npm_keys.about(bench, known[0])
        return bench.failed(f"a signature of this version by {known[0].known.name}", "one that does not hold")
    found = [npm_keys.settle(_dated(bench, release, maker), maker, pins, release.published) for maker in makers]
    return next((finding for finding in found if finding.result is Result.VERIFIED), found[0])


def _dated(bench: Bench, release: Release, maker: Candidate) -> Bench:
    bench = bench.knowing(algorithm=f"{maker.known.key.algorithm}/sha256")
    if release.published is None:
        return bench
    return bench.knowing(time_proof="claimed", note=_CLAIMED if maker.known.end or maker.known.start else "")


def _is_parted(name: str, version: str) -> bool:
    """Whether the signed text can be read in one way only; names and versions of npm are ASCII."""
    is_plain = name.isascii() and version.isascii() and name and version
    return bool(is_plain) and not set("@:") & {*name[1:], *version}


def _signatures(value: Any) -> list[tuple[str, str]]:
    if not isinstance(value, list) or not 0 < len(value) <= MAX_SIGNATURES:
        raise FormatError(f"npm signature: expected 1 to {MAX_SIGNATURES} signatures, got another value")
    return [_signature(item) for item in value]


def _signature(item: Any) -> tuple[str, str]:
    name, text = (item.get("keyid"), item.get("sig")) if isinstance(item, Mapping) else (None, None)
    if not isinstance(name, str) or not isinstance(text, str):
        raise FormatError("npm signature: expected a keyid and a sig in each signature, got another value")
    return name, text


def _published(value: Any, version: str) -> datetime | None:
    """The time of publication: the exporter's text, or the version's line in a package document's map."""
    text = value.get(version) if isinstance(value, Mapping) else value
    return None if text is None else read_time(text)


def _digest_in(integrity: str) -> bytes | None:
    """The digest in an integrity of one SHA-512 (Subresource Integrity, 3.5); None for anything else."""
    if not integrity.startswith(_HASH):
        return None
    try:
        digest = strict_base64(integrity.removeprefix(_HASH), what="integrity")
    except FormatError:
        return None
    return digest if len(digest) == 64 else None
