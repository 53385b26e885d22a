"""A miniature Sigstore: authorities, logs of both generations, a timestamp authority, and clients that sign with them.

It writes every kind of bundle that there is a verifier for. What it writes is checked against sigstore-python where that
one knows the kind (``test_sigstore_oracle.py``), so that forge and verifier cannot agree on a mistake.
"""

import base64
import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any, Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.x509.oid import ExtensionOID

from tests.evidence import issuing
from tests.evidence.stamp_forge import Stamper, tlv

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
START, END = NOON - timedelta(days=900), NOON + timedelta(days=900)
ISSUER: Final = "https://token.actions.githubusercontent.com"
REPOSITORY: Final = "acme/widget"
REF: Final = "refs/tags/v1.0"
WORKFLOW: Final = f"https://github.com/{REPOSITORY}/.github/workflows/release.yml@{REF}"
INTOTO: Final = "application/vnd.in-toto+json"
ARC: Final = "1.3.6.1.4.1.57264.1."
MEDIA: Final = {
    1: "application/vnd.dev.sigstore.bundle+json;version=0.1",
    2: "application/vnd.dev.sigstore.bundle+json;version=0.2",
    3: "application/vnd.dev.sigstore.bundle.v0.3+json",
}
Json = dict[str, Any]
Edit = Callable[[Any], None]


def b64(raw: bytes) -> str:
    return base64.b64encode(raw).decode()


def spki(key: Any) -> bytes:
    """DER of a public key, given either half."""
    public = key.public_key() if hasattr(key, "public_key") else key
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    return bytes(public.public_bytes(serialization.Encoding.DER, form))


def der(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.DER)


def compact(value: Any) -> bytes:
    return json.dumps(value, separators=(",", ":"), sort_keys=True).encode()


def pae(kind: str, payload: bytes) -> bytes:
    return b"DSSEv1 %d %s %d %s" % (len(kind), kind.encode(), len(payload), payload)


def statement(name: str, content: bytes, predicate: str = "https://slsa.dev/provenance/v1", **digests: str) -> bytes:
    """An in-toto statement about one artifact."""
    digest = digests or {"sha256": hashlib.sha256(content).hexdigest()}
    subject = [{"name": name, "digest": digest}]
    said = {"_type": "https://in-toto.io/Statement/v1", "subject": subject, "predicateType": predicate, "predicate": {}}
    return json.dumps(said).encode()


def workflow_extensions(
    repository: str = REPOSITORY, *, san: str = WORKFLOW, ref: str = REF, issuer: str = ISSUER, config: str = ""
) -> dict[str, str]:
    """What Fulcio writes for a workflow of GitHub."""
    home = f"https://github.com/{repository}"
    old = {"1": issuer, "2": "release", "3": "ab" * 20, "4": "release", "5": repository, "6": ref}
    new = {"8": issuer, "9": san, "12": home, "13": "ab" * 20, "14": ref, "18": config or san, "20": "release"}
    return old | new


@dataclass(frozen=True)
class Signer:
    """A client's key, and its certificate where it has one."""

    key: Any
    certificate: x509.Certificate | None = None

    @property
    def identity(self) -> bytes:
        """DER of what names the signer."""
        return der(self.certificate) if self.certificate else spki(self.key)

    @property
    def pem(self) -> bytes:
        if self.certificate:
            return self.certificate.public_bytes(serialization.Encoding.PEM)
        form = serialization.PublicFormat.SubjectPublicKeyInfo
        return bytes(self.key.public_key().public_bytes(serialization.Encoding.PEM, form))

    def sign(self, message: bytes, digest: Any = None) -> bytes:
        if isinstance(self.key, ed25519.Ed25519PrivateKey):
            return self.key.sign(message)
        longer = {"secp384r1": hashes.SHA384(), "secp521r1": hashes.SHA512()}
        return bytes(self.key.sign(message, ec.ECDSA(digest or longer.get(self.key.curve.name, hashes.SHA256()))))


@dataclass(frozen=True)
class Content:
    """What a client signs: an artifact, or the payload of an envelope."""

    message: bytes = b""
    payload: bytes | None = None
    payload_type: str = INTOTO
    key_id: str = ""

    @property
    def signed(self) -> bytes:
        return self.message if self.payload is None else pae(self.payload_type, self.payload)

    def value(self, signature: bytes) -> Json:
        if self.payload is None:
            digest = {"algorithm": "SHA2_256", "digest": b64(hashlib.sha256(self.message).digest())}
            return {"messageSignature": {"messageDigest": digest, "signature": b64(signature)}}
        return {"dsseEnvelope": self.envelope(signature)}

    def envelope(self, signature: bytes) -> Json:
        signatures = [{"keyid": self.key_id, "sig": b64(signature)}]
        return {"payloadType": self.payload_type, "payload": b64(self.payload or b""), "signatures": signatures}


@dataclass(frozen=True)
class RekorLog:
    """A transparency log with a few other entries in it."""

    url: str
    key: Any
    origin: str
    log_id: bytes
    others: Sequence[bytes] = (b"one", b"two", b"three", b"four", b"six")

    def entry(self, kind: str, version: str, body: bytes, *, at: datetime | None, proof: bool = True) -> Json:
        """The fifth of six entries; with a promise where a time is given."""
        leaves = [*self.others[:4], body, *self.others[4:]]
        value: Json = {
            "logIndex": "1004" if at else "4",
            "logId": {"keyId": b64(self.log_id)},
            "kindVersion": {"kind": kind, "version": version},
            "canonicalizedBody": b64(body),
        }
        if at:
            time = int(at.timestamp())
            promised = {"body": b64(body), "integratedTime": time, "logID": self.log_id.hex(), "logIndex": 1004}
            value["integratedTime"] = str(time)
            value["inclusionPromise"] = {"signedEntryTimestamp": b64(self.sign(compact(promised)))}
        if proof:
            path, root = path_of(leaves, 4)
            value["inclusionProof"] = {
                "logIndex": "4",
                "rootHash": b64(root),
                "treeSize": str(len(leaves)),
                "hashes": [b64(node) for node in path],
                "checkpoint": {"envelope": self.checkpoint(len(leaves), root)},
            }
        return value

    def checkpoint(self, size: int, root: bytes, *, extra: str = "") -> str:
        note = f"{self.origin}\n{size}\n{b64(root)}\n{extra}"
        name = self.origin.partition(" ")[0]
        return f"{note}\n\u2014 {name} {b64(self.log_id[:4] + self.sign(note.encode()))}\n"

    def sign(self, message: bytes) -> bytes:
        return Signer(self.key).sign(message)

    def value(self, start: datetime = START, end: datetime | None = None) -> Json:
        """The log as a trusted root shows it."""
        details = "PKIX_ED25519" if isinstance(self.key, ed25519.Ed25519PrivateKey) else "PKIX_ECDSA_P256_SHA_256"
        key = {"rawBytes": b64(spki(self.key)), "keyDetails": details, "validFor": window(start, end)}
        return {"baseUrl": self.url, "hashAlgorithm": "SHA2_256", "publicKey": key, "logId": {"keyId": b64(self.log_id)}}


def window(start: datetime, end: datetime | None = None) -> Json:
    bounds = {"start": start.isoformat().replace("+00:00", "Z")}
    return bounds if end is None else bounds | {"end": end.isoformat().replace("+00:00", "Z")}


def path_of(leaves: Sequence[bytes], index: int) -> tuple[list[bytes], bytes]:
    """The inclusion path of a leaf, and the root of the tree. Source: RFC 6962, 2.1 and 2.1.1, by recursion."""
    if len(leaves) == 1:
        return [], hashlib.sha256(b"\x00" + leaves[0]).digest()
    half = 1 << (len(leaves) - 1).bit_length() - 1
    left, left_root = path_of(leaves[:half], min(index, half - 1))
    right, right_root = path_of(leaves[half:], max(index - half, 0))
    root = hashlib.sha256(b"\x01" + left_root + right_root).digest()
    return ([*left, right_root] if index < half else [*right, left_root]), root


@dataclass
class Instance:
    """One instance of Sigstore."""

    name: str = "mini"
    root_key: Any = field(default_factory=lambda: ec.generate_private_key(ec.SECP384R1()))
    ca_key: Any = field(default_factory=lambda: ec.generate_private_key(ec.SECP384R1()))
    ct_key: Any = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))

    def __post_init__(self) -> None:
        span: Json = {"start": START, "end": END}
        skid = [(x509.SubjectKeyIdentifier.from_public_key(self.root_key.public_key()), False)]
        self.root = issuing.authority(f"{self.name} root", self.root_key, extensions=skid, **span)
        skid = [(x509.SubjectKeyIdentifier.from_public_key(self.ca_key.public_key()), False)]
        extensions = [issuing.purpose(issuing.CODE), *skid]
        self.ca = issuing.authority(
            f"{self.name} intermediate", self.ca_key, self.root, self.root_key, length=0, extensions=extensions, **span
        )
        key = ec.generate_private_key(ec.SECP256R1())
        self.rekor = RekorLog("https://rekor.test", key, "rekor.test - 1234", hashlib.sha256(spki(key)).digest())
        second = ed25519.Ed25519PrivateKey.generate()
        raw = second.public_key().public_bytes_raw()
        log_id = hashlib.sha256(b"log2.rekor.test\n\x01" + raw).digest()
        self.rekor2 = RekorLog("https://log2.rekor.test", second, "log2.rekor.test", log_id)
        self.tsa = Stamper(f"{self.name} tsa", start=START, end=END)
        self.ct = RekorLog("https://ct.test", self.ct_key, "", hashlib.sha256(spki(self.ct_key)).digest())

    def trusted_root(self, edit: Edit | None = None) -> bytes:
        """Its trusted_root.json, changed as a test likes."""
        value = {
            "mediaType": "application/vnd.dev.sigstore.trustedroot+json;version=0.1",
            "tlogs": [self.rekor.value(), self.rekor2.value()],
            "certificateAuthorities": [_authority("https://fulcio.test", [self.ca, self.root])],
            "ctlogs": [self.ct.value()],
            "timestampAuthorities": [_authority("https://tsa.test", self.tsa.chain)],
        }
        if edit:
            edit(value)
        return json.dumps(value).encode()

    def signer(
        self,
        san: str = WORKFLOW,
        extensions: Mapping[str, str] | None = None,
        *,
        at: datetime = NOON,
        key: Any = None,
        names: Sequence[x509.GeneralName] | None = None,
        is_logged: bool = True,
        more: Sequence[tuple[x509.ExtensionType, bool]] = (),
        without: Sequence[type[x509.ExtensionType]] = (),
        sct: Callable[[bytes], bytes] = lambda raw: raw,
    ) -> Signer:
        """A client that proved an identity: ten minutes from one minute before ``at``."""
        key = key or ec.generate_private_key(ec.SECP256R1())
        given = workflow_extensions(san=san) if extensions is None else extensions
        name = x509.RFC822Name(san) if "@" in san and "/" not in san else x509.UniformResourceIdentifier(san)
        parts: list[tuple[x509.ExtensionType, bool]] = [
            (issuing.usage("digital_signature"), True),
            issuing.purpose(issuing.CODE),
            (x509.SubjectKeyIdentifier.from_public_key(key.public_key()), False),
            (x509.AuthorityKeyIdentifier.from_issuer_public_key(self.ca_key.public_key()), False),
            (x509.SubjectAlternativeName([name] if names is None else names), True),
            *(_fulcio(number, text) for number, text in given.items()),
        ]
        parts = [*(part for part in parts if not isinstance(part[0], tuple(without))), *more]
        span: Json = {"start": at - timedelta(minutes=1), "end": at + timedelta(minutes=9), "serial": 77}
        bare = issuing.issue("", key, self.ca, self.ca_key, extensions=parts, **span)
        if not is_logged:
            return Signer(key, bare)
        raw = sct(self.sct(bare.tbs_certificate_bytes, at))
        logged = x509.UnrecognizedExtension(ExtensionOID.PRECERT_SIGNED_CERTIFICATE_TIMESTAMPS, tlv(0x04, raw))
        return Signer(key, issuing.issue("", key, self.ca, self.ca_key, extensions=[*parts, (logged, False)], **span))

    def sct(self, tbs: bytes, at: datetime) -> bytes:
        """A list of one signed certificate timestamp. Source: RFC 6962, 3.2 and 3.3."""
        time = int(at.timestamp() * 1000).to_bytes(8, "big")
        issuer = hashlib.sha256(spki(self.ca_key)).digest()
        signed = b"\x00\x00" + time + b"\x00\x01" + issuer + len(tbs).to_bytes(3, "big") + tbs + b"\x00\x00"
        signature = Signer(self.ct_key).sign(signed, hashes.SHA256())
        sct = b"\x00" + self.ct.log_id + time + b"\x00\x00" + b"\x04\x03" + len(signature).to_bytes(2, "big") + signature
        listed = len(sct).to_bytes(2, "big") + sct
        return len(listed).to_bytes(2, "big") + listed

    def bundle(
        self,
        signer: Signer,
        content: Content,
        kind: tuple[str, str] | None = ("hashedrekord", "0.0.1"),
        *,
        version: int = 3,
        at: datetime = NOON,
        is_stamped: bool = False,
        is_promised: bool = True,
        has_proof: bool = True,
        edit_body: Edit | None = None,
        signature: bytes | None = None,
        hint: str = "",
    ) -> Json:
        """A bundle of any kind; without ``kind`` it is not logged. Kinds of Rekor v2 are never promised."""
        signature = signer.sign(content.signed) if signature is None else signature
        material: Json = {}
        if signer.certificate is None:
            material["publicKey"] = {"hint": hint or b64(hashlib.sha256(spki(signer.key)).digest())}
        elif version == 3:
            material["certificate"] = {"rawBytes": b64(der(signer.certificate))}
        else:
            material["x509CertificateChain"] = {"certificates": [{"rawBytes": b64(der(signer.certificate))}]}
        if kind is not None:
            body = _BODIES[kind](signer, content, signature)
            if edit_body:
                edit_body(body)
            second = kind in {("hashedrekord", "0.0.2"), ("dsse", "0.0.2")}
            log = self.rekor2 if second else self.rekor
            time = at if is_promised and not second else None
            material["tlogEntries"] = [log.entry(*kind, compact(body), at=time, proof=has_proof)]
        if is_stamped:
            material["timestampVerificationData"] = {
                "rfc3161Timestamps": [{"signedTimestamp": b64(self.tsa.stamp(signature, at))}]
            }
        return {"mediaType": MEDIA[version], "verificationMaterial": material, **content.value(signature)}


@cache
def instance(name: str = "mini") -> Instance:
    """The same instance for the same name."""
    return Instance(name)


def _authority(uri: str, chain: Sequence[x509.Certificate]) -> Json:
    certificates = [{"rawBytes": b64(der(certificate))} for certificate in chain]
    subject = {"organization": "mini", "commonName": "mini"}
    return {"subject": subject, "uri": uri, "certChain": {"certificates": certificates}, "validFor": window(START)}


def _fulcio(number: str, text: str) -> tuple[x509.ExtensionType, bool]:
    raw = text.encode() if len(number) == 1 and number < "7" else tlv(0x0C, text.encode())
    return x509.UnrecognizedExtension(x509.ObjectIdentifier(ARC + number), raw), False


def _hashedrekord1(signer: Signer, content: Content, signature: bytes) -> Json:
    digest = {"hash": {"algorithm": "sha256", "value": hashlib.sha256(content.signed).hexdigest()}}
    spec = {"data": digest, "signature": {"content": b64(signature), "publicKey": {"content": b64(signer.pem)}}}
    return {"apiVersion": "0.0.1", "kind": "hashedrekord", "spec": spec}


def _signature2(signer: Signer, signature: bytes) -> Json:
    raw = {"rawBytes": b64(signer.identity)}
    verifier = {"x509Certificate": raw} if signer.certificate else {"publicKey": raw}
    return {"content": b64(signature), "verifier": verifier | {"keyDetails": "PKIX_ECDSA_P256_SHA_256"}}


def _hash2(content: bytes) -> Json:
    return {"algorithm": "SHA2_256", "digest": b64(hashlib.sha256(content).digest())}


def _hashedrekord2(signer: Signer, content: Content, signature: bytes) -> Json:
    spec = {"data": _hash2(content.signed), "signature": _signature2(signer, signature)}
    return {"apiVersion": "0.0.2", "kind": "hashedrekord", "spec": {"hashedRekordV002": spec}}


def _hash1(content: bytes) -> Json:
    return {"algorithm": "sha256", "value": hashlib.sha256(content).hexdigest()}


def _dsse1(signer: Signer, content: Content, signature: bytes) -> Json:
    spec = {
        "envelopeHash": _hash1(compact(content.envelope(signature))),
        "payloadHash": _hash1(content.payload or b""),
        "signatures": [{"signature": b64(signature), "verifier": b64(signer.pem)}],
    }
    return {"apiVersion": "0.0.1", "kind": "dsse", "spec": spec}


def _dsse2(signer: Signer, content: Content, signature: bytes) -> Json:
    spec = {"payloadHash": _hash2(content.payload or b""), "signatures": [_signature2(signer, signature)]}
    return {"apiVersion": "0.0.2", "kind": "dsse", "spec": {"dsseV002": spec}}


def _intoto1(signer: Signer, content: Content, signature: bytes) -> Json:
    written = json.dumps(content.envelope(signature), separators=(",", ":")).encode()
    hashed = {"hash": _hash1(written), "payloadHash": _hash1(content.payload or b"")}
    return {"apiVersion": "0.0.1", "kind": "intoto", "spec": {"content": hashed, "publicKey": b64(signer.pem)}}


def _intoto2(signer: Signer, content: Content, signature: bytes) -> Json:
    said = {"publicKey": b64(signer.pem), "sig": b64(b64(signature).encode())}
    envelope = {"payloadType": content.payload_type, "signatures": [said]}
    hashed = {"hash": _hash1(compact(content.envelope(signature))), "payloadHash": _hash1(content.payload or b"")}
    return {"apiVersion": "0.0.2", "kind": "intoto", "spec": {"content": {"envelope": envelope, **hashed}}}


_BODIES: Final = {
    ("hashedrekord", "0.0.1"): _hashedrekord1,
    ("hashedrekord", "0.0.2"): _hashedrekord2,
    ("dsse", "0.0.1"): _dsse1,
    ("dsse", "0.0.2"): _dsse2,
    ("intoto", "0.0.1"): _intoto1,
    ("intoto", "0.0.2"): _intoto2,
}
