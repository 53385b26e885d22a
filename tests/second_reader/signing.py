"""Signatures and trust documents. Sections 5 and 12."""

from datetime import datetime
from typing import Any, NamedTuple

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, mldsa

from tests.second_reader.values import ENVELOPE, TRUST, Refused, canonical, fits, instant, is_sorted, must, sha256, unbase64

P = 2**255 - 19
TRUST_TYPE = "application/vnd.airgap.trust+json"


class Signer(NamedTuple):
    ids: frozenset[str]
    start: datetime
    end: datetime


class Trust:
    """A trust document, section 12."""

    def __init__(self, payload: bytes) -> None:
        said = canonical(payload)
        must(fits(said, TRUST))
        self.version, self.issued, self.expires = said["version"], instant(said["issued"]), instant(said["expires"])
        self.keys: dict[str, Any] = {}
        self.signers: dict[str, Signer] = {}
        for name, one in said["signers"].items():
            spkis = [unbase64(key) for key in one["keys"]]
            must(1 <= len(spkis) <= 4)
            for spki in spkis:
                must(sha256(spki) not in self.keys)
                self.keys[sha256(spki)] = public_key(spki)
            self.signers[name] = Signer(frozenset(map(sha256, spkis)), instant(one["from"]), instant(one["until"]))
        self.role, self.channels = said["roles"]["trust"], said["channels"]
        must(1 <= len(self.signers) <= 256 and len(self.channels) <= 256)
        for role in (self.role, *self.channels.values()):
            must(role["signers"] == sorted(set(role["signers"]) & self.signers.keys()))
            must(1 <= role["threshold"] <= len(role["signers"]))
            must(role.get("artifacts", True) and is_sorted(role.get("destinations", [])))
        must(len({one["name"] for one in said["anchors"]}) == len(said["anchors"]))
        must(all(one["artifacts"] for one in said["anchors"]))
        for revoked in said["revoked"].values():
            must(len({one["what"] for one in revoked}) == len(revoked))
        self.revoked = {one["what"] for one in said["revoked"]["keys"]}

    def check(self, ids: set[str], role: Any, at: datetime | None) -> None:
        """Section 5, "Signers"."""
        must(not ids & self.revoked, "revoked-key")
        signed = {name for name, signer in self.signers.items() if signer.ids & ids}
        for signer in (self.signers[name] for name in signed):
            must(signer.ids <= ids, "incomplete-signer")
            must(at is None or signer.start <= at < signer.end, "signer-not-valid")
        must(len(signed & set(role["signers"])) >= role["threshold"], "threshold")


def public_key(spki: bytes) -> Any:
    try:
        key = serialization.load_der_public_key(spki)
    except (ValueError, UnsupportedAlgorithm) as exc:
        raise Refused("malformed") from exc
    must(key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo) == spki)
    if isinstance(key, ed25519.Ed25519PublicKey):
        y = int.from_bytes(key.public_bytes_raw(), "little") % 2**255
        order8 = (-121665 * pow(121666, -1, P) * y**4 + 2 * y * y - 1) % P == 0
        must(y < P and y not in (0, 1, P - 1) and not order8, "weak-key")
    is_nist = isinstance(key, ec.EllipticCurvePublicKey) and key.curve.name in ("secp256r1", "secp384r1")
    must(is_nist or isinstance(key, ed25519.Ed25519PublicKey | mldsa.MLDSA65PublicKey | mldsa.MLDSA87PublicKey))
    return key


def envelope_of(value: Any) -> tuple[str, bytes, dict[str, bytes]]:
    must(fits(value, ENVELOPE))
    ids = [s["keyid"] for s in value["signatures"]]
    must(is_sorted(ids) and len(ids) <= 16)
    return value["payloadType"], unbase64(value["payload"]), {s["keyid"]: unbase64(s["sig"]) for s in value["signatures"]}


def verify(value: Any, kind: str, keys: dict[str, Any]) -> tuple[bytes, set[str]]:
    """The payload, and the ids of the keys that signed it; every signature has to hold."""
    said, payload, signatures = envelope_of(value)
    must(said == kind)
    must(signatures, "unsigned")
    message = b"DSSEv1 %d %b %d %b" % (len(kind), kind.encode(), len(payload), payload)
    for key_id, signature in signatures.items():
        must(key_id in keys, "unknown-signer")
        key = keys[key_id]
        try:
            if isinstance(key, ec.EllipticCurvePublicKey):
                key.verify(signature, message, ec.ECDSA(hashes.SHA256() if key.key_size == 256 else hashes.SHA384()))
            else:
                key.verify(signature, message)
        except InvalidSignature as exc:
            raise Refused("bad-signature") from exc
    return payload, set(signatures)


def pinned(raw: bytes) -> Trust:
    value = canonical(raw.removesuffix(b"\n"))
    trust = Trust(envelope_of(value)[1])
    _, ids = verify(value, TRUST_TYPE, trust.keys)
    trust.check(ids, trust.role, None)
    return trust


def updated(trust: Trust, updates: list[Any]) -> Trust:
    start = trust.version
    for value in updates:
        new = Trust(envelope_of(value)[1])
        if trust.version == start and new.version <= start:
            continue
        must(new.version == trust.version + 1 and new.issued >= trust.issued, "trust-update")
        _, ids = verify(value, TRUST_TYPE, {**trust.keys, **new.keys})
        trust.check(ids & trust.keys.keys(), trust.role, None)
        new.check(ids & new.keys.keys(), new.role, None)
        trust = new
    return trust
