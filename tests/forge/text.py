"""The bytes of documents, written without the code under test: canonical JSON, PAE, envelopes, padded areas."""

import base64
import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from airgap.core.keys import PrivateKey

CREATED = datetime(2026, 11, 20, tzinfo=UTC)
EXPIRES = datetime(2027, 2, 20, tzinfo=UTC)
NOW = datetime(2026, 11, 23, 8, tzinfo=UTC)

STATEMENT = "application/vnd.in-toto+json"
TRUST = "application/vnd.airgap.trust+json"


def stamp(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")


def encode(value: Any) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def base64_of(raw: bytes) -> str:
    return base64.b64encode(raw).decode()


def pae(kind: str, payload: bytes) -> bytes:
    return b" ".join((b"DSSEv1", b"%d" % len(kind), kind.encode(), b"%d" % len(payload), payload))


def envelope(kind: str, payload: bytes, keys: Sequence[PrivateKey]) -> dict[str, Any]:
    signatures = [{"keyid": k.public.key_id, "sig": base64_of(k.sign(pae(kind, payload)))} for k in keys]
    return {
        "payload": base64_of(payload),
        "payloadType": kind,
        "signatures": sorted(signatures, key=lambda s: s["keyid"]),
    }


def area(raw: bytes, room: int = 0) -> bytes:
    """An area of the head with ``room`` bytes of blank padding."""
    return raw + b" " * room + b"\n"
