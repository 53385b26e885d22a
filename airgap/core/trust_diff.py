"""What changes from one trust document to another, so that a person reads it before signing or applying it.

Every text in here may have been written by anybody who signs trust documents; whoever prints it escapes it.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from airgap.core.anchors import MATERIAL, Anchor
from airgap.core.digest import sha256
from airgap.core.envelope import Envelope
from airgap.core.errors import FormatError
from airgap.core.times import format_time
from airgap.core.trust import Channel, Revoked, Role, Signer, Trust, apply_update, open_trust

Values = tuple[str, ...]
Members = Mapping[str, Values]


class Part(StrEnum):
    """A part of a trust document."""

    DOCUMENT = "document"
    SIGNER = "signer"
    CHANNEL = "channel"
    ANCHOR = "anchor"
    REVOKED_KEY = "revoked-key"
    REVOKED_DIGEST = "revoked-digest"
    REVOKED_ARTIFACT = "revoked-artifact"


@dataclass(frozen=True, slots=True)
class Member:
    """One member that differs; None where the part does not have it."""

    name: str
    old: Values | None
    new: Values | None

    def value(self) -> dict[str, Any]:
        """The member as a JSON value."""
        old, new = (None if values is None else list(values) for values in (self.old, self.new))
        return {"name": self.name, "old": old, "new": new}


@dataclass(frozen=True, slots=True)
class Change:
    """One part that is new, gone or different; ``change`` is added, removed or changed."""

    part: Part
    name: str
    change: str
    members: tuple[Member, ...]

    def value(self) -> dict[str, Any]:
        """The change as a JSON value."""
        members = [member.value() for member in self.members]
        return {"part": self.part, "name": self.name, "change": self.change, "members": members}


class Standing(StrEnum):
    """How a document stands to another."""

    FOLLOWS = "follows"
    IDENTICAL = "identical"
    DOES_NOT_FOLLOW = "does-not-follow"


def compare(old: Trust, envelope: Envelope) -> tuple[Standing, str | None]:
    """Whether a site that believes ``old`` would take over the document in ``envelope``, and why not."""
    try:
        if envelope.payload == old.encode():
            open_trust(envelope.encode())
            return Standing.IDENTICAL, None
        apply_update(old, envelope)
    except FormatError as exc:
        return Standing.DOES_NOT_FOLLOW, exc.message
    return Standing.FOLLOWS, None


def changes(old: Trust, new: Trust) -> list[Change]:
    """All parts that differ, in the order of ``Part`` and by name."""
    before, after = _parts(old), _parts(new)
    order = list(Part)
    found = []
    for part, name in sorted(before.keys() | after.keys(), key=lambda key: (order.index(key[0]), key[1])):
        was, now = before.get((part, name)), after.get((part, name))
        if was != now:
            change = "added" if was is None else "removed" if now is None else "changed"
            found.append(Change(part, name, change, _members(was or {}, now or {})))
    return found


def anchor_members(said: Mapping[str, Any]) -> dict[str, Values]:
    """The members of an anchor for people: material as its digest, since nobody compares base64."""
    anchor = Anchor.read(said)
    settings = {name: (text,) for name, text in sorted(anchor.settings.items()) if name != MATERIAL}
    material = {MATERIAL: (_material(anchor),)} if MATERIAL in anchor.settings else {}
    fixed = {"kind": (str(anchor.kind),), "pin": (anchor.pin,), "artifacts": tuple(anchor.artifacts)}
    return {**fixed, **{f"setting {name}": text for name, text in settings.items()}, **material}


def _material(anchor: Anchor) -> str:
    try:
        held = anchor.material or b""
    except FormatError:
        return "text that is no base64"
    return f"{len(held)} bytes, sha256 {sha256(held).hex()}"


def _members(was: Members, now: Members) -> tuple[Member, ...]:
    names = dict.fromkeys((*was, *now))
    return tuple(Member(name, was.get(name), now.get(name)) for name in names if was.get(name) != now.get(name))


def _parts(trust: Trust) -> dict[tuple[Part, str], Members]:
    """A document taken apart; what is compared is what is said, so no part may be left out."""
    return {
        (Part.DOCUMENT, ""): _document(trust),
        **{(Part.SIGNER, name): _signer(signer) for name, signer in trust.signers.items()},
        **{(Part.CHANNEL, name): _channel(channel) for name, channel in trust.channels.items()},
        **{(Part.ANCHOR, anchor["name"]): anchor_members(anchor) for anchor in trust.anchors},
        **_revoked(Part.REVOKED_KEY, trust.revoked_keys.values()),
        **_revoked(Part.REVOKED_DIGEST, trust.revoked_digests.values()),
        **_revoked(Part.REVOKED_ARTIFACT, trust.revoked_artifacts),
    }


def _document(trust: Trust) -> Members:
    return {
        "version": (str(trust.version),),
        "issued": (format_time(trust.issued),),
        "expires": (format_time(trust.expires),),
        **_role(trust.trust_role),
    }


def _role(role: Role) -> Members:
    return {"signers": tuple(sorted(role.signers)), "threshold": (str(role.threshold),)}


def _signer(signer: Signer) -> Members:
    return {
        "keys": tuple(f"{key.algorithm} {key.key_id}" for key in signer.keys),
        "from": (format_time(signer.start),),
        "until": (format_time(signer.end),),
    }


def _channel(channel: Channel) -> Members:
    return {**_role(channel.role), "artifacts": channel.artifacts, "destinations": tuple(sorted(channel.destinations))}


def _revoked(part: Part, revoked: Iterable[Revoked]) -> dict[tuple[Part, str], Members]:
    return {(part, one.what): {"reason": (one.reason,), "date": (format_time(one.date),)} for one in revoked}
