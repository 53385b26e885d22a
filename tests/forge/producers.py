"""Producers: people who sign artifacts with keys of their own, as small formats that need no tool."""

import base64
from collections.abc import Mapping, Sequence
from hashlib import blake2b, sha256
from typing import Any

from airgap.core.keys import Algorithm, PrivateKey
from tests.forge.keys import key
from tests.forge.text import base64_of, encode, envelope

CAROL = key("carol the producer", Algorithm.ECDSA_P256)
EVE = key("eve", Algorithm.ECDSA_P256)
MINA = key("mina")


def pem_anchor(*, by: PrivateKey = CAROL, name: str = "carol", artifacts: Sequence[str] = ("pkg:*",)) -> dict[str, Any]:
    """An anchor that pins a producer's key for raw signatures and attestations."""
    return {"name": name, "kind": "pem", "pin": base64_of(by.public.spki), "artifacts": list(artifacts), "settings": {}}


def minisign_anchor(*, by: PrivateKey = MINA, artifacts: Sequence[str] = ("pkg:*",)) -> dict[str, Any]:
    """An anchor that pins a minisign key."""
    pin = base64_of(b"Ed" + _key_number(by) + by.public.raw)
    return {"name": "mina", "kind": "minisign", "pin": pin, "artifacts": list(artifacts), "settings": {}}


def raw_signature(content: bytes, *, by: PrivateKey = CAROL) -> bytes:
    """What ``openssl dgst -sha256 -sign`` writes."""
    return by.sign(content)


def attestation(content: bytes, name: str, *, by: PrivateKey = CAROL, digests: Mapping[str, str] | None = None) -> bytes:
    """An in-toto statement about one artifact in a DSSE envelope."""
    statement = {
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [{"name": name, "digest": digests or {"sha256": sha256(content).hexdigest()}}],
        "predicateType": "https://example.com/reviewed/v1",
        "predicate": {"reviewed": True},
    }
    return encode(envelope("application/vnd.in-toto+json", encode(statement), [by]))


def minisig(content: bytes, *, by: PrivateKey = MINA, comment: bytes = b"by mina") -> bytes:
    """A .minisig with BLAKE2b-512. Source: minisign's signature format."""
    signature = by.sign(blake2b(content).digest())
    both = by.sign(signature + comment)
    lines = (
        b"untrusted comment: signature",
        base64.b64encode(b"ED" + _key_number(by) + signature),
        b"trusted comment: " + comment,
        base64.b64encode(both),
    )
    return b"\n".join(lines) + b"\n"


def _key_number(by: PrivateKey) -> bytes:
    return sha256(by.public.raw).digest()[:8]
