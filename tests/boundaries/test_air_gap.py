"""The air gap: who holds the medium can do anything to a sealed bundle, who holds an exporter's key can seal anything.

The producer signs with a key of his own, and the exporter seals what he got, evidence and all.
"""

import os
from pathlib import Path

import pytest

from airgap.core.reasons import Reason
from airgap.core.statement import Container
from airgap.core.verdict import Result, Standing
from airgap.isolated.query import find, judge
from airgap.isolated.trace import trace
from tests.boundaries.actors import (
    STANDARD,
    Behaviour,
    arrive,
    assert_accepted,
    assert_missed,
    assert_nothing_holds,
    assert_refused,
    demand,
    hand_on,
    journey,
    site,
)
from tests.boundaries.medium import EVIL_AND_BARE, HONEST, NAME, PRODUCER, flip, on_the_medium, sealed, two_bundles
from tests.evidence.plain import with_high_s
from tests.forge.keys import ALICE, BOB
from tests.forge.site import make_store, refused
from tests.forge.text import NOW
from tests.forge.trust import document, trust_file

POLICIES = [STANDARD, demand("publisher")]
ARTIFACT = f"artifacts/files/{NAME}"
CAUGHT = [
    (Behaviour.TAMPERS, Reason.CONTENT_MISMATCH, ARTIFACT),
    (Behaviour.STRIPS, Reason.UNREADABLE, f"documents/files/{NAME}.sig"),
    (Behaviour.RESIGNS, Reason.UNKNOWN_SIGNER, "envelope"),
    (Behaviour.SUBSTITUTES, Reason.THRESHOLD, "trust document, version 1"),
    (Behaviour.REPLAYS, Reason.ROLLBACK, "sequence"),
]
each_policy = pytest.mark.parametrize("policy", POLICIES)


@each_policy
def test_what_an_honest_carrier_brings_is_proven_by_producer_and_exporter(tmp_path: Path, policy: str) -> None:
    seen = on_the_medium(tmp_path, Behaviour.HONEST, policy)

    assert_accepted(seen, publisher=1, recorded=[Result.VERIFIED])
    assert seen.guarantees["integrity"]["media"] == "holds"


@each_policy
@pytest.mark.parametrize(("behaviour", "reason", "subject"), CAUGHT)
def test_nothing_that_is_done_to_a_sealed_bundle_gets_past_the_site(
    tmp_path: Path, behaviour: Behaviour, reason: Reason, subject: str, policy: str
) -> None:
    seen = on_the_medium(tmp_path, behaviour, policy)

    assert seen.fault is not None
    assert (seen.verdict.standing, seen.reason, seen.fault.subject) == (Standing.REJECTED, reason, subject)
    assert_nothing_holds(seen)
    assert seen.guarantees["integrity"]["media"] == "does not hold"


def test_a_byte_that_was_changed_in_an_archive_is_refused_before_anything_is_unpacked(tmp_path: Path) -> None:
    store, path = site(tmp_path, PRODUCER.anchor), sealed(tmp_path)
    flip(path, -10)

    seen = arrive(store, path)

    assert seen.reason is Reason.FRAME_DAMAGED
    assert_nothing_holds(seen)


def test_evidence_that_was_replaced_on_the_medium_is_refused_although_it_would_hold(tmp_path: Path) -> None:
    # the twin of an ECDSA signature is as good as the first; but it is not what the exporter signed
    store, path = site(tmp_path, PRODUCER.anchor), sealed(tmp_path, Container.DIRECTORY)
    again = with_high_s(HONEST.evidence[".sig"])
    Path(f"{path}/documents/files/{NAME}.sig").write_bytes(again)

    seen = arrive(store, path)

    assert seen.fault is not None
    assert seen.fault.subject == f"documents/files/{NAME}.sig"
    assert seen.reason in {Reason.CONTENT_MISMATCH, Reason.WRONG_SIZE}  # a twin is as long, or a byte longer or shorter


def test_an_older_bundle_is_not_noticed_by_a_site_that_never_saw_a_newer_one(tmp_path: Path) -> None:
    # until it expires: who keeps the newer sticks away keeps the site where it is
    old, _ = two_bundles(tmp_path)

    assert_accepted(arrive(site(tmp_path, PRODUCER.anchor), *old.paths), publisher=1, recorded=[Result.VERIFIED])


@each_policy
@pytest.mark.parametrize(
    ("behaviour", "reason"),
    [
        (Behaviour.TAMPERS, Reason.EVIDENCE_FAILED),
        (Behaviour.RESIGNS, Reason.EVIDENCE_FAILED),
        (Behaviour.SUBSTITUTES, Reason.EVIDENCE_UNTRUSTED),
    ],
)
def test_an_exporter_who_changes_what_a_producer_signed_is_refused_although_his_own_signature_holds(
    tmp_path: Path, behaviour: Behaviour, reason: Reason, policy: str
) -> None:
    delivery = hand_on(PRODUCER, behaviour)

    assert_refused(journey(tmp_path, delivery, PRODUCER.anchor, policy=policy, keys=[ALICE, BOB]), reason, delivery)


def test_an_exporter_who_leaves_the_evidence_out_is_believed_by_the_standard_policy_and_his_name_stays_on_it(
    tmp_path: Path,
) -> None:
    seen = journey(tmp_path / "1", EVIL_AND_BARE, PRODUCER.anchor)

    assert_accepted(seen, recorded=[])
    (found,) = find(seen.store, EVIL_AND_BARE.purl)
    hops = {hop.kind: hop for hop in trace(seen.store, found, judge(seen.store, found, NOW))}
    assert hops["producer"].proof == "nothing: evidence absent"
    assert (hops["exporter"].who, hops["exporter"].proves) == ("alice", ("provenance", "integrity", "accountability"))
    demanding = journey(tmp_path / "2", EVIL_AND_BARE, PRODUCER.anchor, policy=demand("publisher"))
    assert_missed(demanding, Reason.EVIDENCE_MISSING, EVIL_AND_BARE, demanded="publisher", got="none")


def test_one_of_two_exporters_alone_seals_nothing_that_a_site_takes(tmp_path: Path) -> None:
    channel = {"signers": ["alice", "bob"], "threshold": 2, "artifacts": ["pkg:*"], "destinations": []}
    trust = trust_file(document(anchors=[PRODUCER.anchor], channels={"main": channel}))

    found = refused(make_store(tmp_path / "store", trust=trust), sealed(tmp_path))

    assert (found.reason, found.got) == (Reason.THRESHOLD, "alice")
    assert sorted(os.listdir(tmp_path)) == ["genuine", "got-genuine", "store"]
