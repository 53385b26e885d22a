"""What the trust commands print: documents, anchors and differences, as text and as JSON."""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, Final

from airgap.cli.reports import fingerprint, mark
from airgap.cli.terminal import emit, say
from airgap.core.display import plural
from airgap.core.envelope import Envelope
from airgap.core.errors import FormatError, UsageError
from airgap.core.times import format_time

if TYPE_CHECKING:
    from airgap.core.trust import Believed, Trust
    from airgap.core.trust_diff import Change, Standing, Values
    from airgap.evidence.anchoring import Seen

_LABELS: Final = {
    "revoked-key": "revocation of key",
    "revoked-digest": "recall of digest",
    "revoked-artifact": "recall of artifact",
}
"""Words for parts whose own word says less."""


def document(trust: "Trust", envelope: Envelope, *, code: Sequence[str] = (), is_json: bool) -> None:
    """What a trust document says; ``code`` is its fingerprint as a QR code."""
    standing = _standing(envelope)
    if is_json:
        value = {**trust.value(), "fingerprint": fingerprint(envelope), **standing}
        emit({"trust": value, "keyIds": _key_ids(envelope)})
        return
    say(f"trust document, version {trust.version}, {format_time(trust.issued)} until {format_time(trust.expires)}")
    say(f"  fingerprint {fingerprint(envelope)}")
    for signer in trust.signers.values():
        # whole ids: they are what trust revoke takes
        kinds = " + ".join(key.algorithm for key in signer.keys)
        say(f"  signer {signer.name}: {kinds}, key {', '.join(key.key_id for key in signer.keys)}")
    role = trust.trust_role
    say(f"  this document: {role.threshold} of {', '.join(sorted(role.signers))}")
    for name, channel in trust.channels.items():
        sites = ", ".join(sorted(channel.destinations)) or "any site"
        names = ", ".join(sorted(channel.role.signers))
        say(f"  channel {name}: {channel.role.threshold} of {names}; {', '.join(channel.artifacts)}; for {sites}")
    for said in trust.anchors:
        say(f"  anchor {said['name']}: {said['kind']} {said['pin']}; {', '.join(said['artifacts'])}")
    for revoked in (*trust.revoked_keys.values(), *trust.revoked_digests.values(), *trust.revoked_artifacts):
        say(f"  revoked {revoked.what}: {revoked.reason}")
    say(f"  {standing['why']}")
    for line in code:
        say(line)


def qr_code(envelope: Envelope, *, is_json: bool) -> list[str]:
    """The fingerprint as the lines of a QR code; asked for before anything is written, since it may not be had.

    Raises:
        UsageError: nothing is installed that draws it, or no person would look at it.
    """
    from airgap.cli.qr import qr_text

    if is_json:
        raise UsageError("--qr: expected text for people, got --json")
    return qr_text(fingerprint(envelope)).splitlines()


def in_force(believed: "Believed", *, is_json: bool) -> None:
    """The trust document that a store believes from now on."""
    if is_json:
        emit({"trust": mark(believed)})
        return
    say(f"trust document, version {believed.trust.version}, is in force; run airgap check to judge what is stored by it")


def added(seen: "Seen", trust: "Trust", envelope: Envelope, *, is_json: bool) -> None:
    """An anchor that was added, with what a person compares."""
    standing = _standing(envelope)
    if is_json:
        emit({"anchor": seen.value(), "trust": {**_mark(trust, envelope), **standing}, "keyIds": _key_ids(envelope)})
        return
    _anchor(seen)
    say("compare the fingerprint with what the producer publishes, over a way that this file did not come")
    say(f"trust document, version {trust.version}, fingerprint {fingerprint(envelope)}")
    say(f"  {standing['why']}")


def anchors(seen: "Sequence[Seen]", trust: "Trust", envelope: Envelope, *, is_json: bool) -> None:
    """All anchors of a document."""
    if is_json:
        short = {**_mark(trust, envelope), **_standing(envelope)}
        emit({"anchors": [one.value() for one in seen], "trust": short, "keyIds": _key_ids(envelope)})
        return
    for one in seen:
        _anchor(one)
    say(f"{plural(len(seen), 'anchor')} in trust document, version {trust.version}")
    say(f"  {_standing(envelope)['why']}")


def differences(
    old: "Believed", new: "tuple[Trust, Envelope]", said: "tuple[Standing, str | None]", *, is_json: bool
) -> None:
    """Whether a document follows another, then all that changes."""
    from airgap.core.trust_diff import changes

    found = changes(old.trust, new[0])
    standing, why = said
    if is_json:
        value = {"result": standing, "why": why, "old": mark(old), "new": _mark(*new)}
        emit({**value, "changes": [change.value() for change in found]})
        return
    first, second = old.trust.version, new[0].version
    words = {
        "follows": f"follows: version {second} may take the place of version {first}",
        "identical": f"identical: version {second} of the same document",
        "does-not-follow": f"DOES NOT FOLLOW: {why}",
    }
    say(words[standing])
    for change in found:
        _change(change)


def _standing(envelope: Envelope) -> dict[str, Any]:
    from airgap.core.trust import open_trust

    try:
        open_trust(envelope.encode())
    except FormatError as exc:
        return {"holds": False, "why": exc.message}
    return {"holds": True, "why": "its own threshold holds"}


def _mark(trust: "Trust", envelope: Envelope) -> dict[str, Any]:
    return {"version": trust.version, "fingerprint": fingerprint(envelope)}


def _key_ids(envelope: Envelope) -> list[str]:
    return [signature.key_id for signature in envelope.signatures]


def _anchor(seen: "Seen") -> None:
    from airgap.core.trust_diff import anchor_members

    rows = {name: ", ".join(values) for name, values in anchor_members(seen.anchor.value()).items()}
    rows |= {"UNUSABLE": seen.fault} if seen.fault else {"fingerprint": seen.fingerprint}
    rows |= {"key": seen.identity} if seen.identity else {}
    width = _width(rows)
    say(f"anchor {seen.anchor.name}")
    for name, text in rows.items():
        say(f"  {name:<{width}}  {text}")


def _change(change: "Change") -> None:
    say(f"  {_LABELS.get(change.part, change.part)} {change.name}".rstrip() + f": {change.change}")
    width = _width(member.name for member in change.members)
    for member in change.members:
        old, new = _joined(member.name, member.old), _joined(member.name, member.new)
        if change.change == "changed":
            say(f"    {member.name:<{width}}  was {old}")
            say(f"    {'':<{width}}  now {new}")
        else:
            say(f"    {member.name:<{width}}  {new if member.old is None else old}")


def _width(names: Iterable[str]) -> int:
    """Of a column of names; a setting's name may be as long as its author likes."""
    return min(max(map(len, names)), 24)


def _joined(name: str, values: "Values | None") -> str:
    if name == "destinations" and values == ():
        return "any site"
    return ", ".join(values) if values else "nothing"
