"""Mirrors, proxies, re-hosts and CDNs: all of them hand on what a publisher attested to elsewhere, and sign nothing."""

import os
from dataclasses import replace
from pathlib import Path

import pytest

from airgap.core.entries import Loss
from airgap.core.errors import FormatError
from airgap.core.reasons import Reason
from airgap.core.verdict import Result
from airgap.isolated.query import find, judge
from airgap.isolated.trace import trace
from tests.boundaries.actors import (
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
from tests.boundaries.producers import Workflow
from tests.forge.text import NOW

PUBLISHER = Workflow()
HOPS = {"mirror": "mirror:cache-1", "proxy": "proxy:corp", "re-host": "re-host:vendored", "cdn": "mirror:cdn-edge"}
CAUGHT = [
    (Behaviour.TAMPERS, Reason.EVIDENCE_FAILED),
    (Behaviour.RESIGNS, Reason.EVIDENCE_FAILED),  # an identity of the same Sigstore, but not the publisher's
    (Behaviour.SUBSTITUTES, Reason.EVIDENCE_UNTRUSTED),
    (Behaviour.REPLAYS, Reason.EVIDENCE_FAILED),
]
BROKEN_FOR_EVERYBODY = {Behaviour.TAMPERS, Behaviour.REPLAYS}
POLICIES = [STANDARD, demand("publisher")]
each_hop = pytest.mark.parametrize("hop", HOPS.values(), ids=HOPS)
each_lie = pytest.mark.parametrize(("behaviour", "reason"), CAUGHT)


@each_hop
@pytest.mark.parametrize("policy", POLICIES)
def test_what_came_through_an_honest_hop_is_proven_by_its_publisher_and_not_by_the_hop(
    tmp_path: Path, hop: str, policy: str
) -> None:
    delivery = hand_on(PUBLISHER, Behaviour.HONEST, custody=hop)

    seen = journey(tmp_path, delivery, PUBLISHER.anchor, policy=policy)

    assert_accepted(seen, publisher=1, recorded=[Result.VERIFIED])
    (found,) = find(seen.store, delivery.purl)
    kind, _, name = hop.partition(":")
    hops = {step.kind: step for step in trace(seen.store, found, judge(seen.store, found, NOW))}
    assert (hops[kind].who, hops[kind].proves) == (name, ())
    assert hops["producer"].proves == ("provenance", "integrity", "accountability")


@each_hop
@each_lie
@pytest.mark.parametrize("policy", POLICIES)
def test_what_a_hop_changed_is_refused_by_the_site_when_the_exporter_did_not_look(
    tmp_path: Path, hop: str, behaviour: Behaviour, reason: Reason, policy: str
) -> None:
    delivery = hand_on(PUBLISHER, behaviour, custody=hop)

    assert_refused(journey(tmp_path, delivery, PUBLISHER.anchor, policy=policy), reason, delivery)


@each_hop
@each_lie
def test_what_a_hop_changed_is_refused_by_an_exporter_who_knows_the_anchors_before_he_seals(
    tmp_path: Path, hop: str, behaviour: Behaviour, reason: Reason
) -> None:
    with pytest.raises(FormatError) as caught:
        seal_with_a_look(tmp_path, hand_on(PUBLISHER, behaviour, custody=hop), trust_of(PUBLISHER.anchor))

    assert caught.value.reason is reason
    assert os.listdir(tmp_path) == ["got"]


@each_lie
def test_an_exporter_without_anchors_refuses_only_what_is_broken_whoever_signed_it(
    tmp_path: Path, behaviour: Behaviour, reason: Reason
) -> None:
    delivery = hand_on(PUBLISHER, behaviour)

    if behaviour in BROKEN_FOR_EVERYBODY:
        with pytest.raises(FormatError) as caught:
            seal_with_a_look(tmp_path, delivery, None)
        assert caught.value.reason is reason
    else:
        (finding,) = seal_with_a_look(tmp_path, delivery, None).findings
        assert (finding.result, finding.reason) == (Result.UNTRUSTED_KEY, None)


@each_hop
def test_an_attestation_that_a_hop_left_out_is_only_recorded_by_the_standard_policy(tmp_path: Path, hop: str) -> None:
    delivery = hand_on(PUBLISHER, Behaviour.STRIPS, custody=hop)

    seen = journey(tmp_path / "1", delivery, PUBLISHER.anchor)
    assert_accepted(seen, recorded=[])
    assert seen.losses == []
    demanding = journey(tmp_path / "2", delivery, PUBLISHER.anchor, policy=demand("publisher"))
    assert_missed(demanding, Reason.EVIDENCE_MISSING, delivery, demanded="publisher", got="none")


@each_hop
def test_an_exporter_who_knows_that_a_hop_withholds_attestations_says_so_and_the_site_repeats_it(
    tmp_path: Path, hop: str
) -> None:
    stripped = hand_on(PUBLISHER, Behaviour.STRIPS, custody=hop)
    delivery = replace(stripped, without_evidence="withheld-by-mirror")

    seen = journey(tmp_path / "1", delivery, PUBLISHER.anchor)
    assert_accepted(seen, recorded=[])
    assert seen.losses == [Loss(delivery.purl, "withheld-by-mirror", "said by the request")]
    demanding = journey(tmp_path / "2", delivery, PUBLISHER.anchor, policy=demand("publisher"))
    assert_missed(demanding, Reason.EVIDENCE_WITHHELD, delivery, demanded="publisher", got="withheld-by-mirror")


@each_lie
def test_where_nobody_is_pinned_a_hop_is_caught_by_what_contradicts_itself_only(
    tmp_path: Path, behaviour: Behaviour, reason: Reason
) -> None:
    delivery = hand_on(PUBLISHER, behaviour)

    seen = journey(tmp_path, delivery)

    if behaviour in BROKEN_FOR_EVERYBODY:
        assert_refused(seen, reason, delivery)
    else:
        assert_accepted(seen, recorded=[Result.UNTRUSTED_KEY])


def test_an_older_attestation_is_told_by_the_file_name_that_it_attests_to(tmp_path: Path) -> None:
    seen = journey(tmp_path, hand_on(PUBLISHER, Behaviour.REPLAYS), PUBLISHER.anchor)

    assert seen.fault is not None
    assert seen.fault.expected == "a subject named 'widget-2.0-py3-none-any.whl'"
    assert seen.fault.got == "'widget-1.0-py3-none-any.whl'"
