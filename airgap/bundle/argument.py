"""The reader's numbered argument: what has to hold before anything may leave staging.

 1  the medium: a regular file, opened once, no links                      bundle/medium.py
 2  the head: magic, version, lengths under caps, blank padding            bundle/head.py
 3  the clock against the time floor, so that a wrong one accuses nobody; trust updates: n -> n+1, thresholds of both
 4  the envelope: every signature by a known key, signers whole, threshold of the channel's exporters, nobody revoked
 5  the statement: channel, destination, sequence and previous against the ledger, expiry
 6  the manifest: signed digest, strict JSON, schema, names, sums; the size of the archive
 7  every frame: size and digest, then its content, capped at the signed size
 8  the filler: what the manifest implies, byte for byte
 9  every entry: size and SHA-256
10  the base of a delta: there, and hashed again
11  the evidence of every artifact
12  the policy
"""

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any, Final

from airgap.bundle.claims import read_updates
from airgap.bundle.contents import NullSink, Sink, check_archive, read_archive
from airgap.bundle.directory import HeadFile, content_size, read_directory
from airgap.bundle.head import Head, read_head
from airgap.bundle.judging import Judging
from airgap.bundle.medium import Medium, is_directory, open_medium
from airgap.bundle.notes import Notes
from airgap.bundle.rules import Asker, check_clock, check_destination, check_sequence, check_time, is_known
from airgap.bundle.spool import Spool
from airgap.core import canonical
from airgap.core.digest import sha256
from airgap.core.envelope import STATEMENT_TYPE, Envelope, authenticate
from airgap.core.errors import FormatError, UsageError
from airgap.core.manifest import Manifest
from airgap.core.reasons import Reason
from airgap.core.statement import Container, Statement
from airgap.core.times import format_time
from airgap.core.trust import Believed, Trust, apply_update, check_threshold
from airgap.core.verdict import Check, Result, Verdict, judge
from airgap.core.vouching import Vouching

REQUIRED: Final = tuple(check for check in Check if check is not Check.BASE)
_HEAD_ONLY: Final = (Check.CONTAINER, Check.TRUST, Check.SIGNATURE, Check.HISTORY, Check.MANIFEST)


@dataclass(slots=True)
class Claims:
    """What the argument learned so far; the members are set step by step."""

    trust: Believed
    updates: list[Envelope] = field(default_factory=list)
    head: Head | None = None
    statement: Statement | None = None
    signers: frozenset[str] = frozenset()
    manifest: Manifest | None = None
    is_known: bool = False
    is_read: bool = False
    vouching: dict[str, Vouching] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Examined:
    """A bundle whose argument was made to the end: the verdict and what it is about."""

    verdict: Verdict
    claims: Claims


class Argument:
    """One run of the argument. A step that fails ends it; what was found so far explains why."""

    def __init__(self, asker: Asker) -> None:
        self.asker = asker
        self.claims = Claims(asker.trust)
        self._notes = Notes()
        self._kept: set[str] = set()
        self._sink: Sink = NullSink()
        self._judging: Judging | None = None

    def run(self, paths: Sequence[str], *, sink: Sink | None, progress: Callable[[int], None]) -> Examined:
        """Make the whole argument about a bundle; the sink gets its content, to be used only when accepted."""
        with ExitStack() as stack:
            self._sink = sink or stack.enter_context(Spool(self._kept))
            self._run(paths, self._sink, progress)
        return self.conclude()

    def _run(self, paths: Sequence[str], sink: Sink, progress: Callable[[int], None]) -> None:
        try:
            if len(paths) == 1 and is_directory(paths[0]):
                self._run_directory(paths[0], sink, progress)
            else:
                with open_medium(paths) as medium:
                    self._run_archive(medium, sink, progress)
            if self._judging is not None:
                self._judging.check_base()
                self._judging.check_evidence()
                self._judging.check_policy()
        except FormatError as exc:
            self._notes.failed(exc)

    def conclude(self) -> Examined:
        """The verdict on what was found."""
        is_short = self.claims.is_known and not self.claims.is_read
        held = self._judging.held if self._judging else None
        verdict = judge(self._notes.findings, required=_HEAD_ONLY if is_short else REQUIRED, held=held)
        return Examined(verdict, self.claims)

    def _run_archive(self, medium: Medium, sink: Sink, progress: Callable[[int], None]) -> None:
        head = read_head(medium, max_manifest=self.asker.policy.limits.manifest)
        statement, manifest = self.open_head(head)
        self._expect_container(statement, Container.ARCHIVE)
        self._check_size(statement.size, medium.length)
        check_archive(statement, manifest, head=head.sizes.head)
        judging = self._wanted(head, statement, manifest)
        if judging is None:
            return
        mtime = int(statement.created.timestamp())
        self._notes.findings += read_archive(
            medium, manifest, head=head.sizes.head, mtime=mtime, sink=sink, progress=progress, further=judging.further
        )

    def _run_directory(self, folder: str, sink: Sink, progress: Callable[[int], None]) -> None:
        file = HeadFile(folder)
        try:
            head = read_head(file, max_manifest=self.asker.policy.limits.manifest)
            if file.length != head.sizes.head:
                raise FormatError("bundle.head: expected nothing behind the head, got more", reason=Reason.WRONG_SIZE)
        finally:
            file.close()
        statement, manifest = self.open_head(head)
        self._expect_container(statement, Container.DIRECTORY)
        self._check_size(statement.size, content_size(manifest))
        if len(manifest.frames):
            raise FormatError("manifest: expected no frames in a directory, got some", reason=Reason.BAD_TOTALS)
        judging = self._wanted(head, statement, manifest)
        if judging is not None:
            self._notes.findings += read_directory(folder, manifest, sink=sink, progress=progress, further=judging.further)

    def _wanted(self, head: Head, statement: Statement, manifest: Manifest) -> Judging | None:
        """Conclude step 6; by what the payload will be judged, None when it is not to be read at all."""
        self._notes.passed(f"{len(manifest.artifacts)} artifacts, {len(manifest.documents)} documents")
        # by a trust document that comes into force here nothing of it was judged yet
        is_asked = not self.claims.is_known or bool(self.claims.updates)
        self.claims.is_read = is_asked or self.asker.wants_content(head, manifest)
        if not self.claims.is_read:
            self._check_is_last()
            self._check_recalled(manifest)
            return None
        self._notes.check = Check.FRAMES
        self._judging = Judging(
            asker=self.asker,
            trust=self.claims.trust.trust,
            statement=statement,
            manifest=manifest,
            signers=self.claims.signers,
            sink=self._sink,
            kept=self._kept,
            notes=self._notes,
            vouching=self.claims.vouching,
        )
        return self._judging

    def _check_recalled(self, manifest: Manifest) -> None:
        """A bundle that is here already is not read again; nothing of it may have been recalled since, all the same."""
        trust = self.claims.trust.trust
        for artifact in manifest.artifacts if trust.revoked_digests or trust.revoked_artifacts else ():
            if trust.revocation_of(artifact.purl, artifact.sha256):
                self._notes.check = Check.POLICY
                raise FormatError(
                    f"{artifact.purl}: expected artifacts in force, got one recalled", reason=Reason.REVOKED_ARTIFACT
                )

    def open_head(self, head: Head) -> tuple[Statement, Manifest]:
        """Steps 2 to 6: everything that is known before the first payload byte."""
        self.claims.head = head
        self._notes.passed("a bundle of format 1")
        self._notes.check = Check.HISTORY
        check_clock(self.asker)
        self._notes.check = Check.TRUST
        self._update_trust(read_updates(head))
        self._notes.check = Check.SIGNATURE
        statement = self._authenticate(head.envelope)
        self._notes.check = Check.HISTORY
        self._check_history(statement)
        self._notes.check = Check.MANIFEST
        return statement, self._read_manifest(statement, head.manifest)

    def _update_trust(self, updates: Sequence[Any]) -> None:
        """Step 3."""
        believed = self.asker.trust
        for value in updates:
            envelope = Envelope.from_value(value, what="trust update")
            version = Trust.parse(envelope.payload).version
            if version <= self.asker.trust.trust.version and not self.claims.updates:
                continue  # carried for sites that are further behind
            believed = apply_update(believed.trust, envelope)
            self.claims.updates.append(envelope)
        self.claims.trust = believed
        if believed.trust.expires <= self.asker.at:
            raise FormatError(
                f"trust document: expected one in force at {format_time(self.asker.at)}, "
                f"got version {believed.trust.version}, expired {format_time(believed.trust.expires)}",
                reason=Reason.TRUST_EXPIRED,
            )
        self._notes.passed(f"trust document, version {believed.trust.version}")

    def _authenticate(self, area: bytes) -> Statement:
        """Step 4."""
        trust = self.claims.trust.trust
        envelope = Envelope.parse(canonical.unpad(area, what="envelope area"))
        revoked = {s.key_id for s in envelope.signatures} & trust.revoked_keys.keys()
        if revoked:
            raise FormatError(
                f"signature: expected keys in force, got key {min(revoked)[:16]}, which is revoked",
                reason=Reason.REVOKED_KEY,
            )
        authentic = authenticate(envelope, STATEMENT_TYPE, trust.keys, what="envelope")
        names = trust.signers_of(authentic, at=self.asker.at)
        statement = Statement.parse(authentic)
        channel = trust.channels.get(statement.channel)
        if channel is None:
            raise FormatError(
                f"channel: expected one of {', '.join(sorted(trust.channels)) or 'none'}, got {statement.channel}",
                reason=Reason.WRONG_CHANNEL,
            )
        check_threshold(names, channel.role, what=f"channel {statement.channel}")
        self.claims.statement = statement
        self.claims.signers = names & channel.role.signers
        self._notes.passed(f"channel {statement.channel}", identity=", ".join(sorted(names)))
        return statement

    def _check_history(self, statement: Statement) -> None:
        """Step 5."""
        check_destination(statement, self.claims.trust.trust, self.asker.site)
        history = self.asker.history
        if history is not None and is_known(statement, history):
            # order and expiry were judged when it came in; now it may bring back what rotted, and nothing else
            self.claims.is_known = True
            self._notes.passed("imported before")
            return
        check_time(statement, self.asker)
        if history is None:
            self._notes.note(Result.NOT_CHECKED, "sequence and previous bundle: only a store knows them")
            return
        check_sequence(statement, history.last(statement.channel), self.asker)
        self._notes.passed(f"sequence {statement.sequence}")

    def _check_is_last(self) -> None:
        """Step 5 again: an older bundle that was imported before, and that heals nothing, is a rollback (T150)."""
        statement, history = self.claims.statement, self.asker.history
        assert statement is not None
        last = history.last(statement.channel) if history else None
        if last is not None and last.sequence != statement.sequence:
            self._notes.check = Check.HISTORY
            check_sequence(statement, last, self.asker)

    def _read_manifest(self, statement: Statement, area: bytes) -> Manifest:
        """Step 6."""
        if sha256(area) != statement.manifest:
            raise FormatError("manifest: expected the signed digest, got another", reason=Reason.MANIFEST_MISMATCH)
        size = canonical.text_size(area, what="manifest area")
        manifest = Manifest.parse(area, max_entries=self.asker.policy.limits.entries, size=size)
        self.claims.manifest = manifest
        carried = [artifact for artifact in manifest.artifacts if artifact.stored]
        content = sum(entry.size for entry in manifest.entries)
        if (statement.artifacts, statement.content) != (len(carried), content):
            raise FormatError("manifest: expected the signed totals, got others", reason=Reason.BAD_TOTALS)
        if content > self.asker.policy.limits.content:
            raise FormatError(
                f"manifest: expected at most {self.asker.policy.limits.content} bytes, got {content}",
                reason=Reason.TOO_LARGE,
            )
        if statement.base is None and len(carried) != len(manifest.artifacts):
            raise FormatError(
                "manifest: expected all artifacts in a bundle without base, got fewer", reason=Reason.BAD_TOTALS
            )
        return manifest

    def _expect_container(self, statement: Statement, container: Container) -> None:
        if statement.container is not container:
            raise FormatError(f"container: expected {statement.container}, got {container}", reason=Reason.MALFORMED)

    def _check_size(self, signed: int, found: int) -> None:
        if signed != found:
            raise FormatError(f"bundle: expected {signed} bytes, got {found}", reason=Reason.WRONG_SIZE)


def examine(
    paths: Sequence[str],
    asker: Asker,
    *,
    sink: Sink | None = None,
    progress: Callable[[int], None] = lambda _: None,
) -> Examined:
    """Make the numbered argument about a bundle.

    Args:
        paths: its file, volumes or directory.
        asker: trust, policy, time, history.
        sink: gets the content; None to keep only what evidence is judged by, and only until the end.
        progress: told the bytes of content done.

    Raises:
        UsageError: there is no such file.
    """
    if not paths:
        raise UsageError("bundle: expected a path, got none")
    return Argument(asker).run(paths, sink=sink, progress=progress)
