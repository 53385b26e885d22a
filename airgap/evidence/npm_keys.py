"""The key list of an npm registry: which keys it signs with, and from when to when.

Source: npm documentation, "About registry signatures" (``/-/npm/v1/keys``), and the target ``keys.json`` of
the Sigstore TUF repository, which says the same in other words. A list counts only when an anchor pins its SHA-256.
"""

import base64
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, Final, NamedTuple

from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_der_public_key

from airgap.core.anchors import Anchor, Kind
from airgap.core.digest import sha256
from airgap.core.errors import FormatError
from airgap.core.foreign import load_object
from airgap.core.times import format_time
from airgap.core.verdict import Finding, Result
from airgap.evidence.pinned import Pinned
from airgap.evidence.pubkey import Key, strict_base64
from airgap.evidence.subject import Bench, Piece, Pins, pin_hint

MAX_LIST: Final = 256 * 1024
MAX_KEYS: Final = 256
MAX_CARRIED: Final = 4
"""Lists among an artifact's own pieces that are looked at."""
_ALGORITHM: Final = "ecdsa-p256"
_KEY_TYPE: Final = "ecdsa-sha2-nistp256"
_KEY_DETAILS: Final = "PKIX_ECDSA_P256_SHA_256"


class Usage(StrEnum):
    """What the registry signs with a key; the registry's own list says nothing about it and means both."""

    SIGNATURES = "npm:signatures"
    ATTESTATIONS = "npm:attestations"


class RegistryKey(NamedTuple):
    """One key of a registry. ``start`` is included, ``end`` is not; None for no limit."""

    name: str
    key: Key
    usages: frozenset[str]
    start: datetime | None
    end: datetime | None

    def state_at(self, at: datetime) -> str:
        """``valid``, ``expired`` or ``not-yet-valid``."""
        if self.start is not None and at < self.start:
            return "not-yet-valid"
        return "expired" if self.end is not None and at >= self.end else "valid"


@dataclass(frozen=True, slots=True)
class Candidate:
    """A key that a signature names; ``anchor`` is None for one in a list that nobody pinned: no proof (T127)."""

    known: RegistryKey
    pin: str
    anchor: Anchor | None


def read_pin(raw: bytes) -> Pinned:
    """What pins a key list: its digest. The keys' names are shown, as npm shows them.

    Raises:
        FormatError: it is no key list, or holds no key that this program knows.
    """
    names = sorted({known.name for known in parse_list(raw)})
    if not names:
        raise FormatError("key list: expected an ECDSA P-256 key, got none")
    pin = sha256(raw).hex()
    return Pinned(pin=pin, fingerprint=f"sha256:{pin}", settings={}, identity=", ".join(names))


def parse_list(raw: bytes) -> Sequence[RegistryKey]:
    """The keys in a list, in either form.

    Keys of other types are left out: nothing can be verified with them, and a list must stay readable on the day that the
    registry adds one.

    Raises:
        FormatError: it is no key list, or names a key by another key's fingerprint.
    """
    if len(raw) > MAX_LIST:
        raise FormatError(f"key list: expected at most {MAX_LIST} bytes, got {len(raw)}")
    entries = load_object(raw, what="key list").get("keys")
    if not isinstance(entries, list) or not entries or len(entries) > MAX_KEYS:
        raise FormatError(f"key list: expected 1 to {MAX_KEYS} keys, got another value")
    return [key for entry in entries if (key := _read_entry(entry)) is not None]


def key_name(key: Key) -> str:
    """How npm names a key: its OpenSSH fingerprint, not the hash of its SPKI."""
    text = load_der_public_key(key.spki).public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).split()[1]
    return "SHA256:" + base64.b64encode(sha256(base64.b64decode(text))).decode().rstrip("=")


def candidates(name: str, usage: Usage, beside: Sequence[Piece], pins: Pins) -> list[Candidate]:
    """The keys of a name: those of pinned lists, or, where no pinned list has any, those of lists that came along."""
    lists = {sha256(raw).hex(): raw for raw in _carried(beside)}
    anchored = []
    for anchor in pins.of(Kind.NPM):
        raw = _material(anchor) or lists.get(anchor.pin)
        if raw is not None and sha256(raw).hex() == anchor.pin:
            anchored += [Candidate(known, anchor.pin, anchor) for known in _named(raw, name, usage)]
    if anchored:
        return anchored
    return [Candidate(known, pin, None) for pin, raw in lists.items() for known in _named(raw, name, usage)]


def missing_list(beside: Sequence[Piece], pins: Pins) -> str:
    """The pin of a list that is not at hand, else nothing."""
    at_hand = {sha256(raw).hex() for raw in _carried(beside)}
    return next((a.pin for a in pins.of(Kind.NPM) if _material(a) is None and a.pin not in at_hand), "")


def settle(bench: Bench, maker: Candidate, pins: Pins, signed_at: datetime | None) -> Finding:
    """What follows from a signature of the registry that holds.

    Args:
        bench: of the piece, with what proves the time, if anything does.
        maker: the key that made it.
        pins: what the site believes.
        signed_at: UTC; None where nothing says when, which only a key without end can afford.
    """
    known, at = maker.known, signed_at
    state_then = known.state_at(at) if at else "" if known.end else "valid"
    bench = about(bench, maker).knowing(
        key_then=state_then, key_now=known.state_at(pins.at), signed_at=format_time(at) if at else ""
    )
    withdrawn = pins.revoked.get(known.key.key_id)
    if withdrawn is not None:
        got = f"revoked: {withdrawn.reason!a:.120}"
        return bench.knowing(key_now="revoked").other(Result.REVOKED, "a key that is still good", got, identity=known.name)
    if maker.anchor is None:
        hint = pin_hint(Kind.NPM, maker.pin, bench.subject.purl)
        return bench.untrusted(f"{known.name}, {known.key.fingerprint}", identity=known.name, hint=hint)
    if state_then == "valid":
        return bench.verified(known.name)
    expected = f"a signature while the key was valid, {_window(known)}"
    if at is None:
        # perhaps a good one: nothing speaks against the package, and nothing for it
        return bench.other(Result.UNTRUSTED_KEY, expected, "one that nothing dates", identity=known.name)
    return bench.other(Result.EXPIRED_AT_SIGNING, expected, f"one of {format_time(at)}", identity=known.name)


def about(bench: Bench, maker: Candidate) -> Bench:
    """The bench that knows the key."""
    anchor = maker.anchor.name if maker.anchor else ""
    return bench.knowing(fingerprint=maker.known.key.fingerprint, anchor=anchor)


def _window(known: RegistryKey) -> str:
    start = format_time(known.start) if known.start else "ever"
    return f"from {start} until {format_time(known.end)}" if known.end else f"from {start} on"


def _named(raw: bytes, name: str, usage: Usage) -> list[RegistryKey]:
    with suppress(FormatError):
        return [known for known in parse_list(raw) if known.name == name and usage in known.usages]
    return []


def _carried(beside: Sequence[Piece]) -> list[bytes]:
    """Key lists among an artifact's pieces; by content, for an exporter may give them any role."""
    found = [p.content for p in beside if len(p.content) <= MAX_LIST and b'"keys"' in p.content]
    return found[:MAX_CARRIED]


def _material(anchor: Anchor) -> bytes | None:
    with suppress(FormatError):
        return anchor.material
    return None


def _read_entry(entry: Any) -> RegistryKey | None:
    """One key; None for one of another type.

    Raises:
        FormatError: a member that is not what it should be.
    """
    if not isinstance(entry, Mapping):
        raise FormatError("key list: expected keys as JSON objects, got another value")
    if "publicKey" in entry:
        return _read_target(entry, entry["publicKey"])
    if entry.get("keytype") != _KEY_TYPE or entry.get("scheme") != _KEY_TYPE:
        return None
    return _key(entry.get("keyid"), entry.get("key"), frozenset(Usage), None, entry.get("expires"))


def _read_target(entry: Mapping[str, Any], said: Any) -> RegistryKey | None:
    """One key in the words of the Sigstore TUF repository."""
    validity = said.get("validFor", {}) if isinstance(said, Mapping) else None
    if not isinstance(said, Mapping) or not isinstance(validity, Mapping):
        raise FormatError("key list: expected a public key and its validity, got another value")
    if said.get("keyDetails") != _KEY_DETAILS:
        return None
    usages = frozenset({str(entry.get("keyUsage"))})
    return _key(entry.get("keyId"), said.get("rawBytes"), usages, validity.get("start"), validity.get("end"))


def _key(name: Any, spki: Any, usages: frozenset[str], start: Any, end: Any) -> RegistryKey:
    if not isinstance(spki, str):
        raise FormatError("key list: expected a key in base64, got another value")
    key = Key.parse(strict_base64(spki, what="key list"))
    if key.algorithm != _ALGORITHM:
        raise FormatError(f"key list: expected {_ALGORITHM}, got {key.algorithm}")
    if name != key_name(key):
        raise FormatError(f"key list: expected the name {key_name(key)}, got {name!a:.80}")
    return RegistryKey(key_name(key), key, usages, *(None if text is None else read_time(text) for text in (start, end)))


def read_time(text: Any) -> datetime:
    """An instant as registries write it, ``2025-01-29T00:00:00.000Z`` or with ``+00:00`` at its end.

    Raises:
        FormatError: anything else.
    """
    try:
        if not isinstance(text, str) or len(text) > 40 or text[10:11] != "T":
            raise ValueError(text)
        at = datetime.fromisoformat(text)
        if at.tzinfo is None:
            raise ValueError(text)
        return at.astimezone(UTC)
    except (ValueError, OverflowError) as exc:
        raise FormatError(f"time: expected YYYY-MM-DDTHH:MM:SS.mmmZ, got {text!a:.80}") from exc
