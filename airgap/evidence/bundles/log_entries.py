"""What an entry of a transparency log says, held to the signature at hand: any valid entry will not do (T133).

Source: Rekor, ``pkg/types`` (hashedrekord, dsse and intoto 0.0.1 and 0.0.2); Rekor v2 (rekor-tiles), hashedrekord and
dsse 0.0.2. An entry names the signature, the signer's certificate or key, and a digest of what was signed; all three have
to agree with the bundle's.
"""

import base64
import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from airgap.core.errors import FormatError
from airgap.core.foreign import load_object
from airgap.core.verdict import Result
from airgap.evidence.bundles.bundle import HASHES, Entry, EvidenceError, Signed
from airgap.evidence.bundles.protojson import read_bytes, read_items, read_message, read_text
from airgap.evidence.pubkey import strict_base64

_PLAIN: Final = ("sha256", "sha384", "sha512")
_PEM: Final = ("CERTIFICATE", "PUBLIC KEY")


@dataclass(frozen=True, slots=True)
class _Said:
    """What an entry says.

    Attributes:
        signatures: each with its signer: DER of a certificate or of a SubjectPublicKeyInfo.
        algorithm: of the digest.
        digest: of what was signed, or of the payload.
        is_payload: which of the two.
    """

    signatures: Sequence[tuple[bytes, bytes]]
    algorithm: str
    digest: bytes
    is_payload: bool


def check_body(entry: Entry, signed: Signed, signer: bytes, digest: Callable[[str], bytes]) -> None:
    """Hold an entry's body to a bundle.

    Args:
        entry: whose body the log vouches for.
        signed: what was signed.
        signer: DER of the certificate, or of the SubjectPublicKeyInfo where there is none.
        digest: of the bytes that the signature is over, by hashlib's name.

    Raises:
        FormatError: it is about something else, or of a kind that is not known (result unsupported).
    """
    body = _exactly(load_object(entry.body, what="log entry"), {"apiVersion", "kind", "spec"})
    if (body["kind"], body["apiVersion"]) != (entry.kind, entry.version):
        raise FormatError("log entry: expected the kind that the bundle names, got another one")
    read = _KINDS.get((entry.kind, entry.version))
    if read is None:
        message = f"log entry: expected a known kind, got {entry.kind!a:.40} {entry.version!a:.20}"
        raise EvidenceError(message, result=Result.UNSUPPORTED)
    said = read(body["spec"], signed)
    if list(said.signatures) != [(signed.signature, signer)]:
        raise FormatError("log entry: expected this signature by this signer, got another one")
    if said.digest != (_payload_digest(signed, said.algorithm) if said.is_payload else digest(said.algorithm)):
        raise FormatError("log entry: expected the digest of what was signed, got another one")


def _payload_digest(signed: Signed, algorithm: str) -> bytes:
    if signed.payload is None:
        raise FormatError("log entry: expected one about a signature over a digest, got one about an envelope")
    return hashlib.new(algorithm, signed.payload).digest()


def _hashedrekord1(spec: Any, _: Signed) -> _Said:
    spec = _exactly(spec, {"data", "signature"})
    signature = _exactly(spec["signature"], {"content", "publicKey"})
    algorithm, digest = _plain_hash(_exactly(spec["data"], {"hash"})["hash"])
    signer = _pem(_exactly(signature["publicKey"], {"content"})["content"])
    return _Said([(read_bytes(signature["content"], what="log entry"), signer)], algorithm, digest, is_payload=False)


def _hashedrekord2(spec: Any, _: Signed) -> _Said:
    spec = _exactly(_exactly(spec, {"hashedRekordV002"})["hashedRekordV002"], {"data", "signature"})
    return _Said([_signature2(spec["signature"])], *_hash2(spec["data"]), is_payload=False)


def _dsse1(spec: Any, _: Signed) -> _Said:
    # the hash of the envelope depends on how its JSON was written, and adds nothing to payload, signature and signer
    spec = _exactly(spec, {"envelopeHash", "payloadHash", "signatures"})
    said = [_exactly(one, {"signature", "verifier"}) for one in read_items(spec["signatures"], what="log entry", limit=1)]
    signatures = [(read_bytes(one["signature"], what="log entry"), _pem(one["verifier"])) for one in said]
    return _Said(signatures, *_plain_hash(spec["payloadHash"]), is_payload=True)


def _dsse2(spec: Any, _: Signed) -> _Said:
    spec = _exactly(_exactly(spec, {"dsseV002"})["dsseV002"], {"payloadHash", "signatures"})
    signatures = [_signature2(one) for one in read_items(spec["signatures"], what="log entry", limit=1)]
    return _Said(signatures, *_hash2(spec["payloadHash"]), is_payload=True)


def _intoto1(spec: Any, signed: Signed) -> _Said:
    """This kind names the signature by the hash of the envelope only: as Go's encoder writes an envelope."""
    spec = _exactly(spec, {"content", "publicKey"})
    content = _exactly(spec["content"], {"hash", "payloadHash"})
    if _plain_hash(content["hash"]) != ("sha256", hashlib.sha256(_go_envelope(signed)).digest()):
        raise FormatError("log entry: expected the hash of this envelope, got another one")
    signatures = [(signed.signature, _pem(spec["publicKey"]))]
    return _Said(signatures, *_plain_hash(content["payloadHash"]), is_payload=True)


def _intoto2(spec: Any, signed: Signed) -> _Said:
    needed = {"envelope", "payloadHash"}
    content = read_message(_exactly(spec, {"content"})["content"], needed | {"hash"}, what="log entry", needed=needed)
    members = {"payloadType", "signatures"}
    envelope = read_message(content["envelope"], members, what="log entry", needed=members)
    if envelope["payloadType"] != signed.payload_type:
        raise FormatError("log entry: expected the payload type of the envelope, got another one")
    signatures = [_intoto_signature(one) for one in read_items(envelope["signatures"], what="log entry", limit=1)]
    return _Said(signatures, *_plain_hash(content["payloadHash"]), is_payload=True)


def _intoto_signature(value: Any) -> tuple[bytes, bytes]:
    value = read_message(value, {"keyid", "publicKey", "sig"}, what="log entry", needed={"publicKey", "sig"})
    encoded = read_bytes(value["sig"], what="log entry")
    if not encoded.isascii():
        raise FormatError("log entry: expected a signature in base64 twice, got it once")
    return strict_base64(encoded.decode(), what="log entry"), _pem(value["publicKey"])


_Reader = Callable[[Any, Signed], _Said]
_KINDS: Final[Mapping[tuple[str, str], _Reader]] = {
    ("hashedrekord", "0.0.1"): _hashedrekord1,
    ("hashedrekord", "0.0.2"): _hashedrekord2,
    ("dsse", "0.0.1"): _dsse1,
    ("dsse", "0.0.2"): _dsse2,
    ("intoto", "0.0.1"): _intoto1,
    ("intoto", "0.0.2"): _intoto2,
}


def _exactly(value: Any, members: set[str]) -> Mapping[str, Any]:
    return read_message(value, members, what="log entry", needed=members)


def _plain_hash(value: Any) -> tuple[str, bytes]:
    """A digest as Rekor v1 writes it: ``{"algorithm": "sha256", "value": hex}``."""
    value = _exactly(value, {"algorithm", "value"})
    text = read_text(value["value"], what="log entry")
    try:
        digest = bytes.fromhex(text)
    except ValueError as exc:
        raise FormatError(f"log entry: expected a digest in hex, got {text!a:.80}") from exc
    if value["algorithm"] not in _PLAIN or digest.hex() != text:
        raise FormatError("log entry: expected a sha256, sha384 or sha512 digest, got another one")
    return value["algorithm"], digest


def _hash2(value: Any) -> tuple[str, bytes]:
    """A digest as Rekor v2 writes it: message HashOutput."""
    value = _exactly(value, {"algorithm", "digest"})
    name = read_text(value["algorithm"], what="log entry")
    if name not in HASHES:
        raise FormatError(f"log entry: expected one of {', '.join(HASHES)}, got {name!a:.40}")
    return HASHES[name], read_bytes(value["digest"], what="log entry")


def _signature2(value: Any) -> tuple[bytes, bytes]:
    """A signature and its signer as Rekor v2 writes them: message Signature."""
    value = _exactly(value, {"content", "verifier"})
    members = {"keyDetails", "publicKey", "x509Certificate"}
    verifier = read_message(value["verifier"], members, what="log entry", needed={"keyDetails"})
    given = verifier.get("x509Certificate", verifier.get("publicKey"))
    if len(verifier) != 2:
        raise FormatError("log entry: expected one of publicKey and x509Certificate, got none or both")
    return (
        read_bytes(value["content"], what="log entry"),
        read_bytes(_exactly(given, {"rawBytes"})["rawBytes"], what="log entry"),
    )


def _pem(value: Any) -> bytes:
    """DER of the certificate or public key whose PEM stands in base64."""
    lines = read_bytes(value, what="log entry").split(b"\n")
    for label in _PEM:
        if lines[0] == b"-----BEGIN %b-----" % label.encode() and b"-----END %b-----" % label.encode() in lines[-2:]:
            text = b"".join(line for line in lines[1:] if not line.startswith(b"-"))
            return strict_base64(text.decode("ascii", "replace"), what="log entry")
    raise FormatError("log entry: expected a certificate or public key in PEM, got other text")


def _go_envelope(signed: Signed) -> bytes:
    """The envelope as the Go library of DSSE encodes it. Source: go-securesystemslib, ``dsse.Envelope``."""
    envelope = {
        "payloadType": signed.payload_type,
        "payload": base64.b64encode(signed.payload or b"").decode(),
        "signatures": [{"keyid": signed.key_id, "sig": base64.b64encode(signed.signature).decode()}],
    }
    return json.dumps(envelope, separators=(",", ":")).encode()
