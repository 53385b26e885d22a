"""Every form of producers' evidence, once by a producer whom a site pins and once by eve, who carries her key along."""

import base64
import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from airgap.core.entries import Artifact, Document, Role
from airgap.core.keys import PrivateKey
from airgap.core.trust import open_trust
from airgap.core.verdict import Finding, Vouches
from airgap.core.vouching import Vouching
from airgap.evidence.prove import Prover
from tests.boundaries.producers import NpmRegistry
from tests.evidence.plain import vector
from tests.forge.edit import put
from tests.forge.keys import key
from tests.forge.producers import CAROL, EVE, MINA, attestation, minisig, minisign_anchor, pem_anchor, raw_signature
from tests.forge.text import base64_of, pae
from tests.forge.trust import document, revoked, trust_file

NOW = datetime(2026, 11, 23, 8, tzinfo=UTC)
CONTENT = b"hello, isolated side\n"
ED25519_EVE = key("eve")
Pieces = Mapping[str, tuple[bytes, Role]]


@dataclass(frozen=True, kw_only=True)
class Form:
    """One form of evidence about one artifact.

    Attributes:
        place: of the piece, below ``documents/``.
        good, forged: the piece by the pinned producer, and by eve over the same bytes.
        beside: what else has to be there: certificates, lists, roots.
        carried: the same in eve's version, her key included.
        key_id: of the producer's key, as a revocation names it.
        role: of the piece.
    """

    kind: str
    good: bytes
    forged: bytes
    anchor: Mapping[str, Any]
    key_id: str
    place: str = "files/a.txt.sig"
    name: str = "a.txt"
    purl: str = "pkg:generic/a.txt"
    content: bytes = CONTENT
    beside: Pieces = field(default_factory=dict)
    carried: Pieces = field(default_factory=dict)
    role: Role = Role.SIGNATURE

    def prove(
        self,
        folder: Path,
        piece: bytes | None = None,
        *,
        content: bytes | None = None,
        beside: Pieces | None = None,
        anchors: Sequence[Mapping[str, Any]] | None = None,
        withdrawn: str = "",
        at: datetime = NOW,
    ) -> list[Finding]:
        """What a site finds about the piece; what is not said is as it should be."""
        value = document(
            anchors=[self.anchor] if anchors is None else list(anchors),
            revoked=revoked(**({"keys": withdrawn} if withdrawn else {})),
        )
        prover = Prover(open_trust(trust_file(value)).trust, at)
        pieces = {
            self.place: (self.good if piece is None else piece, self.role),
            **(self.beside if beside is None else beside),
        }
        about = self.content if content is None else content
        file = folder / "content"
        file.write_bytes(about)
        artifact = Artifact(f"artifacts/files/{self.name}", len(about), hashlib.sha256(about).digest(), self.purl)
        return prover.prove(artifact, [_store(folder, path, *said) for path, said in pieces.items()], {}, str(file))


def _store(folder: Path, path: str, raw: bytes, role: Role) -> tuple[Document, str]:
    file = folder / path.replace("/", "_")
    file.write_bytes(raw)
    return Document(f"documents/{path}", len(raw), hashlib.sha256(raw).digest(), role, "x/y"), str(file)


def edited(piece: bytes, *way: Any, to: Any) -> bytes:
    """A piece in JSON with one member changed."""
    return json.dumps(put(*way, to=to)(json.loads(piece))).encode()


def vouches(form: Form, found: Sequence[Finding]) -> frozenset[Vouches]:
    """Who vouches for the artifact."""
    return Vouching.of(f"artifacts/files/{form.name}", found).vouches


def pinned(kind: str, pin: str, **settings: str) -> dict[str, Any]:
    return {"name": "producer", "kind": kind, "pin": pin, "artifacts": ["pkg:*"], "settings": settings}


def by_key(raw: bytes, name: str = "eve.pub") -> Pieces:
    return {f"keys/{name}": (raw, Role.KEY)}


# -- keys alone --------------------------------------------------------------------------------------------------------


def packed(by: PrivateKey, body: bytes) -> bytes:
    """Algorithm, key number and key or signature, as signify writes them."""
    return base64.b64encode(b"Ed" + hashlib.sha256(by.public.raw).digest()[:8] + body)


def signify(content: bytes, by: PrivateKey) -> bytes:
    return b"untrusted comment: x\n%b\n" % packed(by, by.sign(content))


def strings(*parts: bytes) -> bytes:
    return b"".join(len(part).to_bytes(4, "big") + part for part in parts)


def ssh_blob(by: PrivateKey) -> bytes:
    return strings(b"ssh-ed25519", by.public.raw)


def sshsig(
    content: bytes, by: PrivateKey, namespace: bytes = b"file", *, edit: Callable[[bytes], bytes] = bytes, **other: bytes
) -> bytes:
    """What ``ssh-keygen -Y sign`` writes. Source: PROTOCOL.sshsig."""
    signature = edit(by.sign(b"SSHSIG" + strings(namespace, b"", b"sha512", hashlib.sha512(content).digest())))
    inner = strings(other.get("algorithm", b"ssh-ed25519"), signature)
    raw = b"SSHSIG\0\0\0\1" + strings(other.get("blob", ssh_blob(by)), namespace, b"", b"sha512", inner)
    return b"-----BEGIN SSH SIGNATURE-----\n%b\n-----END SSH SIGNATURE-----\n" % base64.b64encode(raw)


def cosign_bundle(content: bytes, by: PrivateKey) -> bytes:
    said = {"base64Signature": base64_of(by.sign(content)), "cert": base64_of(by.public.pem), "rekorBundle": None}
    return json.dumps(said).encode()


def plain() -> list[Form]:
    """Signatures and attestations by a key."""
    spki_of = base64_of(CAROL.public.spki)
    eve = by_key(EVE.public.pem)
    pin = f"ssh-ed25519 {base64_of(ssh_blob(MINA))}"
    eve_minisign = f"untrusted comment: x\n{minisign_anchor(by=ED25519_EVE)['pin']}\n".encode()
    eve_signify = b"untrusted comment: x\n%b\n" % packed(ED25519_EVE, ED25519_EVE.public.raw)
    ours, mina = CAROL.public.key_id, MINA.public.key_id
    return [
        Form(
            kind="raw",
            good=raw_signature(CONTENT),
            forged=raw_signature(CONTENT, by=EVE),
            anchor=pem_anchor(),
            carried=eve,
            key_id=ours,
        ),
        Form(
            kind="dsse",
            place="files/a.txt.intoto.json",
            role=Role.ATTESTATION,
            good=attestation(CONTENT, "a.txt"),
            forged=attestation(CONTENT, "a.txt", by=EVE),
            anchor=pem_anchor(),
            carried=eve,
            key_id=ours,
        ),
        Form(
            kind="cosign-blob",
            place="files/a.txt.bundle",
            good=cosign_bundle(CONTENT, CAROL),
            forged=cosign_bundle(CONTENT, EVE),
            anchor=pinned("cosign", spki_of),
            key_id=ours,
        ),
        Form(
            kind="minisign",
            place="files/a.txt.minisig",
            good=minisig(CONTENT),
            forged=minisig(CONTENT, by=ED25519_EVE),
            anchor=minisign_anchor(),
            carried=by_key(eve_minisign),
            key_id=mina,
        ),
        Form(
            kind="signify",
            good=signify(CONTENT, MINA),
            forged=signify(CONTENT, ED25519_EVE),
            anchor=pinned("signify", packed(MINA, MINA.public.raw).decode()),
            carried=by_key(eve_signify),
            key_id=mina,
        ),
        Form(
            kind="sshsig",
            good=sshsig(CONTENT, MINA),
            forged=sshsig(CONTENT, ED25519_EVE),
            anchor=pinned("ssh", pin),
            key_id=mina,
        ),
    ]


# -- statements, models and images -------------------------------------------------------------------------------------


def model(by: PrivateKey) -> bytes:
    """The payload of a real model signature, signed by another key that travels in it."""
    said = json.loads(vector("model_signing/P-256.sig"))
    envelope = said["dsseEnvelope"]
    signed = pae(envelope["payloadType"], base64.b64decode(envelope["payload"]))
    envelope["signatures"] = [{"sig": base64_of(by.sign(signed))}]
    key_ = {"rawBytes": base64_of(by.public.pem), "keyDetails": "PKIX_ECDSA_P256_SHA_256"}
    said["verificationMaterial"] = {"publicKey": key_, "tlogEntries": []}
    return json.dumps(said).encode()


IMAGE = b'{"schemaVersion":2,"config":{},"layers":[]}'
SIMPLE = json.dumps(
    {
        "critical": {
            "identity": {"docker-reference": "registry.example/app"},
            "image": {"docker-manifest-digest": f"sha256:{hashlib.sha256(IMAGE).hexdigest()}"},
            "type": "cosign container image signature",
        },
        "optional": None,
    }
).encode()


def image_signature(by: PrivateKey, *, edit: Callable[[bytes], bytes] = bytes) -> bytes:
    """The image whose one layer is a signature of another image."""
    notes = {"dev.cosignproject.cosign/signature": base64_of(edit(by.sign(SIMPLE)))}
    digest = f"sha256:{hashlib.sha256(SIMPLE).hexdigest()}"
    kind = "application/vnd.dev.cosign.simplesigning.v1+json"
    layer = {"mediaType": kind, "size": len(SIMPLE), "digest": digest, "annotations": notes}
    return json.dumps({"schemaVersion": 2, "layers": [layer]}).encode()


def _npm() -> Form:
    ours, eve = NpmRegistry(), NpmRegistry(EVE)
    return Form(
        kind="npm-signature",
        name=ours.name("2.0"),
        purl=ours.purl("2.0"),
        place=f"files/{ours.name('2.0')}.npm-signature.json",
        good=ours.evidence("2.0", CONTENT)[".npm-signature.json"],
        forged=eve.evidence("2.0", CONTENT)[".npm-signature.json"],
        anchor=ours.anchor,
        beside={"keys/keys.json": (ours.keys["keys.json"], Role.ANCHOR_DATA)},
        carried={"keys/keys.json": (eve.keys["keys.json"], Role.ANCHOR_DATA)},
        key_id=ours.key.public.key_id,
    )


def larger() -> list[Form]:
    """Models, images, and packages of a registry."""
    spki_of = base64_of(CAROL.public.spki)
    blob = {"files/payload.json": (SIMPLE, Role.INDEX)}
    return [
        Form(
            kind="model-signing",
            name="m/weights.bin",
            place="files/m/model.sig",
            content=b"weights\n",
            good=model(CAROL),
            forged=model(EVE),
            anchor=pinned("model-signing", spki_of),
            key_id=CAROL.public.key_id,
        ),
        Form(
            kind="cosign-image",
            name="manifest.json",
            place="files/manifest.json.cosign.json",
            content=IMAGE,
            good=image_signature(CAROL),
            forged=image_signature(EVE),
            anchor=pinned("cosign", spki_of),
            beside=blob,
            carried={**blob, **by_key(EVE.public.pem)},
            key_id=CAROL.public.key_id,
        ),
        _npm(),
    ]
