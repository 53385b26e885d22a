"""Who asks, and step 5 of the argument: destination, time, sequence."""

from collections.abc import Callable, Collection, Mapping, Sequence, Set
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from airgap.bundle.head import Head
from airgap.core.entries import Artifact, Document
from airgap.core.errors import FormatError
from airgap.core.manifest import Manifest
from airgap.core.policy import Policy
from airgap.core.reasons import Reason
from airgap.core.statement import Statement
from airgap.core.times import format_time
from airgap.core.trust import Believed, Trust
from airgap.core.verdict import Finding


@dataclass(frozen=True, slots=True)
class Last:
    """The last bundle of a channel that was admitted: sequence and manifest digest."""

    sequence: int
    manifest: bytes


class History(Protocol):
    """What a store remembers."""

    @property
    def floor(self) -> datetime:
        """The highest time that was ever signed or run at."""
        ...

    @property
    def manifests(self) -> Collection[bytes]:
        """Digests of the manifests of all admitted bundles."""
        ...

    def last(self, channel: str) -> Last | None:
        """The last admitted bundle of a channel."""
        ...


Stored = Sequence[tuple[Document, str]]
"""Documents, each with the path of a file that holds it."""


class Proving(Protocol):
    """Who judges evidence of producers: ``evidence/prove.py``, for one trust document at one time."""

    def needs(self, artifact: Artifact, documents: Stored) -> tuple[Set[str], bool]:
        """Digests beside SHA-256 that ``prove`` will want, and whether it will want the content itself."""
        ...

    def prove(self, artifact: Artifact, documents: Stored, digests: Mapping[str, bytes], file: str) -> list[Finding]:
        """All findings about an artifact's evidence."""
        ...


@dataclass(frozen=True, slots=True)
class Base:
    """An artifact that a delta leaves out, found in the store: its digests and the file that holds it."""

    digests: Mapping[str, bytes]
    file: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Asker:
    """Who asks, and what he believes. Nothing in here comes from the bundle.

    Attributes:
        trust: the pinned document.
        policy: the site's.
        at: now, UTC.
        site: this site's name, None when the bundle is only looked at.
        history: None when there is no store.
        allow_gap: bundles in between may be missing.
        evidence: makes the judge of evidence for the trust document that is in force once the bundle's updates were read.
        read_base: an artifact of a delta as the store holds it, hashed again, or None when it does not; takes the names of
            further digests. None when there is no store.
        wants_content: whether the payload has to be read; asked once the head is verified, about a bundle that was
            imported before.
    """

    trust: Believed
    policy: Policy
    at: datetime
    site: str | None = None
    history: History | None = None
    allow_gap: bool = False
    evidence: Callable[[Trust, datetime], Proving] | None = None
    read_base: Callable[[Artifact, Set[str]], Base | None] | None = None
    wants_content: Callable[[Head, Manifest], bool] = lambda _, __: True


def check_destination(statement: Statement, trust: Trust, site: str | None) -> None:
    """The bundle's destination, and the channel's, against this site (T155)."""
    allowed = trust.channels[statement.channel].destinations
    if statement.destination is not None and allowed and statement.destination not in allowed:
        raise FormatError(
            f"destination: expected one of {', '.join(sorted(allowed))}, got {statement.destination}",
            reason=Reason.WRONG_DESTINATION,
        )
    if site is None:
        return
    if statement.destination not in {None, site} or (allowed and site not in allowed):
        raise FormatError(
            f"destination: expected {statement.destination or ', '.join(sorted(allowed))}, got site {site}",
            reason=Reason.WRONG_DESTINATION,
        )


def check_clock(asker: Asker) -> None:
    """Whether the clock can be believed, by what the store remembers (T161-T163).

    Asked before any other question of time: a wrong clock must not accuse signers or trust documents.
    """
    if asker.history is None:
        return
    _check_behind(asker.history.floor, asker)
    ahead = asker.policy.freshness.clock_ahead
    if asker.at - asker.history.floor > ahead:
        raise FormatError(
            f"clock: expected at most {format_time(asker.history.floor + ahead)}, got {format_time(asker.at)}",
            reason=Reason.CLOCK_AHEAD,
        )


def _check_behind(floor: datetime, asker: Asker) -> None:
    # times are subtracted from each other only: one of the year 1 minus a day is no time any more
    if floor - asker.at > asker.policy.freshness.clock_behind:
        raise FormatError(
            f"clock: expected {format_time(floor)} or later, a time that was signed, got {format_time(asker.at)}",
            reason=Reason.CLOCK_BEHIND,
        )


def check_time(statement: Statement, asker: Asker) -> None:
    """Expiry, age, and the clock against the bundle's own time (T151, T161)."""
    rule = asker.policy.freshness
    _check_behind(statement.created, asker)
    if statement.expires <= asker.at:
        raise FormatError(
            f"bundle: expected one in force at {format_time(asker.at)}, got one expired {format_time(statement.expires)}",
            reason=Reason.EXPIRED,
        )
    if rule.max_age is not None and asker.at - statement.created > rule.max_age:
        raise FormatError(
            f"bundle: expected one made within {rule.max_age.days} days, got one of {format_time(statement.created)}",
            reason=Reason.TOO_OLD,
        )


def is_known(statement: Statement, history: History) -> bool:
    """Whether this very bundle was admitted before. The same manifest under the next number is another bundle."""
    last = history.last(statement.channel)
    if last is None or statement.manifest not in history.manifests:
        return False
    return statement.sequence < last.sequence or (statement.sequence, statement.manifest) == (last.sequence, last.manifest)


def check_sequence(statement: Statement, last: Last | None, asker: Asker) -> None:
    """Rollback, fork and gap of a bundle that is not here yet (T150, T153, T157, T185)."""
    here = last.sequence if last else 0
    if last and statement.sequence == here:
        raise FormatError(
            f"sequence: expected manifest {last.manifest.hex()[:16]} under number {here}, got another",
            reason=Reason.FORK,
        )
    if statement.sequence < here:
        raise FormatError(f"sequence: expected {here + 1}, got {statement.sequence}", reason=Reason.ROLLBACK)
    if statement.sequence > here + asker.policy.limits.step:
        raise FormatError(
            f"sequence: expected at most {here + asker.policy.limits.step}, got {statement.sequence}",
            reason=Reason.FAST_FORWARD,
        )
    if statement.sequence > here + 1:
        if not asker.allow_gap:
            raise FormatError(f"sequence: expected {here + 1}, got {statement.sequence}", reason=Reason.GAP)
        return
    if last and statement.previous != last.manifest:
        raise FormatError(f"previous: expected manifest {last.manifest.hex()[:16]}, got another", reason=Reason.FORK)
