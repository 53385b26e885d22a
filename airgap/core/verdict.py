"""Findings and the verdict they add up to.

A finding is a record, not a boolean, and a verdict has no truth value: who wants to admit something has to ask which
class it is.
"""

from collections.abc import Iterable, Mapping
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
    """

    check: str
    subject: str
    kind: str
    result: Result
    reason: Reason | None = None
    expected: str = ""
    got: str = ""
    identity: str = ""

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


def guarantees(verdict: Verdict, *, artifacts: int, evidenced: int) -> Mapping[str, Mapping[str, str]]:
    """Which guarantee holds at which boundary, in words.

    Source: Kalu and Davis 2025, section on trust boundaries: provenance, integrity, accountability.

    Args:
        verdict: of the bundle.
        artifacts: number of artifacts.
        evidenced: how many of them have verified evidence of their producer.
    """
    passed = "holds" if verdict.standing is Standing.ACCEPTED else "does not hold"
    read = any(finding.check is Check.CONTENT for finding in verdict.findings)
    media = "not read: the store holds all of it already" if passed == "holds" and not read else passed
    producer = f"{evidenced} of {artifacts} artifacts"
    return {
        "provenance": {"producer": producer, "exporter": passed},
        "integrity": {"producer": producer, "exporter": passed, "media": media, "importer": passed},
        "accountability": {"producer": producer, "exporter": passed},
    }
