"""Peer to peer: a producer signs with a key of his own, and a peer hands the file on."""

import os
from dataclasses import replace
from pathlib import Path

import pytest

from airgap.core.errors import FormatError
from airgap.core.reasons import Reason
from airgap.core.verdict import Result
from tests.boundaries.actors import (
    NEW,
    OLD,
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
from tests.boundaries.producers import KeyHolder, Minisigner, Producer, release
from tests.forge.keys import key
from tests.forge.producers import minisig

BARE, NAMED = KeyHolder(), Minisigner()
POLICIES = [STANDARD, demand("publisher")]
CAUGHT = [
    (BARE, Behaviour.TAMPERS, Reason.EVIDENCE_FAILED),
    (BARE, Behaviour.RESIGNS, Reason.EVIDENCE_FAILED),  # a bare signature names no key: it is held to those at hand
    (BARE, Behaviour.SUBSTITUTES, Reason.EVIDENCE_UNTRUSTED),
    (NAMED, Behaviour.TAMPERS, Reason.EVIDENCE_FAILED),
    (NAMED, Behaviour.RESIGNS, Reason.EVIDENCE_UNTRUSTED),
    (NAMED, Behaviour.SUBSTITUTES, Reason.EVIDENCE_UNTRUSTED),
    (NAMED, Behaviour.REPLAYS, Reason.EVIDENCE_FAILED),
]
IDS = [f"{type(producer).__name__}-{behaviour.name}" for producer, behaviour, _ in CAUGHT]


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("producer", [BARE, NAMED])
def test_what_an_honest_peer_hands_on_is_proven_by_its_producer(tmp_path: Path, producer: Producer, policy: str) -> None:
    delivery = hand_on(producer, Behaviour.HONEST)

    seen = journey(tmp_path, delivery, producer.anchor, policy=policy)

    assert_accepted(seen, publisher=1, recorded=[Result.VERIFIED])


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize(("producer", "behaviour", "reason"), CAUGHT, ids=IDS)
def test_what_a_peer_changed_is_refused_by_the_site(
    tmp_path: Path, producer: Producer, behaviour: Behaviour, reason: Reason, policy: str
) -> None:
    delivery = hand_on(producer, behaviour)

    assert_refused(journey(tmp_path, delivery, producer.anchor, policy=policy), reason, delivery)


@pytest.mark.parametrize(("producer", "behaviour", "reason"), CAUGHT, ids=IDS)
def test_what_a_peer_changed_is_refused_by_an_exporter_who_knows_the_anchors_before_he_seals(
    tmp_path: Path, producer: Producer, behaviour: Behaviour, reason: Reason
) -> None:
    with pytest.raises(FormatError) as caught:
        seal_with_a_look(tmp_path, hand_on(producer, behaviour), trust_of(producer.anchor))

    assert caught.value.reason is reason
    assert os.listdir(tmp_path) == ["got"]


@pytest.mark.parametrize("producer", [BARE, NAMED])
def test_a_signature_that_a_peer_left_out_is_only_recorded_by_the_standard_policy(
    tmp_path: Path, producer: Producer
) -> None:
    delivery = hand_on(producer, Behaviour.STRIPS)

    assert_accepted(journey(tmp_path / "1", delivery, producer.anchor), publisher=0, recorded=[])
    demanding = journey(tmp_path / "2", delivery, producer.anchor, policy=demand("publisher"))
    assert_missed(demanding, Reason.EVIDENCE_MISSING, delivery, demanded="publisher", got="none")


def test_a_signature_of_a_kind_that_nobody_expects_is_only_recorded_by_the_standard_policy(tmp_path: Path) -> None:
    # as good as none: whoever may leave the signature out may also put something else in its place
    made = hand_on(BARE, Behaviour.STRIPS)
    delivery = replace(made, evidence={".minisig": minisig(made.content, by=key("eve"))})

    assert_accepted(journey(tmp_path / "1", delivery, BARE.anchor), recorded=[Result.UNTRUSTED_KEY])
    demanding = journey(tmp_path / "2", delivery, BARE.anchor, policy=demand("publisher"))
    assert_missed(demanding, Reason.EVIDENCE_UNTRUSTED, delivery, demanded="publisher", got="untrusted-key")


@pytest.mark.parametrize("producer", [BARE, Minisigner(is_named=False)])
def test_an_older_release_under_a_new_name_is_not_noticed_when_its_signature_names_no_file(
    tmp_path: Path, producer: Producer
) -> None:
    # only the exporter's word, and the sequence of his bundles, stand between a site and this
    delivery = hand_on(producer, Behaviour.REPLAYS)

    for number, policy in enumerate(POLICIES):
        seen = journey(tmp_path / f"{number}", delivery, producer.anchor, policy=policy)
        assert_accepted(seen, publisher=1, recorded=[Result.VERIFIED])
    assert seal_with_a_look(tmp_path, delivery, trust_of(producer.anchor)).statement.sequence == 1


@pytest.mark.parametrize("producer", [BARE, NAMED])
@pytest.mark.parametrize("behaviour", [Behaviour.SUBSTITUTES, Behaviour.HONEST])
def test_a_site_that_pins_nobody_takes_a_substituted_key_for_as_good_as_the_true_one(
    tmp_path: Path, producer: Producer, behaviour: Behaviour
) -> None:
    delivery = hand_on(producer, behaviour)

    assert_accepted(journey(tmp_path / "1", delivery), recorded=[Result.UNTRUSTED_KEY])
    demanding = journey(tmp_path / "2", delivery, policy=demand("publisher"))
    assert_missed(demanding, Reason.EVIDENCE_UNTRUSTED, delivery, demanded="publisher", got="untrusted-key")


@pytest.mark.parametrize("policy", POLICIES)
def test_an_older_release_and_its_good_signature_beside_it_do_not_excuse_a_substituted_key(
    tmp_path: Path, policy: str
) -> None:
    made, old = hand_on(BARE, Behaviour.SUBSTITUTES), release(BARE, OLD)
    decoy = {".att": old.content, ".att.sig": old.evidence[".sig"]}

    seen = journey(tmp_path, replace(made, evidence={**made.evidence, **decoy}), BARE.anchor, policy=policy)

    assert (seen.reason, seen.document) == (Reason.EVIDENCE_UNTRUSTED, f"documents/files/{BARE.name(NEW)}.sig")
