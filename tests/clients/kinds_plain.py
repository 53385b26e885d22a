"""Signatures by keys that stand alone: minisign, signify, SSH, raw ones, DSSE, cosign, model signing; and CMS."""

from dataclasses import replace
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any, Final

from cryptography.hazmat.primitives.serialization import Encoding

from tests.clients.kind import TEXT, Kind, Pin, vector
from tests.evidence import issuing, signing
from tests.forge.keys import key
from tests.forge.producers import CAROL

_SPAN: Final[dict[str, Any]] = {"start": datetime(2020, 1, 1, tzinfo=UTC), "end": datetime(2120, 1, 1, tzinfo=UTC)}
_OTHER_PEM: Final = CAROL.public.pem
_LISTER: Final = key("the one who signs lists")
_SUMS: Final = f"{sha256(TEXT).hexdigest()}  a.txt\n".encode()


def _pem(name: str, path: str, signature: str, finding: str, *, kind: str = "pem", suffix: str = "sig") -> Kind:
    pin = Pin(kind=kind, source=vector(path), other=_OTHER_PEM)
    return Kind(name=name, finding=finding, evidence={f"a.txt.{suffix}": vector(signature)}, pins=[pin])


def _ssh(name: str, other: str) -> Kind:
    public, another = vector(f"sshsig/{name}.pub"), vector(f"sshsig/{other}.pub")
    evidence = {"a.txt.sig": vector(f"sshsig/{name}.sig")}
    return Kind(
        name=f"ssh-{name}", finding="sshsig", evidence=evidence, pins=[Pin(kind="ssh", source=public, other=another)]
    )


def _cms() -> Kind:
    """By a signer whose authority is pinned and travels along; the signer's own certificate stands in the signature."""
    root_key, own = issuing.key("p384", "demonstrated root"), issuing.key("p256", "demonstrated signer")
    root = issuing.authority("root", root_key, **_SPAN)
    leaf = issuing.issue("signer", own, root, root_key, extensions=[issuing.purpose(issuing.CODE)], **_SPAN)
    pem = root.public_bytes(Encoding.PEM)
    pin = Pin(kind="x509", source=pem, other=vector("cms/root.pem"), settings={"subject": "CN=signer"}, holds=False)
    return Kind(
        name="cms",
        finding="cms",
        evidence={"a.txt.p7s": signing.make(TEXT, leaf, own, extra=[signing.bound(leaf)])},
        keys={"cms.pem": pem},
        pins=[pin],
    )


PLAIN: Final = [
    Kind(
        name="minisign",
        finding="minisign",
        evidence={"a.txt.minisig": vector("minisign/a.txt.minisig")},
        pins=[Pin(kind="minisign", source=vector("minisign/key.pub"), other=vector("anchoring/minisign.pub"))],
    ),
    Kind(
        name="signify",
        finding="signify",
        evidence={"a.txt.sig": vector("signify/a.txt.sig")},
        pins=[Pin(kind="signify", source=vector("signify/key.pub"), other=vector("anchoring/signify.pub"))],
    ),
    _ssh("ed25519", "ecdsa256"),
    _ssh("ecdsa256", "ed25519"),
    _ssh("rsa2048", "ed25519"),
    _cms(),
    Kind(
        name="signed-sums",
        finding="sums",
        evidence={"SHA256SUMS.sig": _LISTER.sign(_SUMS), "SHA256SUMS": _SUMS},
        pins=[Pin(kind="pem", source=_LISTER.public.pem, other=_OTHER_PEM)],
        blamed={"SHA256SUMS": "SHA256SUMS.sig"},
    ),
    _pem("raw-rsa", "raw/rsa.pub", "raw/rsa-sha256.sig", "raw"),
    _pem("raw-ecdsa", "raw/p256.pub", "raw/p256-sha256.sig", "raw"),
    _pem("raw-ed25519", "raw/ed25519.pub", "raw/ed25519.sig", "raw"),
    _pem("dsse", "dsse/p256.pub", "dsse/one.json", "dsse", suffix="dsse.json"),
    _pem("cosign-blob", "cosign_blob/cosign.pub", "cosign_blob/a.txt.sig", "cosign-blob", kind="cosign"),
    replace(
        _pem(
            "cosign-old", "cosign_blob/cosign.pub", "cosign_blob/key.bundle", "cosign-blob", kind="cosign", suffix="bundle"
        ),
        # the copy of the key in the middle is never believed, and so nobody minds its bytes
        flips={"a.txt.bundle": len('{"base64Signature":"') + 40},
    ),
    Kind(
        name="model-key",
        finding="model-signing",
        file="weights.bin",
        content=vector("model_signing/model/weights.bin"),
        evidence={"model.sig": vector("model_signing/single.sig")},
        pins=[Pin(kind="model-signing", source=vector("model_signing/P-256.pub"), other=vector("model_signing/P-384.pub"))],
    ),
]
