"""Threats 1g: old, future, foreign and mixed bundles; trust documents that do not follow."""

# ruff: noqa: N802 -- the number of the threat is part of a test's name

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from airgap.core.errors import TrustStop
from airgap.core.policy import PRESETS
from airgap.core.reasons import Reason
from airgap.core.verdict import Result, Standing
from airgap.isolated.intake import Order, update_trust
from airgap.isolated.store.store import Store
from tests.attacks.conftest import Refuse
from tests.forge.build import Bundle, bundle
from tests.forge.edit import drop, put
from tests.forge.keys import ALICE, BOB, MALLORY, ROOT
from tests.forge.site import fault, look_at, make_store, refused, take, tree
from tests.forge.text import CREATED, EXPIRES, NOW, stamp
from tests.forge.trust import document, revoked, trust_envelope, trust_file

LAB = PRESETS["lab"]


def numbered(sequence: int, after: Bundle | None = None, **more: Any) -> Bundle:
    """The bundle with a number, after another one."""
    previous = after.digest if after else None if sequence == 1 else "0" * 64
    return bundle(
        {"artifacts/files/n": str(sequence).encode()},
        documents={},
        predicate={"sequence": sequence, "previous": previous, **more},
    )


FIRST = numbered(1)
SECOND = numbered(2, FIRST)
THIRD = numbered(3, SECOND)
OTHER_SECOND = bundle(predicate={"sequence": 2, "previous": FIRST.digest})


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """A store that holds the first and the second bundle."""
    made = make_store(tmp_path / "store")
    for number, each in enumerate((FIRST, SECOND)):
        assert take(made, each.write(tmp_path / f"{number}")).verdict.standing is Standing.ACCEPTED
    return made


@pytest.fixture
def stick(tmp_path: Path) -> str:
    return str(tmp_path / "stick")


def test_T150_an_older_bundle_is_refused(store: Store, stick: str) -> None:
    found = refused(store, FIRST.write(stick))

    assert (found.reason, found.subject, found.expected, found.got) == (Reason.ROLLBACK, "sequence", "3", "1")


def test_T150_a_gap_that_is_allowed_allows_no_older_bundle(store: Store, stick: str) -> None:
    assert refused(store, FIRST.write(stick), allow_gap="lost a disk").reason is Reason.ROLLBACK


@pytest.mark.parametrize("at", [EXPIRES, EXPIRES + timedelta(days=1)])
def test_T151_an_expired_bundle_is_refused(tmp_path: Path, at: datetime) -> None:
    store = make_store(tmp_path / "store", policy=LAB)
    found = refused(store, FIRST.write(tmp_path / "x"), at=at)

    assert (found.reason, found.got) == (Reason.EXPIRED, f"one expired {stamp(EXPIRES)}")


def test_T151_a_bundle_is_in_force_until_it_expires(tmp_path: Path) -> None:
    verdict = look_at(FIRST.write(tmp_path / "x"), at=EXPIRES - timedelta(seconds=1)).verdict

    assert verdict.standing is Standing.ACCEPTED


def test_T151_an_expired_trust_document_is_refused(tmp_path: Path) -> None:
    value = document(expires=stamp(NOW))
    found = fault(look_at(FIRST.write(tmp_path / "x"), trust=trust_file(value)).verdict)

    assert (found.reason, found.check) == (Reason.TRUST_EXPIRED, "trust")


def test_T151_a_bundle_older_than_the_policy_wants_is_refused(tmp_path: Path) -> None:
    policy = PRESETS["standard"] + '[freshness]\nmax_age = "3 days"\n'
    found = fault(look_at(FIRST.write(tmp_path / "x"), policy=policy).verdict)
    young = look_at(str(tmp_path / "x"), policy=policy, at=CREATED + timedelta(days=3))

    assert (found.reason, found.expected) == (Reason.TOO_OLD, "one made within 3 days")
    assert young.verdict.standing is Standing.ACCEPTED


@pytest.mark.parametrize("part", [0, 1, 2])
def test_T152_a_part_of_another_bundle_is_refused(refuse: Refuse, part: int) -> None:
    other = bundle(
        {"artifacts/files/a.txt": b"omega\n" * 20},
        updates=[trust_envelope(keys=[MALLORY]), trust_envelope(document(2), [MALLORY])],
        predicate={"tool": "forge 2"},
    )
    made = bundle(
        on_areas=lambda areas: (*areas[:part], other.areas[part], *areas[part + 1 :]),  # type: ignore[arg-type,return-value]
    )
    reasons = {0: Reason.UNKNOWN_SIGNER, 1: Reason.MANIFEST_MISMATCH, 2: Reason.MANIFEST_MISMATCH}

    assert refuse(made).reason in {reasons[part], Reason.WRONG_SIZE, Reason.TRUST_UPDATE, Reason.THRESHOLD}


def test_T152_the_payload_of_another_bundle_is_refused(refuse: Refuse) -> None:
    other = bundle({"artifacts/files/a.txt": b"alphA\n" * 20, "artifacts/files/dir/b.bin": bytes(range(256)) * 3})
    found = refuse(bundle(on_payload=lambda raw: other.raw[-len(raw) :]))

    assert found.reason is Reason.FRAME_DAMAGED


@pytest.mark.parametrize("sequence", [1003, 2**53 - 1])
def test_T153_a_sequence_far_ahead_is_refused_even_when_a_gap_is_allowed(store: Store, stick: str, sequence: int) -> None:
    found = refused(store, numbered(sequence).write(stick), allow_gap="lost a disk")

    assert (found.reason, found.expected) == (Reason.FAST_FORWARD, "at most 1002")


@pytest.mark.parametrize("sequence", [2**53, 2**63 - 1, 2**64, 0, -1])
def test_T153_a_sequence_that_is_none_is_refused(refuse: Refuse, sequence: int) -> None:
    assert refuse(numbered(sequence)).reason is Reason.MALFORMED


@pytest.mark.parametrize(("sequence", "previous"), [(1, "0" * 64), (2, None)])
def test_T153_a_first_bundle_with_a_predecessor_or_a_later_one_without_is_refused(
    refuse: Refuse, sequence: int, previous: str | None
) -> None:
    found = refuse(bundle(predicate={"sequence": sequence, "previous": previous}))

    assert (found.reason, found.expected) == (Reason.MALFORMED, "a previous manifest from sequence 2 on")


@pytest.mark.parametrize("more", [b"\0", b"x" * 512, b"endless " * 100_000])
def test_T154_more_bytes_than_were_signed_are_refused_before_any_is_decompressed(refuse: Refuse, more: bytes) -> None:
    found = refuse(bundle(on_payload=lambda raw: raw + more))

    assert (found.reason, found.check) == (Reason.WRONG_SIZE, "manifest")


def test_T155_a_bundle_for_another_site_is_refused(refuse: Refuse) -> None:
    found = refuse(bundle(predicate={"destination": "plant-8"}))

    assert (found.reason, found.expected, found.got) == (Reason.WRONG_DESTINATION, "plant-8", "site plant-7")


def test_T155_a_channel_for_another_site_is_refused(tmp_path: Path) -> None:
    value = put("channels", "main", "destinations", to=["plant-8"])(document())
    store = make_store(tmp_path / "store", trust=trust_file(value))
    found = refused(store, bundle().write(tmp_path / "x"))

    assert (found.reason, found.expected, found.got) == (Reason.WRONG_DESTINATION, "plant-8", "site plant-7")


def test_T155_a_destination_that_the_channel_does_not_serve_is_refused_without_a_store(tmp_path: Path) -> None:
    value = put("channels", "main", "destinations", to=["plant-8"])(document())
    made = bundle(predicate={"destination": "plant-7"})
    found = fault(look_at(made.write(tmp_path / "x"), trust=trust_file(value)).verdict)

    assert (found.reason, found.expected, found.got) == (Reason.WRONG_DESTINATION, "one of plant-8", "plant-7")


def test_T155_a_bundle_for_this_site_is_accepted(tmp_path: Path) -> None:
    value = put("channels", "main", "destinations", to=["plant-7", "plant-8"])(document())
    store = make_store(tmp_path / "store", trust=trust_file(value))
    outcome = take(store, bundle(predicate={"destination": "plant-7"}).write(tmp_path / "x"))

    assert outcome.verdict.standing is Standing.ACCEPTED


def test_T155_a_channel_that_nobody_knows_is_refused(refuse: Refuse) -> None:
    found = refuse(bundle(predicate={"channel": "other"}))

    assert (found.reason, found.expected, found.got) == (Reason.WRONG_CHANNEL, "one of main", "other")


def test_T156_an_artifact_that_the_channel_may_not_carry_refuses_all_of_it(refuse: Refuse) -> None:
    found = refuse(bundle(on_manifest=put("artifacts", 1, "purl", to="pkg:npm/left-pad@1.0.0")))

    assert (found.reason, found.subject) == (Reason.OUT_OF_SCOPE, "pkg:npm/left-pad@1.0.0")


def test_T157_a_gap_is_refused_and_may_be_allowed_with_a_reason(tmp_path: Path, stick: str) -> None:
    store = make_store(tmp_path / "store")
    found = refused(store, THIRD.write(stick))
    outcome = take(store, stick, allow_gap="lost a disk")

    assert (found.reason, found.expected, found.got) == (Reason.GAP, "1", "3")
    assert outcome.verdict.standing is Standing.ACCEPTED


@pytest.mark.parametrize("made", [OTHER_SECOND, numbered(3, FIRST)])
def test_T157_another_history_is_refused(store: Store, stick: str, made: Bundle) -> None:
    assert refused(store, made.write(stick)).reason is Reason.FORK


def test_T158_a_refused_trust_update_leaves_nothing_that_blocks_a_good_one(tmp_path: Path) -> None:
    store = make_store(tmp_path / "store")
    good = document(2, expires=stamp(NOW + timedelta(days=800)))
    bad = trust_envelope(good, keys=[MALLORY])
    found = refused(store, bundle(updates=[bad]).write(tmp_path / "x"))
    outcome = take(store, bundle(updates=[trust_envelope(good)]).write(tmp_path / "y"))

    assert (found.reason, found.check) == (Reason.UNKNOWN_SIGNER, "trust")
    assert outcome.verdict.standing is Standing.ACCEPTED
    assert store.state().trust == 2


def test_T158_a_good_update_in_a_refused_bundle_changes_nothing(tmp_path: Path) -> None:
    store = make_store(tmp_path / "store")
    made = bundle(updates=[trust_envelope(document(2))], predicate={"destination": "plant-8"})
    found = refused(store, made.write(tmp_path / "x"))

    assert found.reason is Reason.WRONG_DESTINATION
    assert store.state().trust == 1


NEXT = document(2, {"root": [BOB], "alice": [ALICE]}, channels={**document()["channels"]})
NEXT = put("channels", "main", "signers", to=["alice"])(NEXT)
"""A version 2 whose root has another key."""


@pytest.mark.parametrize(
    ("update", "reason"),
    [
        (trust_envelope(document(3)), Reason.TRUST_UPDATE),  # a version is skipped (T159)
        (trust_envelope(NEXT, [ROOT]), Reason.THRESHOLD),  # the new threshold is missing
        (trust_envelope(NEXT, [BOB]), Reason.THRESHOLD),  # the old threshold is missing
        (trust_envelope(document(2, issued=stamp(CREATED - timedelta(days=30)))), Reason.TRUST_UPDATE),
        (trust_envelope(document(2), edit=drop("signatures", 0)), Reason.UNSIGNED),
        (trust_envelope(document(2), edit=put("payloadType", to="text/plain")), Reason.TRUST_UPDATE),
        (trust_envelope(document(2), edit=put("signatures", 0, "sig", to="AAAA")), Reason.BAD_SIGNATURE),
        (trust_envelope(put("roles", "trust", "threshold", to=0)(document(2))), Reason.MALFORMED),
    ],
)
def test_T159_T160_a_trust_update_that_does_not_follow_is_refused(refuse: Refuse, update: Any, reason: Reason) -> None:
    found = refuse(bundle(updates=[update]))

    assert (found.reason, found.check) == (reason, "trust")


def test_T159_an_update_by_the_thresholds_of_both_versions_is_accepted_and_counts_at_once(tmp_path: Path) -> None:
    store = make_store(tmp_path / "store")
    update = trust_envelope(NEXT, [ROOT, BOB])
    revoking = trust_envelope(put("version", to=3)(put("revoked", to=revoked(keys=ALICE.public.key_id))(NEXT)), [BOB])
    found = refused(store, bundle(updates=[update, revoking]).write(tmp_path / "x"))
    outcome = take(store, bundle(updates=[update]).write(tmp_path / "y"))

    assert found.reason is Reason.REVOKED_KEY
    assert outcome.verdict.standing is Standing.ACCEPTED


def test_T159_updates_that_are_known_already_are_passed_over(tmp_path: Path) -> None:
    store = make_store(tmp_path / "store")
    updates = [trust_envelope(), trust_envelope(document(2)), trust_envelope(document(3))]
    outcome = take(store, bundle(updates=updates).write(tmp_path / "x"))

    assert outcome.verdict.standing is Standing.ACCEPTED
    assert store.state().trust == 3


@pytest.mark.parametrize(
    "updates", [[trust_envelope(document(3)), trust_envelope(document(2))], [trust_envelope(document(2))] * 2]
)
def test_T159_updates_in_another_order_or_twice_are_refused(refuse: Refuse, updates: list[Any]) -> None:
    assert refuse(bundle(updates=updates)).reason is Reason.TRUST_UPDATE


@pytest.mark.parametrize("raw", [trust_file(document(3)), trust_file(document(2), [MALLORY]), trust_file(NEXT, [ROOT])])
def test_T159_T160_an_update_that_comes_as_a_file_is_checked_like_one_in_a_bundle(tmp_path: Path, raw: bytes) -> None:
    store = make_store(tmp_path / "store")
    before = tree(store.layout.root, leave_out=())
    with pytest.raises(TrustStop):
        update_trust(store, raw, Order(at=NOW, run_id="run", version="1"))

    assert tree(store.layout.root, leave_out=()) == before


def test_T161_a_clock_that_was_set_back_is_noticed(store: Store, stick: str) -> None:
    found = refused(store, THIRD.write(stick), at=NOW - timedelta(days=1, seconds=1))

    assert (found.reason, found.got) == (Reason.CLOCK_BEHIND, stamp(NOW - timedelta(days=1, seconds=1)))


def test_T161_a_clock_behind_the_bundles_own_time_is_noticed_without_a_store(tmp_path: Path) -> None:
    made = FIRST.write(tmp_path / "x")
    found = fault(look_at(made, at=CREATED - timedelta(days=1, seconds=1)).verdict)

    assert found.reason is Reason.CLOCK_BEHIND
    assert look_at(made, at=CREATED - timedelta(days=1)).verdict.standing is Standing.ACCEPTED


def test_T162_a_clock_far_ahead_is_noticed(tmp_path: Path, stick: str) -> None:
    value = document(expires="2999-01-01T00:00:00Z")
    store = make_store(tmp_path / "store", trust=trust_file(value))
    made = bundle(predicate={"expires": "2999-01-01T00:00:00Z"})
    found = refused(store, made.write(stick), at=NOW + timedelta(days=731))

    assert (found.reason, found.subject) == (Reason.CLOCK_AHEAD, "clock")


def test_T163_a_clock_at_1970_is_noticed(store: Store, stick: str) -> None:
    assert refused(store, THIRD.write(stick), at=datetime(1970, 1, 1, tzinfo=UTC)).reason is Reason.CLOCK_BEHIND


@pytest.mark.parametrize("created", ["1969-12-31T23:59:59Z", "1900-01-01T00:00:00Z", "0001-01-01T00:00:00Z"])
def test_T163_a_bundle_of_a_time_that_tar_cannot_say_is_refused(refuse: Refuse, created: str) -> None:
    found = refuse(bundle(predicate={"created": created}))

    assert (found.reason, found.expected) == (Reason.MALFORMED, "a time of creation between 1970 and 2242")


@pytest.mark.parametrize("time", ["2026-02-30T00:00:00Z", "2026-11-20T24:00:00Z", "2026-11-20T00:00:00+00:00", "now"])
@pytest.mark.parametrize("member", ["created", "expires"])
def test_T163_a_time_that_is_none_is_refused(refuse: Refuse, member: str, time: str) -> None:
    assert refuse(bundle(predicate={member: time})).reason is Reason.MALFORMED


def test_a_delta_whose_base_is_not_here_is_refused(refuse: Refuse, tmp_path: Path) -> None:
    def leave_out(m: Any) -> Any:
        left_out = {**m["artifacts"][0], "path": "artifacts/files/z", "stored": False}
        return put("artifacts", len(m["artifacts"]), to=left_out)(m)

    base = {"receipt": "0" * 64, "sequence": 1}
    made = bundle(predicate={"base": base}, on_manifest=leave_out, documents={})
    content = {"artifacts/files/z": made.entries["artifacts/files/a.txt"]}
    found = refuse(bundle(predicate={"base": base}, on_manifest=leave_out, documents={}))
    whole = refuse(bundle(on_manifest=leave_out, documents={}))
    store = make_store(tmp_path / "store")
    take(store, bundle(content, documents={}).write(tmp_path / "y"))
    second = {"sequence": 2, "previous": bundle(content, documents={}).digest, "base": base}
    outcome = take(store, bundle(predicate=second, on_manifest=leave_out, documents={}).write(tmp_path / "z"))

    assert (found.reason, found.subject) == (Reason.BASE_MISSING, "artifacts/files/z")
    assert (whole.reason, whole.expected) == (Reason.BAD_TOTALS, "all artifacts in a bundle without base")
    assert outcome.verdict.standing is Standing.ACCEPTED
    assert (tmp_path / "store/current/files/z").exists()


def test_the_base_of_a_delta_is_not_checked_without_a_store(tmp_path: Path) -> None:
    base = {"receipt": "0" * 64, "sequence": 1}
    made = bundle(
        {"artifacts/files/a": b"a"},
        predicate={"base": base},
        documents={},
        on_manifest=lambda m: put("artifacts", 1, to={**m["artifacts"][0], "path": "artifacts/files/b", "stored": False})(
            m
        ),
    )
    verdict = look_at(made.write(tmp_path / "x")).verdict

    assert verdict.standing is Standing.ACCEPTED
    assert [f.got for f in verdict.findings if f.result is Result.NOT_CHECKED][-1].startswith("1 artifacts of the base")
