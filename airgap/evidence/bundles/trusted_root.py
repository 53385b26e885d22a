"""Trusted roots: the logs, certificate authorities and timestamp authorities of one Sigstore instance.

Source: sigstore protobuf-specs, ``sigstore_trustroot.proto``, message TrustedRoot, in its JSON form.
"""

from collections.abc import Container, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Final, Self

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from airgap.core.anchors import Anchor, Kind
from airgap.core.digest import sha256
from airgap.core.errors import FormatError
from airgap.core.foreign import load_object
from airgap.evidence.bundles.protojson import read_bytes, read_items, read_message, read_text, read_time
from airgap.evidence.pinned import Pinned
from airgap.evidence.pubkey import Key
from airgap.evidence.subject import Piece
from airgap.evidence.x509.certificates import load_certificate

MAX_ENTRIES: Final = 64
_MEDIA: Final = (
    "application/vnd.dev.sigstore.trustedroot+json;version=0.1",
    "application/vnd.dev.sigstore.trustedroot+json;version=0.2",
    "application/vnd.dev.sigstore.trustedroot.v0.2+json",
    "application/vnd.dev.sigstore.trustedroot.v0.1+json",
)
_DETAILS: Final = frozenset({
    "PKCS1_RSA_PKCS1V5",
    "PKIX_RSA_PKCS1V5",
    "PKIX_RSA_PKCS1V15_2048_SHA256",
    "PKIX_RSA_PKCS1V15_3072_SHA256",
    "PKIX_RSA_PKCS1V15_4096_SHA256",
    "PKIX_ECDSA_P256_SHA_256",
    "PKIX_ECDSA_P384_SHA_384",
    "PKIX_ED25519",
})  # fmt: skip


@dataclass(frozen=True, slots=True)
class Window:
    """When a log or an authority may be believed; both ends belong to it."""

    start: datetime
    end: datetime | None

    def holds(self, at: datetime) -> bool:
        """Whether a time lies within."""
        return self.start <= at and (self.end is None or at <= self.end)


_NEVER: Final = Window(datetime.max.replace(tzinfo=UTC), datetime.min.replace(tzinfo=UTC))


@dataclass(frozen=True, slots=True, kw_only=True)
class Log:
    """A transparency log (Rekor) or a log of certificates.

    Attributes:
        log_id: by which entries name the log; a hint.
        key: of the log; what counts.
    """

    url: str
    log_id: bytes
    key: Key
    window: Window


@dataclass(frozen=True, slots=True, kw_only=True)
class Authority:
    """An authority that issues certificates or timestamps: its chain, from its issuing certificate up to its root."""

    uri: str
    chain: tuple[x509.Certificate, ...]
    window: Window


@dataclass(frozen=True, slots=True, kw_only=True)
class TrustedRoot:
    """What one instance of Sigstore vouches with; believed only because an anchor pins its digest."""

    digest: str
    logs: tuple[Log, ...]
    ct_logs: tuple[Log, ...]
    authorities: tuple[Authority, ...]
    timestampers: tuple[Authority, ...]

    @classmethod
    def parse(cls, raw: bytes) -> Self:
        """Read a trusted_root.json.

        A log whose key is of a kind that this program does not know is left out: what such a log says is refused then,
        while the rest of the root stays usable on the day that an instance adds a new kind.

        Raises:
            FormatError: anything else, an unknown member, or a log without a start of validity.
        """
        members = {"mediaType", "tlogs", "certificateAuthorities", "ctlogs", "timestampAuthorities"}
        value = read_message(load_object(raw, what="trusted root"), members, what="trusted root", needed={"mediaType"})
        if value["mediaType"] not in _MEDIA:
            raise FormatError(f"trusted root: expected media type {_MEDIA[0]}, got {value['mediaType']!a:.80}")
        return cls(
            digest=sha256(raw).hex(),
            logs=_logs(value, "tlogs"),
            ct_logs=_logs(value, "ctlogs"),
            authorities=_authorities(value, "certificateAuthorities"),
            timestampers=_authorities(value, "timestampAuthorities"),
        )

    def without(self, revoked: Container[str]) -> Self:
        """The same root, in which nothing by a key that the site has withdrawn is believed at any time.

        None of it is left out: a root without any log of certificates would ask for less, not for more.

        Args:
            revoked: key ids, SHA-256 of a SubjectPublicKeyInfo in hex.
        """

        def log(one: Log) -> Log:
            return replace(one, window=_NEVER) if one.key.key_id in revoked else one

        def authority(one: Authority) -> Authority:
            return replace(one, window=_NEVER) if any(_key_id(link) in revoked for link in one.chain) else one

        return replace(
            self,
            logs=tuple(map(log, self.logs)),
            ct_logs=tuple(map(log, self.ct_logs)),
            authorities=tuple(map(authority, self.authorities)),
            timestampers=tuple(map(authority, self.timestampers)),
        )

    @property
    def certificates(self) -> frozenset[x509.Certificate]:
        """All certificates of its certificate authorities."""
        return frozenset(certificate for authority in self.authorities for certificate in authority.chain)


def find_root(anchor: Anchor, beside: Sequence[Piece]) -> TrustedRoot | None:
    """The trusted root that an anchor pins: the anchor's own material, or a piece with the pinned SHA-256.

    A root that has the pinned digest and cannot be read counts as none.
    """
    with suppress(FormatError):
        material = anchor.material
        if material is not None and sha256(material).hex() == anchor.pin:
            return TrustedRoot.parse(material)
        for piece in beside:
            if piece.sha256 == anchor.pin:
                return TrustedRoot.parse(piece.content)
    return None


def _key_id(certificate: x509.Certificate) -> str:
    return sha256(certificate.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).hex()


def read_pin(raw: bytes) -> Pinned:
    """The pin of a trusted_root.json: its SHA-256. Who may publish with it has to be said beside it.

    Raises:
        FormatError: it is no trusted root.
    """
    root = TrustedRoot.parse(raw)
    issuers = {authority.uri for authority in root.authorities}
    return Pinned(
        pin=root.digest,
        fingerprint=f"sha256:{root.digest}",
        settings={},
        identity=f"{Kind.SIGSTORE} trusted root of {', '.join(sorted(issuers))!a:.200}",
    )


def _logs(value: Any, name: str) -> tuple[Log, ...]:
    found = (
        _log(item, f"{name} {at}") for at, item in enumerate(read_items(value.get(name), what=name, limit=MAX_ENTRIES))
    )
    return tuple(log for log in found if log is not None)


def _log(value: Any, what: str) -> Log | None:
    members = {"baseUrl", "hashAlgorithm", "publicKey", "logId", "checkpointKeyId", "operator"}
    value = read_message(value, members, what=what, needed={"publicKey", "hashAlgorithm"})
    if value["hashAlgorithm"] != "SHA2_256":
        return None
    key = read_message(
        value["publicKey"], {"rawBytes", "keyDetails", "validFor"}, what=what, needed={"rawBytes", "validFor", "keyDetails"}
    )
    if read_text(key["keyDetails"], what=what) not in _DETAILS:
        return None
    parsed = Key.parse(read_bytes(key["rawBytes"], what=what))
    named = value.get("checkpointKeyId") or value.get("logId")
    named = read_message(named, {"keyId"}, what=what, needed={"keyId"}) if named is not None else None
    return Log(
        url=read_text(value.get("baseUrl", ""), what=what),
        log_id=read_bytes(named["keyId"], what=what) if named else sha256(parsed.spki),
        key=parsed,
        window=_window(key["validFor"], what),
    )


def _authorities(value: Any, name: str) -> tuple[Authority, ...]:
    return tuple(
        _authority(item, f"{name} {at}")
        for at, item in enumerate(read_items(value.get(name), what=name, limit=MAX_ENTRIES))
    )


def _authority(value: Any, what: str) -> Authority:
    members = {"subject", "uri", "certChain", "validFor", "operator"}
    value = read_message(value, members, what=what, needed={"certChain", "validFor"})
    chain = read_message(value["certChain"], {"certificates"}, what=what, needed={"certificates"})
    certificates = tuple(
        load_certificate(
            read_bytes(read_message(item, {"rawBytes"}, what=what, needed={"rawBytes"})["rawBytes"], what=what)
        )
        for item in read_items(chain["certificates"], what=what, limit=MAX_ENTRIES)
    )
    if not certificates:
        raise FormatError(f"{what}: expected a certificate, got none")
    uri = read_text(value.get("uri", ""), what=what)
    return Authority(uri=uri, chain=certificates, window=_window(value["validFor"], what))


def _window(value: Any, what: str) -> Window:
    value = read_message(value, {"start", "end"}, what=what, needed={"start"})
    end = read_time(value["end"], what=what) if "end" in value else None
    return Window(read_time(value["start"], what=what), end)
