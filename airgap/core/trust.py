"""The trust document: who may say what at this site.

Source: docs/trust.md. Modelled on TUF's root role (thresholds, versions, n -> n+1); the document is a DSSE payload.
"""

import base64
import binascii
from collections.abc import Mapping, Set
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Self

from airgap.core import canonical
from airgap.core.authentic import Authentic
from airgap.core.envelope import TRUST_TYPE, Envelope, authenticate
from airgap.core.errors import FormatError
from airgap.core.keys import PublicKey
from airgap.core.names import check_token
from airgap.core.purl import is_match
from airgap.core.reasons import Reason
from airgap.core.schema import validate
from airgap.core.times import format_time, parse_time

MAX_SIZE: Final = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Signer:
    """A named person or machine; all keys must sign. Valid from ``start`` until before ``end``."""

    name: str
    keys: tuple[PublicKey, ...]
    start: datetime
    end: datetime


@dataclass(frozen=True, slots=True)
class Role:
    """So many of these signers have to sign."""

    signers: frozenset[str]
    threshold: int


@dataclass(frozen=True, slots=True)
class Channel:
    """Who may export which artifacts to which sites; empty destinations mean any."""

    role: Role
    artifacts: tuple[str, ...]
    destinations: frozenset[str]


@dataclass(frozen=True, slots=True)
class Revoked:
    """Something withdrawn: a key id or an OpenPGP fingerprint, a digest in hex, or a purl pattern."""

    what: str
    reason: str
    date: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Trust:
    """A trust document that was read; ``open_trust`` and ``apply_update`` say whether it may be believed."""

    version: int
    issued: datetime
    expires: datetime
    signers: Mapping[str, Signer]
    trust_role: Role
    channels: Mapping[str, Channel]
    anchors: tuple[Mapping[str, Any], ...]
    revoked_keys: Mapping[str, Revoked]
    revoked_digests: Mapping[str, Revoked]
    revoked_artifacts: tuple[Revoked, ...]

    @classmethod
    def parse(cls, raw: bytes) -> Self:
        """Read the payload of a trust envelope; accepts exactly what ``encode`` writes.

        Raises:
            FormatError: malformed, a weak key, one key under two names, one name for two anchors, an unknown signer, or a
                threshold that the signers cannot reach (T122, T124, T125).
        """
        value = canonical.decode(raw, what="trust document")
        validate("trust", value, what="trust document")
        signers = {name: _signer(name, said) for name, said in value["signers"].items()}
        _check_distinct_keys(signers)
        _check_distinct_anchors(value["anchors"])
        revoked = value["revoked"]
        trust = cls(
            version=value["version"],
            issued=parse_time(value["issued"]),
            expires=parse_time(value["expires"]),
            signers=signers,
            trust_role=_role("role trust", value["roles"]["trust"], signers),
            channels={name: _channel(name, said, signers) for name, said in value["channels"].items()},
            anchors=tuple(value["anchors"]),
            revoked_keys=_revocations(revoked["keys"]),
            revoked_digests=_revocations(revoked["digests"]),
            revoked_artifacts=tuple(_revocations(revoked["artifacts"]).values()),
        )
        if trust.encode() != raw:
            raise FormatError("trust document: expected sorted lists and nothing revoked twice, got another encoding")
        return trust

    def value(self) -> dict[str, Any]:
        """The document as a JSON value."""
        return {
            "version": self.version,
            "issued": format_time(self.issued),
            "expires": format_time(self.expires),
            "signers": {
                s.name: {
                    "keys": [base64.b64encode(key.spki).decode() for key in s.keys],
                    "from": format_time(s.start),
                    "until": format_time(s.end),
                }
                for s in self.signers.values()
            },
            "roles": {"trust": _role_value(self.trust_role)},
            "channels": {
                name: {
                    **_role_value(channel.role),
                    "artifacts": list(channel.artifacts),
                    "destinations": sorted(channel.destinations),
                }
                for name, channel in self.channels.items()
            },
            "anchors": [dict(anchor) for anchor in self.anchors],
            "revoked": {
                "keys": [_revoked_value(r) for r in self.revoked_keys.values()],
                "digests": [_revoked_value(r) for r in self.revoked_digests.values()],
                "artifacts": [_revoked_value(r) for r in self.revoked_artifacts],
            },
        }

    def encode(self) -> bytes:
        """The one encoding of the document: the payload that gets signed."""
        return canonical.encode(self.value())

    @property
    def keys(self) -> dict[str, PublicKey]:
        """Every key of every signer, by key id."""
        return {key.key_id: key for signer in self.signers.values() for key in signer.keys}

    def signers_of(self, authentic: Authentic, *, at: datetime | None) -> frozenset[str]:
        """The names of the signers that signed with all their keys.

        Args:
            authentic: signatures that were verified with keys of this document.
            at: the time to judge validity at; None when validity is not asked.

        Raises:
            FormatError: with reason revoked-key, incomplete-signer or signer-not-valid.
        """
        revoked = authentic.key_ids & self.revoked_keys.keys()
        if revoked:
            raise FormatError(
                f"signature: expected keys in force, got key {min(revoked)[:16]}, which is revoked",
                reason=Reason.REVOKED_KEY,
            )
        return frozenset(s.name for s in self.signers.values() if _is_complete(s, authentic.key_ids, at))

    def revocation_of(self, purl: str, digest: bytes) -> Revoked | None:
        """The revocation that covers an artifact, if any."""
        by_digest = self.revoked_digests.get(digest.hex())
        return by_digest or next((r for r in self.revoked_artifacts if is_match(purl, r.what)), None)


@dataclass(frozen=True, slots=True)
class Believed:
    """A trust document whose own threshold holds, and the envelope it came in."""

    trust: Trust
    envelope: Envelope


def open_trust(raw: bytes) -> Believed:
    """Read a trust document that somebody pins, and verify that its own trust role signed it.

    Args:
        raw: the envelope, as a file holds it (one newline at the end is allowed).

    Raises:
        FormatError: malformed, or its own threshold is not met.
    """
    if len(raw) > MAX_SIZE:
        raise FormatError("trust document: expected at most 1 MiB, got more", reason=Reason.TOO_LARGE)
    return _believe(Envelope.parse(raw.removesuffix(b"\n"), what="trust document"))


def read_unsigned(raw: bytes) -> tuple[Trust, Envelope]:
    """Read a trust document that still gathers signatures: for ``trust show`` and ``trust sign`` only."""
    envelope = Envelope.parse(raw.removesuffix(b"\n"), what="trust document")
    return Trust.parse(_payload(envelope, "trust document", Reason.MALFORMED)), envelope


def apply_update(old: Trust, envelope: Envelope) -> Believed:
    """Verify that a document follows another: version n -> n+1, signed by the thresholds of both (T158, T159).

    Signatures by keys of either document are accepted; the old document's own revocations count.

    Raises:
        FormatError: with reason trust-update, bad-signature or unknown-signer. Nothing is remembered of a failed one.
    """
    new = Trust.parse(_payload(envelope, "trust update", Reason.TRUST_UPDATE))
    if new.version != old.version + 1:
        raise FormatError(
            f"trust update: expected version {old.version + 1}, got {new.version}", reason=Reason.TRUST_UPDATE
        )
    if new.issued < old.issued:
        raise FormatError("trust update: expected a later time of issue, got an earlier one", reason=Reason.TRUST_UPDATE)
    authentic = authenticate(envelope, TRUST_TYPE, {**old.keys, **new.keys}, what="trust update")
    for version, trust in ((old.version, old), (new.version, new)):
        _check_trust_threshold(version, trust, authentic)
    return Believed(new, envelope)


def check_threshold(names: Set[str], role: Role, *, what: str) -> None:
    """Prove that enough of a role's signers signed. Distinct names have distinct keys: ``Trust.parse`` saw to it.

    Raises:
        FormatError: with reason threshold.
    """
    signed = names & role.signers
    if len(signed) < role.threshold:
        raise FormatError(
            f"{what}: expected signatures of {role.threshold} of {', '.join(sorted(role.signers))}, "
            f"got {', '.join(sorted(signed)) or 'none of them'}",
            reason=Reason.THRESHOLD,
        )


def _payload(envelope: Envelope, what: str, reason: Reason) -> bytes:
    """A new document names the keys that have to sign it, so it is read before they are verified.

    Nothing of it is used for anything but that verification until both thresholds hold.
    """
    if envelope.payload_type != TRUST_TYPE:
        raise FormatError(f"{what}: expected payload type {TRUST_TYPE}, got another", reason=reason)
    return envelope.payload


def _believe(envelope: Envelope) -> Believed:
    """A document that stands alone. Whoever left with it may have signed it for the one before: that is passed over."""
    trust = Trust.parse(_payload(envelope, "trust document", Reason.MALFORMED))
    own = tuple(signature for signature in envelope.signatures if signature.key_id in trust.keys)
    standing = Envelope(envelope.payload_type, envelope.payload, own)
    authentic = authenticate(standing, TRUST_TYPE, trust.keys, what="trust document")
    _check_trust_threshold(trust.version, trust, authentic)
    return Believed(trust, envelope)


def _check_trust_threshold(version: int, trust: Trust, authentic: Authentic) -> None:
    names = trust.signers_of(authentic.by(trust.keys.keys()), at=None)
    check_threshold(names, trust.trust_role, what=f"trust document, version {version}")


def _is_complete(signer: Signer, key_ids: Set[str], at: datetime | None) -> bool:
    """Whether all keys of a signer signed; some but not all is a refusal, since a hybrid stands or falls as one."""
    own = {key.key_id for key in signer.keys}
    if not own & key_ids:
        return False
    if not own <= key_ids:
        raise FormatError(
            f"signature: expected all {len(own)} keys of signer {signer.name}, got {len(own & key_ids)}",
            reason=Reason.INCOMPLETE_SIGNER,
        )
    if at is not None and not signer.start <= at < signer.end:
        raise FormatError(
            f"signature: expected signer {signer.name} between {format_time(signer.start)} and "
            f"{format_time(signer.end)}, got {format_time(at)}",
            reason=Reason.SIGNER_NOT_VALID,
        )
    return True


def _signer(name: str, said: Mapping[str, Any]) -> Signer:
    check_token(name, what="signer")
    try:
        keys = tuple(PublicKey.parse(base64.b64decode(key, validate=True)) for key in said["keys"])
    except binascii.Error as exc:
        raise FormatError(f"signer {name}: expected keys in base64, got other text") from exc
    if [base64.b64encode(key.spki).decode() for key in keys] != said["keys"]:
        raise FormatError(f"signer {name}: expected canonical base64, got another encoding")
    return Signer(name, keys, parse_time(said["from"]), parse_time(said["until"]))


def _check_distinct_keys(signers: Mapping[str, Signer]) -> None:
    """One key under two names would count twice."""
    ids = [key.key_id for signer in signers.values() for key in signer.keys]
    if len(set(ids)) != len(ids):
        raise FormatError("trust document: expected every key once, got one key twice")


def _check_distinct_anchors(anchors: list[Mapping[str, Any]]) -> None:
    """Findings and receipts say by its name which anchor vouched."""
    if len({anchor["name"] for anchor in anchors}) != len(anchors):
        raise FormatError("trust document: expected every anchor name once, got one name twice")


def _role(what: str, said: Mapping[str, Any], signers: Mapping[str, Signer]) -> Role:
    names = frozenset(said["signers"])
    if len(names) != len(said["signers"]) or not names <= signers.keys():
        raise FormatError(f"{what}: expected distinct signers of the document, got others")
    if not 1 <= said["threshold"] <= len(names):
        raise FormatError(f"{what}: expected a threshold from 1 to {len(names)}, got {said['threshold']}")
    return Role(names, said["threshold"])


def _channel(name: str, said: Mapping[str, Any], signers: Mapping[str, Signer]) -> Channel:
    check_token(name, what="channel")
    for site in said["destinations"]:
        check_token(site, what="destination")
    return Channel(_role(f"channel {name}", said, signers), tuple(said["artifacts"]), frozenset(said["destinations"]))


def _revocations(said: list[Mapping[str, str]]) -> dict[str, Revoked]:
    return {r["what"]: Revoked(r["what"], r["reason"], parse_time(r["date"])) for r in said}


def _role_value(role: Role) -> dict[str, Any]:
    return {"signers": sorted(role.signers), "threshold": role.threshold}


def _revoked_value(revoked: Revoked) -> dict[str, str]:
    return {"what": revoked.what, "reason": revoked.reason, "date": format_time(revoked.date)}
