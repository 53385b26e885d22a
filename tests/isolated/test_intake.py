"""What an import admits, what it refuses, and what it leaves."""

import os
from typing import Any

import pytest

from airgap.bundle.rules import Last
from airgap.core.errors import BusyError, TrustStop, UsageError
from airgap.core.reasons import Reason
from airgap.core.receipt import open_receipt
from airgap.core.statement import Container
from airgap.core.verdict import Finding, Standing
from airgap.isolated.intake import Outcome, update_trust
from airgap.isolated.store.lock import locked
from tests.isolated.scene import DAY, FILES, NOW, Bundle, Scene, faults, rot, signed, tree, trust_of


def refusal(outcome: Outcome) -> Finding:
    """The finding that a refused bundle fell over."""
    assert outcome.verdict.standing is Standing.REJECTED
    assert outcome.admitted is None
    finding = next(finding for finding in outcome.verdict.findings if finding.reason is not None)
    assert finding.reason is outcome.verdict.reason
    return finding


def kinds(scene: Scene) -> list[str]:
    """Kinds of all records, oldest first; the history must be whole."""
    history = scene.open().ledger.read(scene.open().public_key())
    assert history.faults == []
    return [record["kind"] for record in history.records]


def unchanged(path: str) -> bool:
    """What a refusal may write: one record, and the checkpoint over it."""
    return path in {"ledger/log.jsonl", "ledger/checkpoint"}


@pytest.mark.parametrize("container", list(Container))
def test_what_was_signed_is_what_the_view_shows(container: Container, scene: Scene) -> None:
    outcome = scene.take_in(scene.export(container=container))

    assert outcome.verdict.standing is Standing.ACCEPTED
    assert outcome.admitted is not None
    assert (outcome.admitted.generation, outcome.admitted.stored, outcome.admitted.healed) == (1, 2, 0)
    for path, content in FILES.items():
        with open(scene.shown(path), "rb") as file:
            assert file.read() == content
        assert os.path.samefile(scene.shown(path), scene.object_of(content))
        assert os.stat(scene.shown(path)).st_mode & 0o7777 == 0o444
    assert os.listdir(scene.open().layout.staging) == []
    assert kinds(scene) == ["init", "prepared", "committed"]
    assert faults(scene.check().findings) == []


def test_the_receipt_says_which_bundle_and_which_generation_and_is_kept(scene: Scene) -> None:
    bundle = scene.export()
    outcome = scene.take_in(bundle)

    assert outcome.receipt is not None
    said = open_receipt(outcome.receipt.encode(), scene.open().public_key())
    assert said["subject"][0]["digest"]["sha256"] == bundle.manifest.hex()
    assert said["predicate"]["airgap"]["generation"] == 1
    assert said["predicate"]["airgap"]["ledger"]["size"] == 3
    with open(scene.open().layout.receipt(1), "rb") as file:
        assert file.read() == outcome.receipt.encode() + b"\n"


def test_one_content_under_many_names_is_one_object(scene: Scene) -> None:
    outcome = scene.take_in(scene.export({"a": b"same", "b": b"same", "c/d": b"same"}))

    assert outcome.admitted is not None
    assert outcome.admitted.stored == 1
    assert os.stat(scene.object_of(b"same")).st_nlink == 4


def test_a_second_bundle_keeps_what_the_first_showed(scene: Scene, one: Bundle) -> None:
    two = scene.export({"hello.txt": b"hello again\n", "new.txt": b"new"}, name="two", after=one)
    scene.take_in(two)

    shown = tree(os.path.join(scene.store_path, "current", "files"))
    assert sorted(shown) == ["deep", "deep/er", "deep/er/data.bin", "hello.txt", "new.txt"]
    with open(scene.shown("hello.txt"), "rb") as file:
        assert file.read() == b"hello again\n"
    assert faults(scene.check().findings) == []


def test_the_same_bundle_again_changes_nothing(scene: Scene, one: Bundle) -> None:
    before = tree(scene.store_path)
    outcome = scene.take_in(one)

    assert outcome.verdict.standing is Standing.ACCEPTED
    assert outcome.admitted is None
    assert tree(scene.store_path) == before


def test_the_same_bundle_again_gives_a_receipt_again(scene: Scene, one: Bundle) -> None:
    receipt = scene.open().layout.receipt(1)
    os.unlink(receipt)
    outcome = scene.take_in(one)

    assert outcome.receipt is not None
    with open(receipt, "rb") as file:
        said = open_receipt(file.read().removesuffix(b"\n"), scene.open().public_key())
    assert said["subject"][0]["digest"]["sha256"] == one.manifest.hex()


@pytest.mark.parametrize("at", [60, -400], ids=["in the envelope", "in the manifest"])
def test_the_same_bundle_again_brings_its_own_head_back(at: int, scene: Scene, one: Bundle) -> None:
    head = scene.open().layout.head(one.manifest)
    with open(head, "rb") as file:
        before = file.read()
    rot(head, at=at % len(before))
    assert faults(scene.check().findings) != []

    scene.take_in(one)
    with open(head, "rb") as file:
        assert file.read() == before
    assert faults(scene.check().findings) == []


def test_an_older_bundle_brings_bytes_back_and_no_name(scene: Scene, one: Bundle) -> None:
    two = scene.export({"hello.txt": b"newer\n"}, name="two", after=one)
    scene.take_in(two)
    rot(scene.object_of(FILES["deep/er/data.bin"]))
    scene.check()
    outcome = scene.take_in(one, at=NOW + 200 * DAY)

    assert outcome.verdict.standing is Standing.ACCEPTED
    assert scene.open().state().last("main") == Last(2, two.manifest)
    with open(scene.shown("hello.txt"), "rb") as file:
        assert file.read() == b"newer\n"
    with open(scene.shown("deep/er/data.bin"), "rb") as file:
        assert file.read() == FILES["deep/er/data.bin"]
    assert faults(scene.check().findings) == []


def test_the_same_content_under_the_next_number_is_the_next_bundle(scene: Scene, one: Bundle) -> None:
    two = scene.export(name="two", after=one)
    assert two.manifest == one.manifest
    scene.take_in(two)
    assert scene.open().state().last("main") == Last(2, two.manifest)

    outcome = scene.take_in(scene.export({"x": b"x"}, name="three", after=two))
    assert outcome.verdict.standing is Standing.ACCEPTED
    assert faults(scene.check().findings) == []


def test_content_that_goes_back_under_a_new_number_is_what_the_store_then_says(scene: Scene, one: Bundle) -> None:
    two = scene.export({"hello.txt": b"a mistake\n"}, name="two", after=one)
    three = scene.export(name="three", after=two)
    assert three.manifest == one.manifest
    scene.take_in(two)
    scene.take_in(three)

    with open(scene.shown("hello.txt"), "rb") as file:
        assert file.read() == FILES["hello.txt"]
    assert faults(scene.check().findings) == []
    os.unlink(scene.open().layout.index)
    assert faults(scene.check().findings) == []


def test_a_channel_cannot_take_names_over_by_bringing_the_same_content(scene: Scene, one: Bundle) -> None:
    found = refusal(scene.take_in(scene.export(name="theirs", channel="other")))

    assert found.reason is Reason.NAME_CLASH
    assert "channel main did not bring" in found.expected


def test_a_gap_that_was_allowed_and_is_none_is_not_recorded(scene: Scene, one: Bundle) -> None:
    scene.take_in(scene.export({"x": b"x"}, name="two", after=one), allow_gap="just in case")

    assert "override" not in kinds(scene)


@pytest.mark.parametrize("damage", [rot, os.unlink])
def test_the_same_bundle_again_heals_what_is_damaged(damage: Any, scene: Scene, one: Bundle) -> None:
    damage(scene.object_of(FILES["hello.txt"]))
    outcome = scene.take_in(one)

    assert outcome.admitted is not None
    assert outcome.admitted.stored + outcome.admitted.healed == 1
    with open(scene.shown("hello.txt"), "rb") as file:
        assert file.read() == FILES["hello.txt"]
    assert faults(scene.check().findings) == []


def test_a_healed_object_comes_back_under_every_name_that_any_bundle_gave_it(scene: Scene, one: Bundle) -> None:
    two = scene.export({"other/name.txt": FILES["hello.txt"]}, name="two", after=one)
    scene.take_in(two)
    rot(scene.object_of(FILES["hello.txt"]))
    scene.check()
    assert not os.path.lexists(scene.shown("hello.txt"))

    scene.take_in(two)

    for name in ("hello.txt", "other/name.txt"):
        assert os.path.samefile(scene.shown(name), scene.object_of(FILES["hello.txt"]))
    assert faults(scene.check().findings) == []


def test_a_damaged_object_that_is_healed_before_a_check_leaves_no_name_to_the_damaged_bytes(
    scene: Scene, one: Bundle
) -> None:
    two = scene.export({"other/name.txt": FILES["hello.txt"]}, name="two", after=one)
    scene.take_in(two)
    rot(scene.object_of(FILES["hello.txt"]))
    scene.take_in(two)

    assert os.path.samefile(scene.shown("hello.txt"), scene.object_of(FILES["hello.txt"]))
    assert len(os.listdir(scene.open().layout.quarantine)) == 1
    assert faults(scene.check().findings) == []


@pytest.mark.parametrize(
    ("change", "reason", "words"),
    [
        ({"sequence": 3, "previous": bytes(32)}, Reason.GAP, "sequence: expected 2"),
        ({"sequence": 2, "previous": bytes(32)}, Reason.FORK, "previous: expected manifest"),
        ({"sequence": 1, "previous": None}, Reason.FORK, "under number 1"),
        ({"sequence": 1002, "previous": bytes(32)}, Reason.FAST_FORWARD, "sequence: expected at most 1001"),
        ({"destination": "plant-8"}, Reason.WRONG_DESTINATION, "destination: expected plant-8"),
        ({"channel": "nightly"}, Reason.WRONG_CHANNEL, "channel: expected one of main, other"),
        ({"expires": NOW}, Reason.EXPIRED, "in force at 2026-11-23T08:00:00Z"),
        ({"created": NOW + 2 * DAY}, Reason.CLOCK_BEHIND, "2026-11-25T08:00:00Z or later"),
        ({"by": ("mallory",)}, Reason.UNKNOWN_SIGNER, "signatures by known keys"),
    ],
)
def test_a_bundle_that_does_not_belong_here_is_refused_and_only_recorded(
    change: dict[str, Any], reason: Reason, words: str, scene: Scene, one: Bundle
) -> None:
    bundle = scene.export({"x": b"x"}, name="two", **{"sequence": 2, "previous": one.manifest, **change})
    before = tree(scene.store_path, but=unchanged)
    found = refusal(scene.take_in(bundle))

    assert found.reason is reason
    assert words in f"{found.subject}: expected {found.expected}"
    assert tree(scene.store_path, but=unchanged) == before
    assert kinds(scene)[-1] == "refusal"
    assert len(kinds(scene)) == 4


def test_an_older_bundle_is_a_rollback(scene: Scene, one: Bundle) -> None:
    scene.take_in(scene.export({"x": b"x"}, name="two", after=one))
    found = refusal(scene.take_in(one))
    assert (found.reason, found.got) == (Reason.ROLLBACK, "1")


def test_a_gap_that_somebody_answers_for_is_recorded_with_his_reason(scene: Scene, one: Bundle) -> None:
    two = scene.export({"x": b"x"}, name="two", after=one)
    three = scene.export({"y": b"y"}, name="three", after=two)
    outcome = scene.take_in(three, allow_gap="the disk was lost")

    assert outcome.verdict.standing is Standing.ACCEPTED
    (record,) = [r for r in scene.open().ledger.read(scene.open().public_key()).records if r["kind"] == "override"]
    assert record["reason"] == "the disk was lost"


def test_a_clock_that_went_back_stops_the_import(tmp_path: object) -> None:
    scene = Scene(str(tmp_path), trust=trust_of("alice", issued=NOW - 30 * DAY))
    scene.set_up()
    found = refusal(scene.take_in(scene.export(created=NOW - 20 * DAY), at=NOW - 10 * DAY))
    assert (found.reason, found.got) == (Reason.CLOCK_BEHIND, "2026-11-13T08:00:00Z")


def test_a_clock_far_ahead_stops_the_import(tmp_path: object) -> None:
    scene = Scene(str(tmp_path), trust=trust_of("alice", days=3650))
    scene.set_up()
    found = refusal(scene.take_in(scene.export(expires=NOW + 3000 * DAY), at=NOW + 731 * DAY))
    assert found.reason is Reason.CLOCK_AHEAD


def test_a_revoked_signer_is_refused_from_the_update_on(tmp_path: object) -> None:
    scene = Scene(str(tmp_path), trust=trust_of("alice", "bob"))
    scene.set_up()
    bundle = scene.export(by=("bob",))
    update = trust_of("alice", "bob", version=2, revoked_keys=("bob",))
    update_trust(scene.open(), signed(update, "alice").encode(), scene.order())
    assert refusal(scene.take_in(bundle)).reason is Reason.REVOKED_KEY


def test_a_trust_update_inside_a_bundle_comes_into_force_with_it(scene: Scene) -> None:
    update = signed(trust_of("alice", "bob", version=2), "alice")
    outcome = scene.take_in(scene.export(by=("bob",), updates=[update]))

    assert outcome.verdict.standing is Standing.ACCEPTED
    assert scene.open().state().trust == 2
    assert scene.open().trust(2).trust.signers.keys() == {"alice", "bob"}
    with open(scene.open().layout.trust(2), "rb") as file:
        assert file.read() == update.encode() + b"\n"


def test_a_trust_update_inside_a_refused_bundle_leaves_no_trace(scene: Scene) -> None:
    update = signed(trust_of("alice", "bob", version=2), "alice")
    bundle = scene.export(updates=[update])
    rot(bundle.path, at=os.path.getsize(bundle.path) - 50)
    before = tree(scene.store_path, but=unchanged)
    refusal(scene.take_in(bundle))
    assert tree(scene.store_path, but=unchanged) == before


def test_a_channel_does_not_shadow_the_files_of_another(scene: Scene, one: Bundle) -> None:
    found = refusal(scene.take_in(scene.export({"hello.txt": b"mine now"}, name="two", channel="other")))

    assert found.reason is Reason.NAME_CLASH
    assert "a name that channel main does not hold" in found.expected
    with open(scene.shown("hello.txt"), "rb") as file:
        assert file.read() == FILES["hello.txt"]


def test_two_channels_may_carry_the_same_file_under_the_same_name(scene: Scene, one: Bundle) -> None:
    outcome = scene.take_in(scene.export({"hello.txt": FILES["hello.txt"], "x": b"x"}, name="two", channel="other"))
    assert outcome.verdict.standing is Standing.ACCEPTED
    assert faults(scene.check().findings) == []


def test_a_channel_may_replace_its_own_file_beside_another_channel(scene: Scene, one: Bundle) -> None:
    scene.take_in(scene.export({"x": b"x"}, name="two", channel="other"))
    outcome = scene.take_in(scene.export({"hello.txt": b"second"}, name="three", after=one))
    assert outcome.verdict.standing is Standing.ACCEPTED
    assert faults(scene.check().findings) == []


def test_a_dry_run_says_the_verdict_and_writes_nothing(scene: Scene) -> None:
    bundle = scene.export()
    before = tree(scene.store_path)
    assert scene.take_in(bundle, is_dry=True).verdict.standing is Standing.ACCEPTED
    assert tree(scene.store_path) == before


def test_a_second_importer_is_told_to_wait(scene: Scene) -> None:
    bundle = scene.export()
    before = tree(scene.store_path)
    with locked(scene.open().layout.lock), pytest.raises(BusyError, match="expected the store's lock to be free"):
        scene.take_in(bundle)
    assert tree(scene.store_path) == before


def test_a_bundle_inside_the_store_is_not_imported_from_there(scene: Scene) -> None:
    bundle = scene.export()
    inside = os.path.join(scene.store_path, "staging", "x.airgap")
    os.rename(bundle.path, inside)
    with pytest.raises(UsageError, match="expected a bundle outside the store, got one inside"):
        scene.take_in(inside)


def test_a_policy_that_wants_more_rejects_and_only_records(tmp_path: object) -> None:
    scene = Scene(str(tmp_path), policy="strict")
    scene.set_up()
    found = refusal(scene.take_in(scene.export()))
    assert found.reason is Reason.EVIDENCE_MISSING


@pytest.mark.parametrize(
    ("update", "signers", "words"),
    [
        (trust_of("alice", version=1), ("alice",), "expected version 2, got 1"),
        (trust_of("alice", version=3), ("alice",), "expected version 2, got 3"),
        (trust_of("bob", version=2), ("bob",), "expected signatures of 1 of alice"),
        (trust_of("alice", version=2), (), "expected a signature, got none"),
        (trust_of("alice", version=2, issued=NOW - 2 * DAY), ("alice",), "expected a later time of issue"),
    ],
)
def test_a_trust_update_that_does_not_follow_changes_nothing(
    update: Any, signers: tuple[str, ...], words: str, scene: Scene
) -> None:
    before = tree(scene.store_path)
    with pytest.raises(TrustStop, match=words):
        update_trust(scene.open(), signed(update, *signers).encode(), scene.order())
    assert tree(scene.store_path) == before


def test_a_trust_update_keeps_the_view_and_is_recorded(scene: Scene, one: Bundle) -> None:
    update = signed(trust_of("alice", "bob", version=2), "alice").encode() + b"\n"
    assert update_trust(scene.open(), update, scene.order()) == 2
    assert os.path.samefile(scene.shown("hello.txt"), scene.object_of(FILES["hello.txt"]))
    assert kinds(scene)[-3:] == ["prepared", "committed", "trust"]
    assert faults(scene.check().findings) == []
