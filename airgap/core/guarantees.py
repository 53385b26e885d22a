"""Which guarantee holds at which boundary, in words.

Source: Kalu and Davis 2025, "Why Software Signing (Still) Matters": a registry's promise of provenance, integrity and
accountability stops at its own boundary; what holds behind it rests on signatures that travel. So each boundary is named
with what proves it: the producer's or the registry's own signature, the exporter's, a digest, or nothing.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from airgap.core.verdict import Check, Standing, Verdict, Vouches
from airgap.core.vouching import Vouching

Guarantees = Mapping[str, Mapping[str, str]]


@dataclass(frozen=True, slots=True)
class Counted:
    """How many artifacts there are, and for how many of them whose signature was verified."""

    artifacts: int
    publisher: int = 0
    registry: int = 0
    either: int = 0

    @classmethod
    def of(cls, artifacts: int, vouching: Collection[Vouching]) -> "Counted":
        """Counts of what was judged."""
        return cls(
            artifacts,
            sum(Vouches.PUBLISHER in item.vouches for item in vouching),
            sum(Vouches.REGISTRY in item.vouches for item in vouching),
            sum(bool(item.vouches) for item in vouching),
        )

    def by(self, count: int, whose: str) -> str:
        """So many of so many, in words."""
        return f"{count} of {self.artifacts} artifacts, by {whose} signature"


def guarantees(verdict: Verdict, counted: Counted) -> Guarantees:
    """Which guarantee holds at which boundary once a bundle was judged.

    Args:
        verdict: of the bundle.
        counted: its artifacts and their evidence.
    """
    is_accepted = verdict.standing is Standing.ACCEPTED
    passed = "holds" if is_accepted else "does not hold"
    read = any(finding.check is Check.CONTENT for finding in verdict.findings)
    media = "not read: the store holds all of it already" if is_accepted and not read else passed
    if not is_accepted:
        counted = Counted(counted.artifacts)  # who rejects a bundle has believed nothing of it
    producer = counted.by(counted.publisher, "the producer's own")
    registry = counted.by(counted.registry, "the registry's own")
    between = f"{counted.either} of {counted.artifacts} artifacts: what came between could not change them unnoticed"
    return {
        "provenance": {"producer": producer, "registry": registry, "exporter": passed},
        "integrity": {
            "producer": producer,
            "registry": registry,
            "mirror": between,
            "exporter": passed,
            "media": media,
            "importer": passed,
        },
        "accountability": {"producer": producer, "registry": registry, "exporter": passed, "importer": passed},
    }
