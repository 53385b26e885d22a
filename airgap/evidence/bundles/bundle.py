"""Sigstore bundles 0.1 to 0.3, read strictly. Nothing in here verifies anything.

Source: sigstore protobuf-specs, ``sigstore_bundle.proto`` and ``sigstore_rekor.proto``; the rules of each version stand
there in the comments on ``tlog_entries`` and on ``VerificationMaterial.content``.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Self

from airgap.core.errors import FormatError
from airgap.core.reasons import Reason
from airgap.core.verdict import Result
from airgap.evidence.bundles.protojson import read_bytes, read_items, read_message, read_number, read_text

MAX_ENTRIES: Final = 8
MAX_TIMESTAMPS: Final = 8
MAX_CHAIN: Final = 16
MAX_HASHES: Final = 64
"""A tree of 2^64 leaves has no longer path."""
HASHES: Final = {"SHA2_256": "sha256", "SHA2_384": "sha384", "SHA2_512": "sha512"}
"""Enumeration HashAlgorithm to hashlib's names; there is no weak one among them."""
_VERSIONS: Final = {
    "application/vnd.dev.sigstore.bundle+json;version=0.1": 1,
    "application/vnd.dev.sigstore.bundle+json;version=0.2": 2,
    "application/vnd.dev.sigstore.bundle+json;version=0.3": 3,
    "application/vnd.dev.sigstore.bundle.v0.3+json": 3,
}
_RESULTS: Final = {Reason.EVIDENCE_EXPIRED: Result.EXPIRED_AT_SIGNING, Reason.WEAK_KEY: Result.WEAK_ALGORITHM}


class EvidenceError(FormatError):
    """Evidence that does not hold; ``result`` says in which way (failed, unsupported, untrusted-key, weak-algorithm)."""

    def __init__(self, message: str, *, result: Result = Result.FAILED) -> None:
        super().__init__(message)
        self.result = result

    @classmethod
    def of(cls, error: FormatError) -> "EvidenceError":
        """Any other error of a format, with the result that follows from its reason."""
        return error if isinstance(error, cls) else cls(error.message, result=_RESULTS.get(error.reason, Result.FAILED))


@dataclass(frozen=True, slots=True, kw_only=True)
class Inclusion:
    """A path from an entry to the root of its log's tree; the checkpoint is a signed note, or "" where there is none."""

    index: int
    size: int
    root: bytes
    hashes: tuple[bytes, ...]
    checkpoint: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """An entry of a transparency log, as a bundle shows it.

    Attributes:
        index: in all of the log's trees.
        time: seconds since 1970; 0 where the log gives none.
        promise: signed entry timestamp, or empty.
        body: what was logged; its bytes are the leaf.
    """

    index: int
    log_id: bytes
    kind: str
    version: str
    time: int
    promise: bytes
    proof: Inclusion | None
    body: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Signed:
    """What was signed, and the one signature.

    Attributes:
        payload: of a DSSE envelope; None for a signature over an artifact.
        payload_type: of the envelope.
        key_id: that the envelope gives; a hint.
        algorithm: of the artifact's digest, hashlib's name, where the bundle repeats it.
        digest: of the artifact, where the bundle repeats it.
    """

    signature: bytes
    payload: bytes | None = None
    payload_type: str = ""
    key_id: str = ""
    algorithm: str = ""
    digest: bytes = b""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bundle:
    """One signature with all that a verifier needs to judge it offline.

    Attributes:
        certificate: of the signer in DER; None for a bundle that a key signed.
        issuers: certificates that came after the signer's; no bundle since 0.3 has any.
        hint: which key signed, where there is no certificate.
        timestamps: RFC 3161 responses.
    """

    certificate: bytes | None
    issuers: tuple[bytes, ...]
    hint: str
    entries: tuple[Entry, ...]
    timestamps: tuple[bytes, ...]
    signed: Signed

    @classmethod
    def parse(cls, value: Any) -> Self:
        """Read the JSON value of a bundle.

        Raises:
            FormatError: anything that its version does not allow, a version that is not known (result unsupported).
        """
        members = {"mediaType", "verificationMaterial", "messageSignature", "dsseEnvelope"}
        value = read_message(value, members, what="bundle", needed={"mediaType", "verificationMaterial"})
        version = _VERSIONS.get(read_text(value["mediaType"], what="media type"))
        if version is None:
            message = f"bundle: expected version 0.1 to 0.3, got media type {value['mediaType']!a:.80}"
            raise EvidenceError(message, result=Result.UNSUPPORTED)
        members = {"certificate", "x509CertificateChain", "publicKey", "tlogEntries", "timestampVerificationData"}
        material = read_message(value["verificationMaterial"], members, what="verification material")
        certificates, hint = _signer(material, version)
        entries = read_items(material.get("tlogEntries"), what="log entries", limit=MAX_ENTRIES)
        return cls(
            certificate=certificates[0] if certificates else None,
            issuers=certificates[1:],
            hint=hint,
            entries=tuple(_entry(entry, version) for entry in entries),
            timestamps=_timestamps(material.get("timestampVerificationData")),
            signed=_signed(value, hint),
        )


def _signer(material: Mapping[str, Any], version: int) -> tuple[tuple[bytes, ...], str]:
    """The certificates, the signer's first, or the hint."""
    given = material.keys() & {"certificate", "x509CertificateChain", "publicKey"}
    allowed = {"certificate", "publicKey"} if version >= 3 else {"x509CertificateChain", "publicKey"}
    if len(given) != 1 or not given <= allowed:
        raise FormatError(f"bundle: expected one of {', '.join(sorted(allowed))}, got {', '.join(sorted(given)) or 'none'}")
    if "publicKey" in given:
        return (), read_text(read_message(material["publicKey"], {"hint"}, what="public key").get("hint", ""), what="hint")
    if "certificate" in given:
        return (_raw(material["certificate"]),), ""
    chain = read_message(material["x509CertificateChain"], {"certificates"}, what="chain", needed={"certificates"})
    certificates = tuple(_raw(item) for item in read_items(chain["certificates"], what="chain", limit=MAX_CHAIN))
    if not certificates:
        raise FormatError("chain: expected a certificate, got none")
    return certificates, ""


def _raw(value: Any) -> bytes:
    value = read_message(value, {"rawBytes"}, what="certificate", needed={"rawBytes"})
    return read_bytes(value["rawBytes"], what="certificate")


def _entry(value: Any, version: int) -> Entry:
    """One log entry, with the promise or the proof that the bundle's version demands."""
    entry = read_entry(value)
    if version == 1 and not entry.promise:
        raise FormatError("log entry: expected a promise in a bundle 0.1, got none")
    if version > 1 and (entry.proof is None or not entry.proof.checkpoint):
        raise FormatError("log entry: expected an inclusion proof with a checkpoint, got none")
    return entry


def read_entry(value: Any) -> Entry:
    """The JSON value of a TransparencyLogEntry.

    Raises:
        FormatError: anything else.
    """
    members = {"logIndex", "logId", "kindVersion", "integratedTime", "inclusionPromise", "inclusionProof"}
    needed = {"logId", "kindVersion", "canonicalizedBody"}
    value = read_message(value, members | needed, what="log entry", needed=needed)
    kind = read_message(value["kindVersion"], {"kind", "version"}, what="kind of entry", needed={"kind", "version"})
    log = read_message(value["logId"], {"keyId"}, what="log id", needed={"keyId"})
    promise = read_message(value.get("inclusionPromise", {}), {"signedEntryTimestamp"}, what="promise")
    return Entry(
        index=read_number(value.get("logIndex", 0), what="log index"),
        log_id=read_bytes(log["keyId"], what="log id"),
        kind=read_text(kind["kind"], what="kind of entry"),
        version=read_text(kind["version"], what="version of entry"),
        time=read_number(value.get("integratedTime", 0), what="integrated time"),
        promise=read_bytes(promise.get("signedEntryTimestamp", ""), what="promise"),
        proof=_proof(value["inclusionProof"]) if "inclusionProof" in value else None,
        body=read_bytes(value["canonicalizedBody"], what="entry body"),
    )


def _proof(value: Any) -> Inclusion:
    members = {"logIndex", "rootHash", "treeSize", "hashes", "checkpoint"}
    value = read_message(value, members, what="inclusion proof", needed={"rootHash", "treeSize"})
    checkpoint = read_message(value.get("checkpoint", {}), {"envelope"}, what="checkpoint")
    hashes = read_items(value.get("hashes"), what="inclusion proof", limit=MAX_HASHES)
    return Inclusion(
        index=read_number(value.get("logIndex", 0), what="index in the tree"),
        size=read_number(value["treeSize"], what="tree size"),
        root=read_bytes(value["rootHash"], what="root"),
        hashes=tuple(read_bytes(item, what="inclusion proof") for item in hashes),
        checkpoint=read_text(checkpoint.get("envelope", ""), what="checkpoint"),
    )


def _timestamps(value: Any) -> tuple[bytes, ...]:
    if value is None:
        return ()
    value = read_message(value, {"rfc3161Timestamps"}, what="timestamps")
    tokens = [
        read_message(item, {"signedTimestamp"}, what="timestamp", needed={"signedTimestamp"})["signedTimestamp"]
        for item in read_items(value.get("rfc3161Timestamps"), what="timestamps", limit=MAX_TIMESTAMPS)
    ]
    return tuple(read_bytes(token, what="timestamp") for token in tokens)


def _signed(value: Mapping[str, Any], hint: str) -> Signed:
    match value:
        case {"messageSignature": message, **rest} if "dsseEnvelope" not in rest:
            return _message(message)
        case {"dsseEnvelope": envelope, **rest} if "messageSignature" not in rest:
            return _envelope(envelope, hint)
        case _:
            raise FormatError("bundle: expected one of messageSignature and dsseEnvelope, got none or both")


def _message(value: Any) -> Signed:
    value = read_message(value, {"messageDigest", "signature"}, what="message signature", needed={"signature"})
    signature = read_bytes(value["signature"], what="signature")
    if "messageDigest" not in value:
        return Signed(signature=signature)
    said = read_message(value["messageDigest"], {"algorithm", "digest"}, what="digest", needed={"algorithm", "digest"})
    name = read_text(said["algorithm"], what="digest")
    if name not in HASHES:
        raise FormatError(f"digest: expected one of {', '.join(HASHES)}, got {name!a:.40}")
    return Signed(signature=signature, algorithm=HASHES[name], digest=read_bytes(said["digest"], what="digest"))


def _envelope(value: Any, hint: str) -> Signed:
    needed = {"payload", "payloadType", "signatures"}
    value = read_message(value, needed, what="envelope", needed=needed)
    signatures = read_items(value["signatures"], what="signatures", limit=1)
    if not signatures:
        raise FormatError("envelope: expected one signature, got none")
    one = read_message(signatures[0], {"sig", "keyid"}, what="signature", needed={"sig"})
    key_id = read_text(one.get("keyid", ""), what="key id")
    if key_id not in {"", hint}:
        raise FormatError(f"envelope: expected the key id of the bundle's signer, got {key_id!a:.80}")
    return Signed(
        signature=read_bytes(one["sig"], what="signature"),
        payload=read_bytes(value["payload"], what="payload"),
        payload_type=read_text(value["payloadType"], what="payload type"),
        key_id=key_id,
    )
