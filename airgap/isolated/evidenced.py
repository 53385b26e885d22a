"""One look of a recheck: does the producers' evidence still hold, by today's anchors, revocations and policy?"""

from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from airgap.core.entries import Artifact, Document
from airgap.core.errors import FormatError, StoreError
from airgap.core.policy import OnMissing, Policy, Requirement
from airgap.core.reasons import Reason
from airgap.core.trust import Trust
from airgap.core.verdict import Check, Finding, Result
from airgap.core.vouching import Vouching, losses_of, on_shortfall
from airgap.evidence.prove import Prover
from airgap.isolated.report import Look, Memory, Report
from airgap.isolated.store.store import Store

_RECALLED: Final = frozenset(
    {Reason.EVIDENCE_FAILED, Reason.EVIDENCE_REVOKED, Reason.EVIDENCE_WEAK, Reason.EVIDENCE_EXPIRED}
)
"""What takes an artifact out of the views; a key that is merely pinned no more is reported, and people decide."""


@dataclass(slots=True)
class Proofs:
    """Evidence of what is stored, judged anew.

    Attributes:
        manifests: digests of the manifests of all admitted bundles, oldest first.
        digests: of objects, those beside SHA-256 that the look at the bytes computed.
    """

    store: Store
    trust: Trust
    at: datetime
    memory: Memory
    manifests: Sequence[bytes] = ()
    digests: dict[bytes, Mapping[str, bytes]] = field(default_factory=dict)
    _prover: Prover = field(init=False)

    def __post_init__(self) -> None:
        self._prover = Prover(self.trust, self.at)

    def further(self) -> Mapping[bytes, Set[str]]:
        """Digests beside SHA-256 that evidence will ask objects for."""
        wanted: dict[bytes, Set[str]] = {}
        for artifact, documents in self.memory.evidenced.values():
            try:
                names, _ = self._prover.needs(artifact, self._stored(documents))
            except OSError:
                continue  # evidence that is not there, or cannot be read: the look at the bytes reports it
            if names:
                wanted[artifact.sha256] = wanted.get(artifact.sha256, frozenset()) | names
        return wanted

    def check(self, unsound: Set[bytes], report: Report) -> None:
        """Judge the evidence of every artifact whose own bytes and evidence are sound."""
        policy = self.store.policy()
        proven = 0
        for path, (artifact, documents) in sorted(self.memory.evidenced.items()):
            if path in self.memory.recalled:
                continue
            if unsound & {artifact.sha256, *(item.sha256 for item in documents)}:
                self.memory.unjudged.add(path)
                continue
            found = self.judge(artifact, documents)
            vouching = Vouching.of(artifact.path, found)
            proven += bool(vouching.vouches)
            report.findings += self._against(artifact, found, vouching, policy)
        if any(rule.on_missing is OnMissing.REJECT and not Vouching().meets(rule.evidence) for rule in policy.requirements):
            report.findings += self._bare(policy)
        report.add(Look.EVIDENCE, "evidence", None, got=f"{proven} artifacts have verified evidence of their producer")

    def judge(self, artifact: Artifact, documents: Sequence[Document]) -> list[Finding]:
        """All findings about one artifact's evidence."""
        digests = self.digests.get(artifact.sha256, {})
        return self._prover.prove(artifact, self._stored(documents), digests, self.store.layout.object(artifact.sha256))

    def _against(
        self, artifact: Artifact, found: Sequence[Finding], vouching: Vouching, policy: Policy
    ) -> Iterator[Finding]:
        against = [finding for finding in found if finding.reason is not None]
        for finding in against:
            if finding.reason in _RECALLED:
                self.memory.recalled[artifact.path] = finding.got
        yield from against
        rule = policy.requirement_for(artifact.purl, {hop["kind"] for hop in artifact.custody})
        if not against and rule and rule.on_missing is OnMissing.REJECT and not vouching.meets(rule.evidence):
            yield _short(artifact, rule, vouching.shortfall(None), ", ".join(sorted(vouching.results)) or "none")

    def _bare(self, policy: Policy) -> Iterator[Finding]:
        """What came without evidence, under a policy that demands some by now; the newest entry of a name counts."""
        seen: set[str] = set(self.memory.evidenced) | set(self.memory.recalled)
        for digest in reversed(self.manifests):
            try:
                manifest = self.store.head(digest).manifest()
            except (FormatError, StoreError):
                continue  # the look at trust reports it
            losses = losses_of(manifest.losses)
            for artifact in manifest.artifacts:
                if artifact.path in seen:
                    continue
                seen.add(artifact.path)
                rule = policy.requirement_for(artifact.purl, {hop["kind"] for hop in artifact.custody})
                loss = losses.get(artifact.purl)
                reason = Vouching().shortfall(loss)
                if rule and not Vouching().meets(rule.evidence) and on_shortfall(rule, reason, loss) is OnMissing.REJECT:
                    yield _short(artifact, rule, reason, loss or "none")

    def _stored(self, documents: Sequence[Document]) -> list[tuple[Document, str]]:
        return [(document, self.store.layout.object(document.sha256)) for document in documents]


def _short(artifact: Artifact, rule: Requirement, reason: Reason, got: str) -> Finding:
    return Finding(
        check=Check.EVIDENCE,
        subject=artifact.path,
        kind="store",
        result=Result.FAILED,
        reason=reason,
        expected=f"{rule.evidence} evidence, as the policy demands",
        got=got,
    )
