"""Those between a producer and a site: what each does to what it hands on, and what the site sees of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import Any

from airgap.connected.gather import gather
from airgap.connected.request import DEFAULT_EXPIRY, Request
from airgap.connected.seal import Plan, Sealed, seal
from airgap.core.entries import Loss
from airgap.core.guarantees import Counted, Guarantees, guarantees
from airgap.core.keys import PrivateKey
from airgap.core.policy import PRESETS
from airgap.core.reasons import Reason
from airgap.core.trust import Trust, open_trust
from airgap.core.verdict import Check, Finding, Result, Standing, Verdict
from airgap.isolated.recheck import recheck
from airgap.isolated.store.store import Store
from tests.boundaries.producers import Delivery, Producer, content_of, release
from tests.connected.exporting import exported, plant, request
from tests.forge.keys import ALICE
from tests.forge.site import fault, make_store, refused, take
from tests.forge.text import CREATED, NOW
from tests.forge.trust import document, trust_file

STANDARD = PRESETS["standard"]
NEW, OLD = "2.0", "1.0"
EVIL = content_of(NEW) + b"import os; os.system('evil')\n"


class Behaviour(StrEnum):
    """What somebody in between may do, in words that go on with its name."""

    HONEST = "hands on what it got"
    TAMPERS = "changes the bytes"
    STRIPS = "leaves the evidence out"
    RESIGNS = "changes the bytes and signs them itself"
    SUBSTITUTES = "replaces signature and key material"
    REPLAYS = "hands out an older release as the new one"


HOSTILE = tuple(item for item in Behaviour if item is not Behaviour.HONEST)


def hand_on(producer: Producer, behaviour: Behaviour, *, custody: str = "") -> Delivery:
    """Release 2.0 as it leaves an intermediary."""
    made = replace(release(producer, NEW), custody=custody)
    match behaviour:
        case Behaviour.HONEST:
            return made
        case Behaviour.TAMPERS:
            return replace(made, content=EVIL)
        case Behaviour.STRIPS:
            return replace(made, content=EVIL, evidence={}, keys={})
        case Behaviour.RESIGNS:
            return replace(made, content=EVIL, evidence=producer.stranger.evidence(NEW, EVIL))
        case Behaviour.SUBSTITUTES:
            thief = producer.usurper
            return replace(made, content=EVIL, evidence=thief.evidence(NEW, EVIL), keys=thief.keys)
        case Behaviour.REPLAYS:
            old = release(producer, OLD)
            return replace(made, content=old.content, evidence=old.evidence)


def demand(evidence: str) -> str:
    """A policy that wants evidence for everything."""
    return f'[[require]]\nartifacts = "pkg:*"\nevidence = "{evidence}"\n'


WITH_APPROVAL = (
    '[[require]]\nartifacts = "pkg:*"\ncustody = "agent"\nevidence = "publisher"\napprovals = 1\n'
    '[[require]]\nartifacts = "pkg:*"\nevidence = "any-signature"\non_missing = "admit"\n'
)
"""What agents chose needs its publisher's evidence and a second exporter; the rest is as in the policy ``standard``."""


def trust_of(*anchors: Mapping[str, Any]) -> Trust:
    """The trust document of the site, which its exporter knows too."""
    return open_trust(trust_text(*anchors)).trust


def trust_text(*anchors: Mapping[str, Any]) -> bytes:
    channel = {"signers": ["alice", "bob"], "threshold": 1, "artifacts": ["pkg:*"], "destinations": []}
    return trust_file(document(anchors=list(anchors), channels={"main": channel}))


def wanted(folder: Path, delivery: Delivery) -> Request:
    """What people ask the exporter for, once a delivery lies on his disk."""
    beside = {delivery.name + suffix: content for suffix, content in delivery.evidence.items()}
    plant(folder / "files", {delivery.name: delivery.content, **beside})
    plant(folder / "keys", delivery.keys)
    said: dict[str, Any] = {"path": "files", "purl": delivery.purl}
    said |= {"keys": "keys"} if delivery.keys else {}
    said |= {"requested_by": delivery.custody} if delivery.custody else {}
    said |= {"without_evidence": delivery.without_evidence} if delivery.without_evidence else {}
    return request(folder, said)


def seal_with_a_look(folder: Path, delivery: Delivery, trust: Trust | None, **options: Any) -> Sealed:
    """The exporter as he is: he judges what he got before he signs."""
    return exported(wanted(folder / "got", delivery), folder / "x.airgap", trust=trust, **options)


def seal_blindly(
    folder: Path,
    delivery: Delivery,
    *,
    keys: Sequence[PrivateKey] = (ALICE,),
    after: Sealed | None = None,
    name: str = "x.airgap",
    **more: Any,
) -> Sealed:
    """An exporter who signs whatever he got."""
    asked = wanted(folder / f"got-{name}", delivery)
    found = gather(asked)
    plan = Plan(
        artifacts=found.artifacts,
        losses=found.losses,
        channel=asked.channel,
        sequence=after.statement.sequence + 1 if after else 1,
        previous=after.statement.manifest if after else None,
        created=CREATED,
        expires=CREATED + DEFAULT_EXPIRY,
        destination=None,
        keys=keys,
        version="1",
        **more,
    )
    return seal(plan, str(folder / name), progress=lambda _: None)


@dataclass(frozen=True)
class Seen:
    """What a site saw of a bundle.

    Attributes:
        fault: what a refusal stands on; None when the bundle was accepted.
        guarantees: as they are printed.
        losses: what the manifest says is missing.
    """

    verdict: Verdict
    fault: Finding | None
    guarantees: Guarantees
    losses: Sequence[Loss]
    store: Store

    @property
    def reason(self) -> Reason | None:
        return self.verdict.reason

    @property
    def document(self) -> str:
        """The piece of evidence that the refusal names."""
        return self.fault.proof.document if self.fault and self.fault.proof else ""

    @property
    def evidence(self) -> list[Finding]:
        """What was found about single pieces of evidence."""
        return [finding for finding in self.verdict.findings if finding.check == Check.EVIDENCE and finding.proof]

    @property
    def summary(self) -> str:
        """The line about the evidence of the whole bundle."""
        return next(f.got for f in self.verdict.findings if f.check == Check.EVIDENCE and not f.proof)

    @property
    def words(self) -> str:
        """For the table: the verdict, with the reason or with what was recorded."""
        if self.verdict.standing is not Standing.ACCEPTED:
            return f"{self.verdict.standing}: `{self.reason}`"
        results = sorted({finding.result for finding in self.evidence}) or [Result.ABSENT]
        return f"accepted, evidence {' and '.join(results)}"


def arrive(store: Store, *paths: str) -> Seen:
    """Import a bundle; a refusal has to leave the store alone, what is accepted has to stand a check."""
    asked = take(store, *paths, is_dry=True)
    counted = Counted.of(1, asked.examined.claims.vouching.values())
    told = guarantees(asked.verdict, counted)
    manifest = asked.examined.claims.manifest
    seen = Seen(asked.verdict, None, told, manifest.losses if manifest else (), store)
    if asked.verdict.standing is Standing.REJECTED:
        against = refused(store, *paths)
        assert against == fault(asked.verdict)
        return replace(seen, fault=against)
    assert take(store, *paths).verdict.standing is asked.verdict.standing
    assert recheck(store, at=NOW, run_id="check").damage == []
    return seen


def site(folder: Path, *anchors: Mapping[str, Any], policy: str = STANDARD) -> Store:
    """A site with its store, its anchors and its policy."""
    folder.mkdir(parents=True, exist_ok=True)
    return make_store(folder / "store", trust=trust_text(*anchors), policy=policy)


def journey(folder: Path, delivery: Delivery, *anchors: Mapping[str, Any], policy: str = STANDARD, **sealing: Any) -> Seen:
    """The whole way, with an exporter who does not look."""
    folder.mkdir(parents=True, exist_ok=True)
    return arrive(site(folder, *anchors, policy=policy), *seal_blindly(folder, delivery, **sealing).paths)


def assert_refused(seen: Seen, reason: Reason, delivery: Delivery) -> None:
    """A refusal that names the artifact and the piece of evidence that speaks against it, and promises nothing."""
    assert seen.fault is not None
    assert (seen.verdict.standing, seen.reason) == (Standing.REJECTED, reason)
    assert seen.fault.subject == f"artifacts/files/{delivery.name}"
    assert seen.document == f"documents/files/{delivery.name}{next(iter(delivery.evidence))}"
    assert_nothing_holds(seen)


def assert_missed(seen: Seen, reason: Reason, delivery: Delivery, *, demanded: str, got: str) -> None:
    """A refusal by the policy, which names the purl for which something is missing, and promises nothing."""
    assert seen.fault is not None
    assert (seen.verdict.standing, seen.reason) == (Standing.REJECTED, reason)
    assert (seen.fault.subject, seen.fault.expected) == (delivery.purl, f"{demanded} evidence")
    assert (seen.fault.got, seen.document) == (got, "")
    assert_nothing_holds(seen)


def assert_nothing_holds(seen: Seen) -> None:
    """What the guarantees say of a bundle that was refused."""
    for guarantee in seen.guarantees.values():
        assert guarantee["exporter"] == "does not hold"
        assert guarantee["producer"].startswith("0 of 1 artifacts")
        assert guarantee["registry"].startswith("0 of 1 artifacts")


def assert_accepted(seen: Seen, *, publisher: int = 0, registry: int = 0, recorded: Sequence[Result] = ()) -> None:
    """An import whose guarantees and findings say how far they reach.

    Args:
        seen: the import of one artifact.
        publisher, registry: how many artifacts each vouches for.
        recorded: results of the findings about evidence, in the order of the pieces.
    """
    either = max(publisher, registry)
    assert (seen.verdict.standing, seen.reason) == (Standing.ACCEPTED, None)
    assert [finding.result for finding in seen.evidence] == list(recorded)
    without = int(not recorded)
    assert seen.summary == f"{either} of 1 artifacts have verified evidence of their producer, {without} have none"
    for guarantee in seen.guarantees.values():
        assert guarantee["exporter"] == "holds"
        assert guarantee["producer"] == f"{publisher} of 1 artifacts, by the producer's own signature"
        assert guarantee["registry"] == f"{registry} of 1 artifacts, by the registry's own signature"
    between = f"{either} of 1 artifacts: what came between could not change them unnoticed"
    assert seen.guarantees["integrity"]["mirror"] == between
