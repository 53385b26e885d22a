"""What the commands that make a trust document share: the next version, its parts from options, its signatures."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from airgap.cli import inputs
from airgap.core.anchors import Anchor
from airgap.core.envelope import TRUST_TYPE, Envelope
from airgap.core.errors import UsageError
from airgap.core.times import format_time
from airgap.core.trust import Channel, Revoked, Role, Signer, Trust


def next_version(document: str, expires: str) -> Trust:
    """The document in a file as its next version, otherwise the same. Its own threshold has to hold."""
    old = inputs.pinned_trust(document).trust
    at = max(inputs.build_time(), old.issued)
    return replace(old, version=old.version + 1, issued=at, expires=at + inputs.duration(expires))


def seal(trust: Trust, keys: Sequence[str] | None) -> tuple[Trust, Envelope]:
    """A new document, checked with the parser that will read it, and signed.

    Raises:
        UsageError: it makes no sense, or no key was given.
    """
    payload = trust.encode()
    with inputs.asking():
        checked = Trust.parse(payload)
        return checked, Envelope(TRUST_TYPE, payload, ()).with_signatures(inputs.private_keys(keys or []))


def write(path: str, envelope: Envelope) -> None:
    """Write a sealed document to a new file."""
    inputs.write_new(path, envelope.encode() + b"\n")


def signers(keys: Mapping[str, tuple[Any, ...]], at: datetime, end: datetime) -> dict[str, Signer]:
    """Signers by name, in office from the document's issue until it expires."""
    return {name: Signer(name, own, at, end) for name, own in keys.items()}


def changed_role(old: Role, added: set[str], gone: set[str], threshold: int | None) -> Role:
    """A role with some more signers and without others; the threshold stays when none is given."""
    return Role(frozenset((old.signers | added) - gone), threshold or old.threshold)


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelChange:
    """What changes in one channel; None and nothing leave what is there."""

    name: str
    added: set[str]
    threshold: int | None
    artifacts: Sequence[str] | None
    destinations: Sequence[str] | None

    def apply(self, channels: Mapping[str, Channel], gone: set[str]) -> dict[str, Channel]:
        """All channels without those who leave, and this one changed; it is new when somebody may export on it.

        Raises:
            UsageError: it is neither there nor has an exporter.
        """
        every = {**channels, **self._fresh(channels)}
        kept = {
            name: replace(channel, role=changed_role(channel.role, set(), gone, None)) for name, channel in every.items()
        }
        if self.name in kept:
            kept[self.name] = self._changed(kept[self.name], gone)
        return kept

    def _fresh(self, channels: Mapping[str, Channel]) -> dict[str, Channel]:
        if self.name in channels:
            return {}
        if self.added:
            return {self.name: Channel(Role(frozenset(), 1), ("pkg:*",), frozenset())}
        if self.threshold or self.artifacts or self.destinations is not None:
            raise UsageError(
                f"--channel: expected a channel of the document, got {self.name!a:.80}", hint="add an exporter"
            )
        return {}

    def _changed(self, old: Channel, gone: set[str]) -> Channel:
        sites = old.destinations if self.destinations is None else frozenset(self.destinations)
        role = changed_role(old.role, self.added, gone, self.threshold)
        return Channel(role, tuple(self.artifacts or old.artifacts), sites)


def with_revoked(
    trust: Trust,
    reason: str,
    *,
    keys: Sequence[str] | None,
    digests: Sequence[str] | None,
    artifacts: Sequence[str] | None,
) -> Trust:
    """A document that withdraws some more, as of its time of issue.

    Raises:
        UsageError: something is no key, no digest, or withdrawn already.
    """
    before = {one.what: one for one in trust.revoked_artifacts}
    return replace(
        trust,
        revoked_keys=_revoked(trust.revoked_keys, map(_key, keys or ()), reason, trust.issued),
        revoked_digests=_revoked(trust.revoked_digests, map(_digest, digests or ()), reason, trust.issued),
        revoked_artifacts=tuple(_revoked(before, artifacts or (), reason, trust.issued).values()),
    )


def sites(named: Sequence[str] | None, *, to_any: bool) -> Sequence[str] | None:
    """The new destinations of a channel; None leaves those that are there, and nothing at all means any site.

    Raises:
        UsageError: both were said.
    """
    if named and to_any:
        raise UsageError("--any-destination: expected it without --destination, got both")
    return () if to_any else named or None


def with_anchor(trust: Trust, anchor: Anchor) -> Trust:
    """A document with one more anchor.

    Raises:
        UsageError: its name is taken.
    """
    if any(said["name"] == anchor.name for said in trust.anchors):
        raise UsageError(
            f"--name: expected a name that no anchor has, got {anchor.name!a:.80}",
            hint="remove that anchor first: airgap trust anchor remove",
        )
    return replace(trust, anchors=(*trust.anchors, anchor.value()))


def without_anchor(trust: Trust, name: str) -> Trust:
    """A document with one anchor less.

    Raises:
        UsageError: it has none of that name.
    """
    kept = tuple(said for said in trust.anchors if said["name"] != name)
    if len(kept) == len(trust.anchors):
        raise UsageError(f"--name: expected {_names(trust) or 'a document with anchors'}, got {name!a:.80}")
    return replace(trust, anchors=kept)


def _names(trust: Trust) -> str:
    return " or ".join(said["name"] for said in trust.anchors)


def _revoked(old: Mapping[str, Revoked], items: Iterable[str], reason: str, at: datetime) -> dict[str, Revoked]:
    """What was withdrawn before keeps its reason and its date: they are not ours to rewrite."""
    every = dict(old)
    for item in items:
        if item in every:
            since = format_time(every[item].date)
            raise UsageError(f"revoke: expected what is not revoked yet, got {item!a:.100}, revoked since {since}")
        every[item] = Revoked(item, reason, at)
    return every


def _key(text: str) -> str:
    """A key id or an OpenPGP fingerprint, without what people and programs group and mark it with."""
    plain = re.sub(r"[\s:]", "", text.lower().removeprefix("sha256:").removeprefix("openpgp:").removeprefix("0x"))
    if not re.fullmatch(r"[0-9a-f]{40}|[0-9a-f]{64}", plain):
        raise UsageError(f"key: expected a key id of 64 hex digits or an OpenPGP fingerprint of 40, got {text!a:.100}")
    return plain


def _digest(text: str) -> str:
    plain = text.lower().removeprefix("sha256:")
    if not re.fullmatch(r"[0-9a-f]{64}", plain):
        raise UsageError(f"digest: expected a SHA-256 of 64 hex digits, got {text!a:.100}")
    return plain
