"""What the evidence of one artifact amounts to, and whether that is what a policy demands."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from airgap.core.entries import Loss
from airgap.core.policy import Demand, OnMissing, Requirement
from airgap.core.reasons import Reason
from airgap.core.verdict import Finding, Result, Vouches

UNSIGNED: Final = "unsigned-upstream"
WITHHELD: Final = "withheld-by-mirror"


@dataclass(frozen=True, slots=True)
class Vouching:
    """Who vouches for an artifact, by verified evidence, and what came of the other pieces."""

    vouches: frozenset[Vouches] = frozenset()
    results: frozenset[Result] = frozenset()

    @classmethod
    def of(cls, path: str, findings: Iterable[Finding]) -> "Vouching":
        """What the findings about one artifact amount to; those about a piece of its evidence do not count."""
        own = [finding for finding in findings if finding.subject == path]
        return cls(
            frozenset(f.proof.vouches for f in own if f.result is Result.VERIFIED and f.proof and f.proof.vouches),
            frozenset(finding.result for finding in own),
        )

    def meets(self, demand: Demand) -> bool:
        """Whether this is what a rule demands."""
        match demand:
            case Demand.EXPORTER_ONLY:
                return True
            case Demand.ANY_SIGNATURE:
                return bool(self.vouches)
            case Demand.PUBLISHER:
                return Vouches.PUBLISHER in self.vouches
            case Demand.REGISTRY:  # pragma: no branch -- mypy proves that there is no other
                return Vouches.REGISTRY in self.vouches

    def shortfall(self, loss: str | None) -> Reason:
        """Why it is not what a rule demands.

        Args:
            loss: what the manifest says about missing evidence, None when it says nothing.
        """
        if self.vouches:
            return Reason.EVIDENCE_MISSING
        if Result.UNTRUSTED_KEY in self.results:
            return Reason.EVIDENCE_UNTRUSTED
        if Result.UNSUPPORTED in self.results:
            return Reason.EVIDENCE_UNSUPPORTED
        return Reason.EVIDENCE_WITHHELD if loss == WITHHELD else Reason.EVIDENCE_MISSING


def on_shortfall(rule: Requirement, reason: Reason, loss: str | None) -> OnMissing:
    """What a rule wants done; evidence that a mirror hides and evidence that never was may have answers of their own."""
    if reason is Reason.EVIDENCE_WITHHELD and rule.on_withheld is not None:
        return rule.on_withheld
    if reason is Reason.EVIDENCE_MISSING and loss == UNSIGNED and rule.on_unsigned is not None:
        return rule.on_unsigned
    return rule.on_missing


def losses_of(losses: Sequence[Loss]) -> Mapping[str, str]:
    """Of every purl without evidence, why: ``unsigned-upstream`` or ``withheld-by-mirror``.

    Several files can go by one purl; where anything of it is withheld, that is what counts.
    """
    bare = {loss.purl: loss.what for loss in losses if loss.what == UNSIGNED}
    return bare | {loss.purl: loss.what for loss in losses if loss.what == WITHHELD}
