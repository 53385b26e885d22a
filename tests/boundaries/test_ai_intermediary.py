"""An AI intermediary: an agent chooses, fetches and hands over what a build publishes; nobody can ask it why.

The publisher attests through Sigstore (SLSA provenance). The site's rule for what an agent chose asks for the publisher's
evidence and for the approval of a second exporter.
"""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from airgap.core.errors import FormatError
from airgap.core.reasons import Reason
from airgap.core.verdict import Result, Standing
from airgap.isolated.query import find, judge
from airgap.isolated.trace import trace
from tests.boundaries.actors import (
    NEW,
    STANDARD,
    WITH_APPROVAL,
    Behaviour,
    Seen,
    assert_accepted,
    assert_missed,
    assert_nothing_holds,
    assert_refused,
    hand_on,
    journey,
    seal_with_a_look,
    trust_of,
)
from tests.boundaries.producers import Delivery, Workflow, release
from tests.forge.keys import ALICE, BOB
from tests.forge.text import NOW

AGENT = "agent:dependency-bot"
BUILD = Workflow(style="provenance")
LOOKALIKE = Workflow(style="provenance", project="widgett", repository="mallory/widgett")
POLICIES = [STANDARD, WITH_APPROVAL]
CAUGHT = [
    (Behaviour.TAMPERS, Reason.EVIDENCE_FAILED),
    (Behaviour.RESIGNS, Reason.EVIDENCE_FAILED),
    (Behaviour.SUBSTITUTES, Reason.EVIDENCE_UNTRUSTED),
]


def chosen(behaviour: Behaviour) -> Delivery:
    return hand_on(BUILD, behaviour, custody=AGENT)


def brought(folder: Path, delivery: Delivery, policy: str, build: Workflow = BUILD, **sealing: Any) -> Seen:
    """What the site sees; two exporters signed, as the rule asks."""
    return journey(folder, delivery, build.anchor, policy=policy, **{"keys": [ALICE, BOB], **sealing})


@pytest.mark.parametrize("policy", POLICIES)
def test_what_an_honest_agent_chose_is_proven_by_its_publisher_and_not_by_the_agent(tmp_path: Path, policy: str) -> None:
    seen = brought(tmp_path, chosen(Behaviour.HONEST), policy)

    assert_accepted(seen, publisher=1, recorded=[Result.VERIFIED])
    (found,) = find(seen.store, BUILD.purl(NEW))
    hops = {hop.kind: hop for hop in trace(seen.store, found, judge(seen.store, found, NOW))}
    assert (hops["agent"].who, hops["agent"].proves) == ("dependency-bot", ())
    assert hops["agent"].proof == "the exporter's statement in the signed manifest"
    assert hops["producer"].proves == ("provenance", "integrity", "accountability")


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize(("behaviour", "reason"), CAUGHT)
def test_what_an_agent_changed_is_refused(tmp_path: Path, behaviour: Behaviour, reason: Reason, policy: str) -> None:
    delivery = chosen(behaviour)

    assert_refused(brought(tmp_path, delivery, policy), reason, delivery)


@pytest.mark.parametrize(("behaviour", "reason"), CAUGHT)
def test_what_an_agent_changed_is_refused_by_the_exporter_before_he_seals(
    tmp_path: Path, behaviour: Behaviour, reason: Reason
) -> None:
    with pytest.raises(FormatError) as caught:
        seal_with_a_look(tmp_path, chosen(behaviour), trust_of(BUILD.anchor))

    assert caught.value.reason is reason
    assert not (tmp_path / "x.airgap").exists()


def test_provenance_that_an_agent_left_out_is_only_recorded_by_the_standard_policy(tmp_path: Path) -> None:
    delivery = chosen(Behaviour.STRIPS)

    assert_accepted(brought(tmp_path / "1", delivery, STANDARD), recorded=[])
    demanding = brought(tmp_path / "2", delivery, WITH_APPROVAL)
    assert_missed(demanding, Reason.EVIDENCE_MISSING, delivery, demanded="publisher", got="none")


@pytest.mark.parametrize("policy", POLICIES)
def test_an_older_release_that_an_agent_brings_as_the_new_one_is_not_noticed_by_the_name_in_its_statement(
    tmp_path: Path, policy: str
) -> None:
    # a statement binds digests; the names in it are its author's business. But the identity that signed shows the tag.
    seen = brought(tmp_path, chosen(Behaviour.REPLAYS), policy)

    assert_accepted(seen, publisher=1, recorded=[Result.VERIFIED])
    assert "release.yml@refs/tags/v1.0'" in seen.evidence[0].identity


@pytest.mark.parametrize("policy", POLICIES)
def test_an_older_release_is_refused_where_the_anchor_pins_the_tag(tmp_path: Path, policy: str) -> None:
    pinned = replace(BUILD, ref="refs/tags/v2.0")
    delivery = chosen(Behaviour.REPLAYS)

    seen = brought(tmp_path / "1", delivery, policy, pinned)

    assert_refused(seen, Reason.EVIDENCE_FAILED, delivery)
    assert seen.fault is not None
    assert seen.fault.expected == "publisher: ref 'refs/tags/v2.0'"
    honest = brought(tmp_path / "2", chosen(Behaviour.HONEST), policy, pinned)
    assert_accepted(honest, publisher=1, recorded=[Result.VERIFIED])


def test_a_look_alike_that_somebody_else_signed_is_only_recorded_by_the_standard_policy(tmp_path: Path) -> None:
    delivery = replace(release(LOOKALIKE, NEW), custody=AGENT)

    assert_accepted(brought(tmp_path / "1", delivery, STANDARD), recorded=[Result.UNTRUSTED_KEY])
    demanding = brought(tmp_path / "2", delivery, WITH_APPROVAL)
    assert_missed(demanding, Reason.EVIDENCE_UNTRUSTED, delivery, demanded="publisher", got="untrusted-key")


def test_a_look_alike_that_nobody_signed_is_only_recorded_by_the_standard_policy(tmp_path: Path) -> None:
    delivery = replace(release(LOOKALIKE, NEW), custody=AGENT, evidence={}, keys={})

    assert_accepted(brought(tmp_path / "1", delivery, STANDARD), recorded=[])
    demanding = brought(tmp_path / "2", delivery, WITH_APPROVAL)
    assert_missed(demanding, Reason.EVIDENCE_MISSING, delivery, demanded="publisher", got="none")


def test_a_look_alike_does_not_pass_with_the_provenance_of_what_it_looks_like(tmp_path: Path) -> None:
    # an anchor for pkg:pypi/widget@* says nothing about pkg:pypi/widgett@2.0, whatever was signed
    made = release(BUILD, NEW)
    delivery = replace(made, name=LOOKALIKE.name(NEW), purl=LOOKALIKE.purl(NEW), custody=AGENT)

    demanding = brought(tmp_path, delivery, WITH_APPROVAL)

    assert_missed(demanding, Reason.EVIDENCE_UNTRUSTED, delivery, demanded="publisher", got="untrusted-key")


def test_what_an_agent_chose_needs_a_second_person_however_well_it_is_signed(tmp_path: Path) -> None:
    alone = brought(tmp_path / "1", chosen(Behaviour.HONEST), WITH_APPROVAL, keys=[ALICE])
    person = brought(tmp_path / "2", hand_on(BUILD, Behaviour.HONEST), WITH_APPROVAL, keys=[ALICE])

    assert alone.fault is not None
    assert (alone.reason, alone.fault.subject) == (Reason.APPROVALS_MISSING, BUILD.purl(NEW))
    assert (alone.fault.expected, alone.fault.got) == ("1 approvals", "0")
    assert_nothing_holds(alone)
    assert_accepted(person, publisher=1, recorded=[Result.VERIFIED])


def test_an_agent_that_the_exporter_does_not_name_is_judged_like_a_person(tmp_path: Path) -> None:
    # custody is the exporter's word: nothing in an artifact shows who chose it
    unsaid = replace(chosen(Behaviour.STRIPS), custody="")

    assert brought(tmp_path, unsaid, WITH_APPROVAL, keys=[ALICE]).verdict.standing is Standing.ACCEPTED
