"""Findings and the verdict they add up to.

A finding is a record, not a boolean, and a verdict has no truth value: who wants to admit something has to ask which
class it is.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, NoReturn

from airgap.core.reasons import Reason


class Check(StrEnum):
    """The steps of the argument, in order; each has to leave a finding or the bundle is rejected."""

    CONTAINER = "container"
    TRUST = "trust"
    SIGNATURE = "signature"
    HISTORY = "history"
    MANIFEST = "manifest"
    FRAMES = "frames"
    FILLER = "filler"
    CONTENT = "content"
    BASE = "base"
    EVIDENCE = "evidence"
    POLICY = "policy"


class Result(StrEnum):
    """What a check or a verifier of evidence found."""

    VERIFIED = "verified"
    FAILED = "failed"
    UNTRUSTED_KEY = "untrusted-key"
    EXPIRED_AT_SIGNING = "expired-at-signing"
    REVOKED = "revoked"
    WEAK_ALGORITHM = "weak-algorithm"
    WITHHELD = "withheld"
    ABSENT = "absent"
    UNSUPPORTED = "unsupported"
    NOT_CHECKED = "not-checked"


class Vouches(StrEnum):
    """Who stands behind a piece of evidence."""

    PUBLISHER = "publisher"
    REGISTRY = "registry"
    NOBODY = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """What a verifier of evidence learned about one signature. Empty text means: not known, or does not apply.

    Attributes:
        document: path of the piece of evidence in the bundle.
        covers: what the signature is about, as ``sha256:<hex>``; the digest that was compared.
        vouches: whose word it is.
        anchor: name of the anchor that matched.
        tier: ``strict`` or ``pinned-lenient``.
        fingerprint: of the key, as ``openpgp:<hex>`` or ``sha256:<hex>`` of the SubjectPublicKeyInfo.
        algorithm: of key and hash.
        key_then: state of the key when it signed: ``valid``, ``expired``, ``revoked``, ``not-yet-valid``.
        key_now: the same, today.
        signed_at: RFC 3339.
        time_proof: what proves that time: ``claimed`` by the signer, ``log`` or ``timestamp``.
        library: name and version of what verified.
        note: a reason that has to be repeated, such as the one of a lenient pin.
        hint: the next action, for example the command that would pin the key.
    """

    document: str
    covers: str = ""
    vouches: Vouches = Vouches.NOBODY
    anchor: str = ""
    tier: str = ""
    fingerprint: str = ""
    algorithm: str = ""
    key_then: str = ""
    key_now: str = ""
    signed_at: str = ""
    time_proof: str = ""
    library: str = ""
    note: str = ""
    hint: str = ""

    def value(self) -> dict[str, str]:
        """The proof as a JSON value."""
        return {
            "document": self.document,
            "covers": self.covers,
            "vouches": self.vouches,
            "anchor": self.anchor,
            "tier": self.tier,
            "fingerprint": self.fingerprint,
            "algorithm": self.algorithm,
            "keyThen": self.key_then,
            "keyNow": self.key_now,
            "signedAt": self.signed_at,
            "timeProof": self.time_proof,
            "library": self.library,
            "note": self.note,
            "hint": self.hint,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that was looked at.

    Attributes:
        check: the step.
        subject: what was looked at: a path, a purl, "bundle".
        kind: of evidence or of object.
        result: what was found.
        reason: the code, when the result speaks against the bundle.
        expected: in words.
        got: in words; may hold text of others, so printers escape it.
        identity: who vouches, where somebody does.
        proof: of evidence only: what is known about the signature.
    """

    check: str
    subject: str
    kind: str
    result: Result
    reason: Reason | None = None
    expected: str = ""
    got: str = ""
    identity: str = ""
    proof: Proof | None = None

    def value(self) -> dict[str, Any]:
        """The finding as a JSON value."""
        return {
            "check": self.check,
            "subject": self.subject,
            "kind": self.kind,
            "result": self.result,
            "reason": self.reason,
            "expected": self.expected,
            "got": self.got,
            "identity": self.identity,
            "proof": self.proof.value() if self.proof else None,
        }


class Standing(StrEnum):
    """The three verdicts."""

    ACCEPTED = "accepted"
    HELD = "held"
    REJECTED = "rejected"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What follows from all findings. Made by ``judge`` only."""

    standing: Standing
    reason: Reason | None
    findings: tuple[Finding, ...]

    def __bool__(self) -> NoReturn:
        raise TypeError("a verdict has no truth value: ask for its standing")


def judge(findings: Iterable[Finding], *, required: Iterable[Check], held: Reason | None = None) -> Verdict:
    """Add findings up, fail closed: a required check without a finding rejects.

    Args:
        findings: of every check that ran.
        required: checks that have to have run.
        held: the reason to hold the bundle back, when the policy says so and nothing else speaks against it.
    """
    found = tuple(findings)
    ran = {finding.check for finding in found}
    unrun = tuple(
        Finding(
            check=check,
            subject="bundle",
            kind="bundle",
            result=Result.NOT_CHECKED,
            reason=Reason.CHECK_NOT_RUN,
            expected="checked",
            got="not run",
        )
        for check in required
        if check not in ran
    )
    against = [finding for finding in found if finding.reason is not None]
    if against:
        # what did run explains the refusal; steps after it were never reached and are not accused
        return Verdict(Standing.REJECTED, against[0].reason, found)
    if unrun:
        return Verdict(Standing.REJECTED, Reason.CHECK_NOT_RUN, unrun + found)
    if held is not None:
        return Verdict(Standing.HELD, held, found)
    return Verdict(Standing.ACCEPTED, None, found)
