"""X.509 anchors: whether one of them vouches for the certificate that made a signature, at the time that it did.

An anchor pins an authority's certificate and says which of its leaves is meant: by name, or by mail address. Certificates
that came along only help to build the chain.
"""

import warnings
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from airgap.core.anchors import Anchor, Kind
from airgap.core.entries import Role
from airgap.core.errors import FormatError
from airgap.core.reasons import Reason
from airgap.core.times import format_time
from airgap.core.verdict import Finding, Result
from airgap.evidence.subject import Bench, Piece, Pins, pin_hint
from airgap.evidence.x509.certificates import (
    MAX_CARRIED,
    MAX_DEPTH,
    addresses,
    check_chain,
    is_valid_at,
    key_of,
    pin_of,
    read_certificates,
)
from airgap.evidence.x509.crls import PEM, Checked, check_lists

PURPOSES: Final[Mapping[str, x509.ObjectIdentifier | None]] = {
    "code-signing": ExtendedKeyUsageOID.CODE_SIGNING,
    "email-protection": ExtendedKeyUsageOID.EMAIL_PROTECTION,
    "any": None,
}
"""What the setting ``eku`` may say."""
_MAIL: Final = {NameOID.EMAIL_ADDRESS: "emailAddress"}
_RANK: Final = (Result.REVOKED, Result.VERIFIED, Result.EXPIRED_AT_SIGNING, Result.FAILED, Result.UNTRUSTED_KEY)
"""Which of several anchors' findings counts: one that knows of a revocation is believed before one that does not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """A certificate that made a signature which holds, and what came along.

    Attributes:
        leaf: the signer's certificate.
        carried: certificates to build a chain from, untrusted.
        lists: revocation lists in PEM or DER, untrusted.
        proven: when it signed, UTC, where something proves it; else it has to be valid now.
    """

    leaf: x509.Certificate
    carried: Sequence[x509.Certificate]
    lists: Sequence[bytes] = ()
    proven: datetime | None = None


def name_of(name: x509.Name) -> str:
    """A distinguished name in RFC 4514, its text escaped and cut: others wrote it."""
    return _plain(name.rfc4514_string(_MAIL))


def certificates_beside(beside: Iterable[Piece]) -> list[x509.Certificate]:
    """The certificates among an artifact's other pieces, as far as they can be read."""
    found: list[x509.Certificate] = []
    for piece in beside:
        if piece.role in {Role.KEY, Role.ANCHOR_DATA} and len(found) < MAX_CARRIED:
            with suppress(FormatError):
                found += read_certificates(piece.content)
    return found[:MAX_CARRIED]


def lists_beside(beside: Iterable[Piece]) -> list[bytes]:
    """The revocation lists among them; by the name where the content is binary."""
    data = (piece for piece in beside if piece.role in {Role.KEY, Role.ANCHOR_DATA})
    return [piece.content for piece in data if piece.content.startswith(PEM) or piece.name.endswith(".crl")]


def find_authority(anchor: Anchor, at_hand: Iterable[x509.Certificate]) -> x509.Certificate | None:
    """The certificate that an anchor pins: its own material, or one at hand whose digest is the pin."""
    held: list[x509.Certificate] = []
    with suppress(FormatError):
        held = read_certificates(anchor.material or b"")
    return next((certificate for certificate in (*held, *at_hand) if pin_of(certificate) == anchor.pin), None)


def authorities(pins: Pins, at_hand: Sequence[x509.Certificate]) -> list[tuple[Anchor, x509.Certificate]]:
    """The covering anchors of kind x509 whose certificates are at hand."""
    found = [(anchor, find_authority(anchor, at_hand)) for anchor in pins.of(Kind.X509)]
    return [(anchor, certificate) for anchor, certificate in found if certificate is not None]


def judge_certificate(bench: Bench, shown: Shown, pins: Pins) -> Finding:
    """The finding about a signature that holds, by what the site believes about its certificate.

    Args:
        bench: of the piece; knows the algorithm and the signing time.
        shown: the certificate.
        pins: what the site believes.
    """
    bench = _about(bench, shown.leaf, pins)
    identity = name_of(shown.leaf.subject)
    withdrawn = withdrawn_key(pins, [shown.leaf])
    if withdrawn:
        bench = bench.knowing(key_now="revoked")
        return bench.other(Result.REVOKED, "a key that is still good", withdrawn, identity=identity)
    found = [_judge(bench, shown, anchor, root, pins) for anchor, root in authorities(pins, shown.carried)]
    if not found:
        return _untrusted(bench, shown)
    return min(found, key=lambda finding: _RANK.index(finding.result))


def _judge(bench: Bench, shown: Shown, anchor: Anchor, root: x509.Certificate, pins: Pins) -> Finding:
    """The finding under one anchor."""
    identity = name_of(shown.leaf.subject)
    purpose = anchor.settings.get("eku", "code-signing")
    if purpose not in PURPOSES:
        return _untrusted(bench, shown, f"; anchor {anchor.name} asks for an unknown purpose")
    bench, at = bench.knowing(anchor=anchor.name), shown.proven or pins.at
    try:
        chain = check_chain(shown.leaf, shown.carried, [root], at, eku=PURPOSES[purpose])
    except FormatError as exc:
        return _unchained(bench, shown, root, at, exc)
    checked = check_lists(chain, shown.lists, pins.at)
    bench = bench.knowing(note=_join(bench.proof.note, *checked.notes))
    withdrawn = _listed(checked) or withdrawn_key(pins, chain[1:])
    if withdrawn:
        bench = bench.knowing(key_now="revoked")
        return bench.other(Result.REVOKED, "certificates that are still good", withdrawn, identity=identity)
    fault = _differs(anchor, shown.leaf)
    if fault is not None:
        return bench.failed(*fault, identity=identity)
    return bench.knowing(key_then="valid").verified(identity)


def _unchained(bench: Bench, shown: Shown, root: x509.Certificate, at: datetime, error: FormatError) -> Finding:
    """What follows where there is no chain to a pinned certificate."""
    identity = name_of(shown.leaf.subject)
    if error.reason is Reason.EVIDENCE_EXPIRED:
        is_early = at < shown.leaf.not_valid_before_utc
        bench = bench.knowing(key_then="not-yet-valid" if is_early else "expired")
        expected = (
            "a chain that was valid at the proven time" if shown.proven else "a chain that is valid, or a proven time"
        )
        return bench.other(Result.EXPIRED_AT_SIGNING, expected, error.message, identity=identity)
    if root.subject in {certificate.issuer for certificate in _climb(shown)}:
        return bench.failed("a certificate that the pinned authority vouches for", error.message, identity=identity)
    return _untrusted(bench.knowing(anchor=""), shown)


def _listed(checked: Checked) -> str:
    """What a revocation list says against a chain, in words; empty where it says nothing."""
    gone = checked.withdrawn
    return f"revoked at {format_time(gone.date)} ({gone.why}): {name_of(gone.certificate.subject)}" if gone else ""


def _untrusted(bench: Bench, shown: Shown, but: str = "") -> Finding:
    """The finding where no anchor speaks of the authority; the hint would pin the topmost certificate at hand."""
    subject = name_of(shown.leaf.subject)
    hint = pin_hint(Kind.X509, pin_of(_climb(shown)[-1]), bench.subject.purl, subject=subject)
    got = f"{subject}, issued by {name_of(shown.leaf.issuer)}, {bench.proof.fingerprint}{but}"
    return bench.untrusted(got, identity=subject, hint=hint)


def _climb(shown: Shown) -> list[x509.Certificate]:
    """The leaf and what looks like its issuers, by their names alone: for words, never for trust."""
    path = [shown.leaf]
    while len(path) <= MAX_DEPTH:
        above = (one for one in shown.carried if one.subject == path[-1].issuer and one not in path)
        found = next(above, None)
        if found is None:
            break
        path.append(found)
    return path


def _about(bench: Bench, leaf: x509.Certificate, pins: Pins) -> Bench:
    now = "valid" if is_valid_at(leaf, pins.at) else "expired" if leaf.not_valid_after_utc < pins.at else "not-yet-valid"
    return bench.knowing(fingerprint=key_of(leaf).fingerprint, key_now=now)


def withdrawn_key(pins: Pins, certificates: Iterable[x509.Certificate]) -> str:
    """Why the site withdrew the key of one of some certificates; empty where it did not."""
    for certificate in certificates:
        with suppress(FormatError):
            found = pins.revoked.get(key_of(certificate).key_id)
            if found is not None:
                return f"revoked: {found.reason!a:.120}"
    return ""


def _differs(anchor: Anchor, leaf: x509.Certificate) -> tuple[str, str] | None:
    """What an anchor expects of a leaf and what it got, where they differ. An anchor that names nobody expects nobody."""
    subject, email = anchor.settings.get("subject"), anchor.settings.get("email")
    if subject is None and email is None:
        return "an anchor that names a subject or an email", f"{anchor.name}, which names neither"
    if subject is not None and leaf.subject != _read_name(subject):
        return f"a certificate of {subject!a:.200}", name_of(leaf.subject)
    if email is not None and _folded(email) not in _addresses(leaf):
        return f"a certificate of {email!a:.200}", ", ".join(map(_plain, sorted(_addresses(leaf)))) or "one of no address"
    return None


def _read_name(text: str) -> x509.Name | None:
    """The name in an anchor's setting; None where it is none, which matches nobody."""
    with warnings.catch_warnings(), suppress(ValueError, Warning):
        warnings.simplefilter("error")
        return x509.Name.from_rfc4514_string(text, {label: oid for oid, label in _MAIL.items()})
    return None


def _addresses(leaf: x509.Certificate) -> set[str]:
    """The mail addresses among the alternative names; the one in a subject is bound by no name constraint."""
    return set(map(_folded, addresses(leaf)))


def _folded(address: str) -> str:
    """An address whose domain is in lower case (RFC 5280, 7.5)."""
    local, at, domain = address.rpartition("@")
    return local + at + domain.lower()


def _plain(text: str) -> str:
    return ascii(text)[1:-1][:200]


def _join(*notes: str) -> str:
    return "; ".join(filter(None, notes))
