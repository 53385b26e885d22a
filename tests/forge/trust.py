"""Trust documents of the forge: root may change them, alice and bob may export to the channel main."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from airgap.core.keys import PrivateKey
from tests.forge.edit import Edit, same
from tests.forge.keys import ALICE, BOB, ROOT
from tests.forge.text import TRUST, base64_of, encode, envelope, stamp

ISSUED = datetime(2026, 11, 1, tzinfo=UTC)
ENDS = datetime(2027, 11, 1, tzinfo=UTC)
SIGNERS: Mapping[str, Sequence[PrivateKey]] = {"root": [ROOT], "alice": [ALICE], "bob": [BOB]}


def signer(keys: Sequence[PrivateKey], start: datetime = ISSUED, end: datetime = ENDS) -> dict[str, Any]:
    return {"keys": [base64_of(k.public.spki) for k in keys], "from": stamp(start), "until": stamp(end)}


def document(version: int = 1, signers: Mapping[str, Sequence[PrivateKey]] = SIGNERS, **changes: Any) -> dict[str, Any]:
    """A trust document as a JSON value; ``changes`` are members that differ."""
    return {
        "version": version,
        "issued": stamp(ISSUED),
        "expires": stamp(ENDS),
        "signers": {name: signer(keys) for name, keys in signers.items()},
        "roles": {"trust": {"signers": ["root"], "threshold": 1}},
        "channels": {
            "main": {"signers": ["alice", "bob"], "threshold": 1, "artifacts": ["pkg:generic/*"], "destinations": []}
        },
        "anchors": [],
        "revoked": {"keys": [], "digests": [], "artifacts": []},
        **changes,
    }


def revoked(**lists: str) -> dict[str, Any]:
    """The member ``revoked`` with one entry in each list that is named."""
    empty: dict[str, Any] = {"keys": [], "digests": [], "artifacts": []}
    return empty | {kind: [{"what": what, "reason": "stolen", "date": stamp(ISSUED)}] for kind, what in lists.items()}


def trust_envelope(
    value: Mapping[str, Any] | None = None, keys: Sequence[PrivateKey] = (ROOT,), edit: Edit[Any] = same
) -> dict[str, Any]:
    """The signed envelope of a document as a JSON value; ``edit`` changes it after it was signed."""
    changed: dict[str, Any] = edit(envelope(TRUST, encode(document() if value is None else value), keys))
    return changed


def trust_file(
    value: Mapping[str, Any] | None = None, keys: Sequence[PrivateKey] = (ROOT,), edit: Edit[Any] = same
) -> bytes:
    """The same as a file."""
    return encode(trust_envelope(value, keys, edit)) + b"\n"
