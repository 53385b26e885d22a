"""A registry: it signs what it serves, and whoever stores and delivers its files for it has not its key."""

from dataclasses import replace
from pathlib import Path

import pytest

from airgap.core.errors import FormatError
from airgap.core.reasons import Reason
from airgap.core.verdict import Result, Vouches
from tests.boundaries.actors import (
    EVIL,
    NEW,
    STANDARD,
    Behaviour,
    assert_accepted,
    assert_missed,
    assert_refused,
    demand,
    hand_on,
    journey,
    seal_with_a_look,
    trust_of,
)
from tests.boundaries.producers import Delivery, NpmRegistry, Workflow, content_of

REGISTRY = NpmRegistry()
BUILD = Workflow(style="provenance")
BUILDER = {**BUILD.anchor, "artifacts": ["pkg:npm/widget@*"]}
CAUGHT = [
    (Behaviour.TAMPERS, Reason.EVIDENCE_FAILED),
    (Behaviour.RESIGNS, Reason.EVIDENCE_UNTRUSTED),
    (Behaviour.SUBSTITUTES, Reason.EVIDENCE_UNTRUSTED),
    (Behaviour.REPLAYS, Reason.EVIDENCE_FAILED),
]
POLICIES = [STANDARD, demand("registry")]


@pytest.mark.parametrize("policy", POLICIES)
def test_what_a_registry_signed_is_proven_as_the_registry_s_word_and_nobody_else_s(tmp_path: Path, policy: str) -> None:
    delivery = hand_on(REGISTRY, Behaviour.HONEST)

    seen = journey(tmp_path, delivery, REGISTRY.anchor, policy=policy)

    assert_accepted(seen, registry=1, recorded=[Result.VERIFIED])


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize(("behaviour", "reason"), CAUGHT)
def test_what_was_changed_behind_a_registry_is_refused_by_the_site(
    tmp_path: Path, behaviour: Behaviour, reason: Reason, policy: str
) -> None:
    delivery = hand_on(REGISTRY, behaviour)

    assert_refused(journey(tmp_path, delivery, REGISTRY.anchor, policy=policy), reason, delivery)


@pytest.mark.parametrize(("behaviour", "reason"), CAUGHT)
def test_what_was_changed_behind_a_registry_is_refused_by_the_exporter_before_he_seals(
    tmp_path: Path, behaviour: Behaviour, reason: Reason
) -> None:
    with pytest.raises(FormatError) as caught:
        seal_with_a_look(tmp_path, hand_on(REGISTRY, behaviour), trust_of(REGISTRY.anchor))

    assert caught.value.reason is reason
    assert not (tmp_path / "x.airgap").exists()


def test_an_older_release_is_named_by_the_signature_of_the_registry(tmp_path: Path) -> None:
    seen = journey(tmp_path, hand_on(REGISTRY, Behaviour.REPLAYS), REGISTRY.anchor)

    assert seen.fault is not None
    assert (seen.fault.expected, seen.fault.got) == ("a signature of pkg:npm/widget@2.0", "one of 'pkg:npm/widget@1.0'")


def test_a_signature_that_was_left_out_behind_a_registry_is_only_recorded_by_the_standard_policy(tmp_path: Path) -> None:
    delivery = hand_on(REGISTRY, Behaviour.STRIPS)

    assert_accepted(journey(tmp_path / "1", delivery, REGISTRY.anchor), recorded=[])
    demanding = journey(tmp_path / "2", delivery, REGISTRY.anchor, policy=demand("registry"))
    assert_missed(demanding, Reason.EVIDENCE_MISSING, delivery, demanded="registry", got="none")


def lie(*, has_provenance: bool) -> Delivery:
    """Release 2.0 with other bytes, signed by the registry itself; the producer's own provenance may lie there still."""
    evidence = dict(REGISTRY.evidence(NEW, EVIL))
    keys = dict(REGISTRY.keys)
    if has_provenance:
        evidence |= BUILD.evidence(NEW, content_of(NEW))
        keys |= BUILD.keys
    return replace(hand_on(REGISTRY, Behaviour.HONEST), content=EVIL, evidence=evidence, keys=keys)


@pytest.mark.parametrize("policy", POLICIES)
def test_a_registry_that_lies_itself_is_not_noticed_where_only_its_own_word_is_asked_for(
    tmp_path: Path, policy: str
) -> None:
    assert_accepted(
        journey(tmp_path, lie(has_provenance=False), REGISTRY.anchor, policy=policy), registry=1, recorded=[Result.VERIFIED]
    )


def test_a_registry_that_lies_itself_does_not_pass_for_the_publisher(tmp_path: Path) -> None:
    delivery = lie(has_provenance=False)

    seen = journey(tmp_path, delivery, REGISTRY.anchor, BUILDER, policy=demand("publisher"))

    assert_missed(seen, Reason.EVIDENCE_MISSING, delivery, demanded="publisher", got="verified")


@pytest.mark.parametrize("policy", [*POLICIES, demand("publisher")])
def test_the_publisher_s_own_provenance_speaks_against_a_registry_that_lies(tmp_path: Path, policy: str) -> None:
    delivery = lie(has_provenance=True)

    seen = journey(tmp_path, delivery, REGISTRY.anchor, BUILDER, policy=policy)

    assert (seen.reason, seen.document) == (
        Reason.EVIDENCE_FAILED,
        f"documents/files/{delivery.name}.sigstore.json",
    )
    registry = next(finding for finding in seen.evidence if finding.kind == "npm-signature")
    assert registry.result is Result.VERIFIED
    assert registry.proof is not None
    assert registry.proof.vouches is Vouches.REGISTRY


def test_both_signatures_together_are_counted_apart(tmp_path: Path) -> None:
    made = hand_on(REGISTRY, Behaviour.HONEST)
    evidence = {**made.evidence, **BUILD.evidence(NEW, made.content)}
    delivery = replace(made, evidence=evidence, keys={**REGISTRY.keys, **BUILD.keys})

    seen = journey(tmp_path, delivery, REGISTRY.anchor, BUILDER, policy=demand("publisher"))

    assert_accepted(seen, publisher=1, registry=1, recorded=[Result.VERIFIED, Result.VERIFIED])


def test_a_registry_that_lies_and_replaces_the_provenance_too_is_refused_where_the_publisher_is_pinned(
    tmp_path: Path,
) -> None:
    # the registry's own verified signature excuses no stranger in the publisher's place
    thief = BUILD.usurper
    made = lie(has_provenance=False)
    delivery = replace(made, evidence={**made.evidence, **thief.evidence(NEW, EVIL)}, keys={**made.keys, **thief.keys})
    anchors = (REGISTRY.anchor, BUILDER)

    for folder, policy in (("1", STANDARD), ("2", demand("publisher"))):
        assert journey(tmp_path / folder, delivery, *anchors, policy=policy).reason is Reason.EVIDENCE_UNTRUSTED
    unpinned = journey(tmp_path / "3", delivery, REGISTRY.anchor)
    assert_accepted(unpinned, registry=1, recorded=[Result.VERIFIED, Result.UNTRUSTED_KEY])
