"""Steps 10 to 12 of the reader's argument: the base of a delta, the evidence of every artifact, the policy."""

from collections.abc import Mapping, Set
from dataclasses import dataclass, field
from functools import cached_property

from airgap.bundle.contents import Further, Sink
from airgap.bundle.notes import Notes
from airgap.bundle.rules import Asker, Base, Proving
from airgap.core.entries import Artifact, Document, Entry, inside
from airgap.core.errors import FormatError
from airgap.core.manifest import Manifest
from airgap.core.placed import check_artifact, check_document
from airgap.core.policy import OnMissing, Requirement
from airgap.core.purl import is_match
from airgap.core.reasons import Reason
from airgap.core.statement import Statement
from airgap.core.trust import Trust
from airgap.core.verdict import Check, Result
from airgap.core.vouching import Vouching, losses_of, on_shortfall


@dataclass(kw_only=True)
class Judging:
    """What is known about a bundle once its manifest was read, and what its content is then judged by.

    Attributes:
        trust: the document in force, updates of the bundle included.
        signers: those of the channel that signed.
        sink: holds the content.
        kept: paths of artifacts whose content the evidence will ask for; filled while the content is read.
        notes: gets the findings.
        vouching: who vouches for each artifact that brought evidence, by path.
        held: why the bundle is held back, when the policy wants that.
    """

    asker: Asker
    trust: Trust
    statement: Statement
    manifest: Manifest
    signers: frozenset[str]
    sink: Sink
    kept: set[str]
    notes: Notes
    vouching: dict[str, Vouching] = field(default_factory=dict)
    held: Reason | None = None

    def __post_init__(self) -> None:
        self.further = Further(self._wants)
        self._bases: dict[str, Base] = {}
        self._documents = {document.path: document for document in self.manifest.documents}
        make = self.asker.evidence
        self._proving: Proving | None = make(self.trust, self.asker.at) if make else None

    def check_base(self) -> None:
        """Step 10."""
        self.notes.check = Check.BASE
        left_out = [artifact for artifact in self.manifest.artifacts if not artifact.stored]
        if not left_out:
            return
        if self.asker.read_base is None:
            self.notes.note(Result.NOT_CHECKED, f"{len(left_out)} artifacts of the base: only a store holds them")
            return
        for artifact in left_out:
            base = self.asker.read_base(artifact, self._wants(artifact))
            if base is None:
                raise FormatError(
                    f"{artifact.path}: expected {self._base()} here, got no {artifact.path}, or other bytes of it",
                    reason=Reason.BASE_MISSING,
                )
            self._bases[artifact.path] = base
        self.notes.passed(f"{len(left_out)} artifacts of the base")

    def _base(self) -> str:
        """What a delta stands on, by the names that people on both sides know."""
        said = self.statement.base
        assert said is not None  # step 6 refused artifacts that are left out of a bundle without base
        return f"bundle {self.statement.channel} {said.sequence} (receipt {said.receipt.hex()[:16]})"

    def check_evidence(self) -> None:
        """Step 11."""
        # what came across damaged is known not to be what was signed; its evidence would only say so again
        damaged = {finding.subject for finding in self.notes.findings if finding.check is Check.CONTENT and finding.reason}
        self.notes.check = Check.EVIDENCE
        artifacts = self.manifest.artifacts
        for artifact in artifacts:
            if artifact.evidence and artifact.path not in damaged and (artifact.stored or artifact.path in self._bases):
                self._prove(artifact)
        proven = sum(bool(vouching.vouches) for vouching in self.vouching.values())
        without = sum(not artifact.evidence for artifact in artifacts)
        self.notes.note(
            Result.ABSENT if without or not artifacts else Result.VERIFIED,
            f"{proven} of {len(artifacts)} artifacts have verified evidence of their producer, {without} have none",
        )

    def check_policy(self) -> None:
        """Step 12, and the scope of the channel, and recalls."""
        self.notes.check = Check.POLICY
        channel = self.trust.channels[self.statement.channel]
        for artifact in self.manifest.artifacts:
            check_artifact(artifact)
            if not any(is_match(artifact.purl, pattern) for pattern in channel.artifacts):
                raise FormatError(
                    f"{artifact.purl}: expected artifacts of channel {self.statement.channel}, got another",
                    reason=Reason.OUT_OF_SCOPE,
                )
            if self.trust.revocation_of(artifact.purl, artifact.sha256):
                raise FormatError(
                    f"{artifact.purl}: expected artifacts in force, got one recalled", reason=Reason.REVOKED_ARTIFACT
                )
            self._check_name(artifact)
            self._check_requirement(artifact, len(self.signers) - channel.role.threshold)
        paths = {inside(artifact.path) for artifact in self.manifest.artifacts}
        for document in self.manifest.documents:
            self._check_document(document, paths)
        self.notes.passed("the site's policy")

    def _check_document(self, document: Document, paths: Set[str]) -> None:
        """Views show evidence too: it brings in no name that the policy refuses, and no bytes that were recalled."""
        if document.sha256.hex() in self.trust.revoked_digests:
            raise FormatError(
                f"{document.path}: expected documents in force, got one recalled", reason=Reason.REVOKED_ARTIFACT
            )
        check_document(document, paths)
        self._check_name(document)

    def _check_name(self, entry: Entry) -> None:
        if self.asker.policy.is_refused(entry.path):
            raise FormatError(f"{entry.path}: expected names the policy allows, got another", reason=Reason.BAD_NAME)

    def _prove(self, artifact: Artifact) -> None:
        if self._proving is None:
            raise FormatError("evidence: expected somebody to judge it, got nobody", reason=Reason.CHECK_NOT_RUN)
        if artifact.stored:
            digests, file = self.further.digests.get(artifact.path, {}), self.sink.kept(artifact)
        else:
            base = self._bases[artifact.path]
            digests, file = base.digests, base.file
        found = self._proving.prove(artifact, self._stored(artifact), digests, file)
        self.notes.findings += found
        self.vouching[artifact.path] = Vouching.of(artifact.path, found)

    def _wants(self, entry: Entry) -> Set[str]:
        """Digests that an entry's evidence will ask for; notes the artifacts whose content has to be kept.

        Documents come first in a bundle, so all evidence has passed by, and was hashed, when an artifact starts.
        """
        if not isinstance(entry, Artifact) or not entry.evidence or self._proving is None:
            return frozenset()
        digests, is_message = self._proving.needs(entry, self._stored(entry))
        if is_message:
            self.kept.add(entry.path)
        return digests

    def _stored(self, artifact: Artifact) -> list[tuple[Document, str]]:
        """An artifact's evidence, and where it is kept."""
        documents = (self._documents[path] for path in artifact.evidence)
        return [(document, self.sink.kept(document)) for document in documents]

    def _check_requirement(self, artifact: Artifact, approvals: int) -> None:
        rule = self.asker.policy.requirement_for(artifact.purl, {hop["kind"] for hop in artifact.custody})
        if rule is None:
            raise FormatError(f"{artifact.purl}: expected a rule of the policy, got none", reason=Reason.EVIDENCE_MISSING)
        if approvals < rule.approvals:
            raise FormatError(
                f"{artifact.purl}: expected {rule.approvals} approvals, got {max(approvals, 0)}",
                reason=Reason.APPROVALS_MISSING,
            )
        vouching = self.vouching.get(artifact.path, Vouching())
        if not vouching.meets(rule.evidence):
            self._miss(artifact, rule, vouching)

    def _miss(self, artifact: Artifact, rule: Requirement, vouching: Vouching) -> None:
        """What follows when an artifact has not the evidence that a rule demands."""
        loss = self._losses.get(artifact.purl)
        reason = vouching.shortfall(loss)
        match on_shortfall(rule, reason, loss):
            case OnMissing.ADMIT:
                return
            case OnMissing.HOLD:
                self.held = self.held or reason
            case OnMissing.REJECT:  # pragma: no branch -- mypy proves that there is no other
                got = ", ".join(sorted(vouching.results)) or loss or "none"
                raise FormatError(f"{artifact.purl}: expected {rule.evidence} evidence, got {got}", reason=reason)

    @cached_property
    def _losses(self) -> Mapping[str, str]:
        return losses_of(self.manifest.losses)
