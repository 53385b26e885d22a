"""What a check finds, what it does about it, and what it leaves alone."""

import os
import shutil
from collections.abc import Callable
from datetime import timedelta
from hashlib import sha256

import pytest

from airgap.bundle.claims import read_claims
from airgap.core.errors import BusyError, StoreError, UsageError
from airgap.core.reasons import Reason
from airgap.isolated import recheck as module
from airgap.isolated.intake import update_trust
from airgap.isolated.query import find
from airgap.isolated.store import reading
from airgap.isolated.store.lock import locked
from airgap.isolated.witness import check_history
from tests.isolated.scene import DAY, FILES, NOW, Bundle, Scene, faults, rot, signed, tree, trust_of

HELLO = FILES["hello.txt"]
NAME = f"objects/sha256/{sha256(HELLO).hexdigest()[:2]}/{sha256(HELLO).hexdigest()}"


def overwrite(path: str) -> None:
    """As somebody who writes on purpose: same size, new times."""
    os.chmod(path, 0o644)
    with open(path, "r+b") as file:
        file.write(b"jello\n")
    os.chmod(path, 0o444)
    os.utime(path, ns=(1, 1))


def cut(path: str) -> None:
    """One byte less, and the times as they were."""
    status = os.stat(path)
    os.chmod(path, 0o644)
    os.truncate(path, status.st_size - 1)
    os.chmod(path, 0o444)
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))


def to_folder(path: str) -> None:
    """A folder where an object should be."""
    os.unlink(path)
    os.mkdir(path)


@pytest.mark.parametrize(
    ("damage", "reason", "got"),
    [
        (rot, Reason.OBJECT_ROTTEN, "sha256 "),
        (cut, Reason.OBJECT_TRUNCATED, "5 bytes"),
        (overwrite, Reason.OBJECT_CHANGED, "sha256 "),
        (os.unlink, Reason.OBJECT_MISSING, "no such file"),
    ],
)
def test_a_damaged_object_is_named_with_what_was_signed_and_withdrawn(
    damage: Callable[[str], None], reason: Reason, got: str, scene: Scene, one: Bundle
) -> None:
    damage(scene.object_of(HELLO))
    report = scene.check()

    (finding,) = report.damage
    assert (finding.check, finding.subject, finding.reason) == ("bytes", NAME, reason)
    assert finding.expected == f"artifacts/files/hello.txt, 6 bytes, sha256 {sha256(HELLO).hexdigest()}"
    assert finding.got.startswith(got)
    assert report.withdrawn == [sha256(HELLO).digest()]
    assert scene.open().state().withdrawn == {sha256(HELLO).digest()}
    assert os.path.exists(scene.shown("deep/er/data.bin"))


def test_damaged_bytes_are_kept_in_quarantine_and_out_of_the_view(scene: Scene, one: Bundle) -> None:
    rot(scene.object_of(HELLO))
    scene.check()

    (kept,) = os.listdir(scene.open().layout.quarantine)
    assert kept == f"{sha256(HELLO).hexdigest()}.2"
    assert not os.path.lexists(scene.shown("hello.txt"))
    assert not os.path.lexists(scene.object_of(HELLO))


def test_a_missing_object_is_out_of_the_view_too(scene: Scene, one: Bundle) -> None:
    os.unlink(scene.object_of(HELLO))
    scene.check()
    assert not os.path.lexists(scene.shown("hello.txt"))


def test_what_is_in_quarantine_is_reported_until_it_is_healed(scene: Scene, one: Bundle) -> None:
    rot(scene.object_of(HELLO))
    scene.check()
    (finding,) = scene.check().damage
    assert (finding.reason, finding.got) == (Reason.OBJECT_MISSING, "in quarantine since an earlier check")

    scene.take_in(one)
    assert faults(scene.check().findings) == []


@pytest.mark.parametrize("name", ["note.txt", "junk.99", f"{'0' * 63}.99", f"{'0' * 64}.\u0663"])
def test_a_strange_file_in_quarantine_stops_no_check(name: str, scene: Scene, one: Bundle) -> None:
    path = os.path.join(scene.open().layout.quarantine, name)
    with open(path, "wb"):
        pass

    assert faults(scene.check().findings) == []
    assert os.path.exists(path)


def test_a_clean_check_changes_nothing_but_ledger_and_index(scene: Scene, one: Bundle) -> None:
    def may_change(path: str) -> bool:
        return path == "index.sqlite" or path.startswith("ledger/")

    before = tree(scene.store_path, but=may_change)
    report = scene.check()
    assert faults(report.findings) == []
    assert (report.objects, report.content, report.artifacts) == (2, 10246, 2)
    assert tree(scene.store_path, but=may_change) == before


def _extra(path: str) -> Callable[[Scene], None]:
    def plant(scene: Scene) -> None:
        with open(os.path.join(scene.store_path, path), "wb") as file:
            file.write(b"planted")

    return plant


def _swap(scene: Scene) -> None:
    os.unlink(scene.shown("hello.txt"))
    with open(scene.shown("hello.txt"), "wb") as file:
        file.write(b"jello\n")


def _to_link(scene: Scene) -> None:
    os.unlink(scene.shown("hello.txt"))
    os.symlink("/etc/passwd", scene.shown("hello.txt"))


def _drop_row(scene: Scene) -> None:
    scene.open().index.create()
    scene.open().index.conclude(1)


@pytest.mark.parametrize(
    ("change", "subject", "reason"),
    [
        (_extra("objects/sha256/aa/README"), "objects/sha256/aa/README", Reason.EXTRA_FILE),
        (_extra(f"objects/sha256/ab/{'aa' * 32}"), f"objects/sha256/ab/{'aa' * 32}", Reason.EXTRA_FILE),
        (_extra("objects/sha256/README"), "objects/sha256/README", Reason.EXTRA_FILE),
        (_extra("generations/1/files/deep/evil.txt"), "files/deep/evil.txt", Reason.EXTRA_FILE),
        (_extra("generations/1/index.html"), "index.html", Reason.EXTRA_FILE),
        (_swap, "files/hello.txt", Reason.VIEW_MISMATCH),
        (_to_link, "files/hello.txt", Reason.VIEW_MISMATCH),
        (lambda scene: os.unlink(scene.shown("hello.txt")), "files/hello.txt", Reason.VIEW_MISMATCH),
        (lambda scene: os.chmod(scene.object_of(HELLO), 0o644), NAME, Reason.WRONG_MODE),
        (_drop_row, "index.sqlite", Reason.INDEX_DRIFT),
    ],
)
def test_a_store_whose_names_differ_from_what_was_signed_says_which(
    change: Callable[[Scene], None], subject: str, reason: Reason, scene: Scene, one: Bundle
) -> None:
    change(scene)
    (finding,) = scene.check().damage
    assert (finding.check, finding.subject, finding.reason) == ("structure", subject, reason)


def test_a_name_that_shows_a_foreign_file_is_put_right_by_the_next_import(scene: Scene, one: Bundle) -> None:
    _swap(scene)
    scene.take_in(scene.export({"x": b"x"}, name="two", after=one))
    assert faults(scene.check().findings) == []


def test_an_object_of_an_older_bundle_is_healed_by_that_bundle_as_the_advice_says(scene: Scene, one: Bundle) -> None:
    scene.take_in(scene.export({"x": b"x"}, name="two", after=one))
    rot(scene.object_of(HELLO))
    scene.check()
    scene.take_in(one)
    assert faults(scene.check().findings) == []


def test_a_copy_stands_for_an_object_that_has_as_many_names_as_it_can(scene: Scene, one: Bundle) -> None:
    os.unlink(scene.shown("hello.txt"))
    with open(scene.shown("hello.txt"), "wb") as file:
        file.write(HELLO)
    assert faults(scene.check().findings) == []


def test_a_revoked_signer_withdraws_trust_from_what_is_stored(tmp_path: object) -> None:
    scene = Scene(str(tmp_path), trust=trust_of("alice", "bob"))
    scene.set_up()
    bundle = scene.export(by=("bob",))
    scene.take_in(bundle)
    update = trust_of("alice", "bob", version=2, revoked_keys=("bob",))
    update_trust(scene.open(), signed(update, "alice").encode(), scene.order())

    finding, *artifacts = scene.check().damage
    assert (finding.check, finding.reason) == ("trust", Reason.TRUST_WITHDRAWN)
    assert finding.subject == f"manifests/{bundle.manifest.hex()}.head"
    assert finding.got.endswith("is revoked")
    assert {(item.subject, item.reason) for item in artifacts} == {
        (artifact.purl, Reason.TRUST_WITHDRAWN) for artifact in scene.open().head(bundle.manifest).manifest().artifacts
    }


@pytest.mark.parametrize(("channels", "by"), [(("main", "other"), "bob"), (("other",), "bob"), (("other",), "alice")])
def test_a_signer_or_channel_that_is_gone_is_still_believed_for_what_was_signed_before(
    channels: tuple[str, ...], by: str, tmp_path: object
) -> None:
    scene = Scene(str(tmp_path), trust=trust_of("alice", "bob"))
    scene.set_up()
    scene.take_in(scene.export(by=(by,)))
    update = signed(trust_of("alice", version=2, channels=channels), "alice").encode()
    update_trust(scene.open(), update, scene.order())

    assert faults(scene.check().findings) == []
    (found,) = find(scene.open(), "hello.txt")
    assert found.signers == [by]


def test_a_recalled_artifact_is_reported_by_its_purl(scene: Scene, one: Bundle) -> None:
    update = trust_of("alice", version=2, revoked_artifacts=("pkg:generic/hello.txt",))
    update_trust(scene.open(), signed(update, "alice").encode(), scene.order())

    (finding,) = scene.check().damage
    assert (finding.subject, finding.reason) == ("pkg:generic/hello.txt", Reason.REVOKED_ARTIFACT)
    assert finding.got == "recalled 2026-11-22T08:00:00Z: recalled"


def test_an_expired_trust_document_is_reported(scene: Scene, one: Bundle) -> None:
    (finding,) = scene.check(at=NOW + 366 * DAY).damage
    assert (finding.check, finding.reason) == ("trust", Reason.TRUST_EXPIRED)
    assert finding.got == "version 1, expired 2027-11-22T08:00:00Z"


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (os.unlink, Reason.OBJECT_MISSING),
        (lambda path: rot(path, at=3), Reason.NOT_A_BUNDLE),
        (lambda path: rot(path, at=os.path.getsize(path) - 3), Reason.MANIFEST_MISMATCH),
    ],
)
def test_a_head_that_is_no_longer_what_was_admitted_is_named(
    damage: Callable[[str], None], reason: Reason, scene: Scene, one: Bundle
) -> None:
    damage(scene.open().layout.head(one.manifest))
    found = scene.check().damage
    assert (found[0].subject, found[0].reason) == (f"manifests/{one.manifest.hex()}.head", reason)


def test_a_head_under_the_name_of_another_is_found(scene: Scene, one: Bundle) -> None:
    two = scene.export({"x": b"x"}, name="two", after=one)
    scene.take_in(two)
    layout = scene.open().layout
    os.replace(layout.head(two.manifest), layout.head(one.manifest))
    found = scene.check().damage
    assert "head: expected the manifest it is named after, got another" in [finding.got for finding in found]


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (lambda raw: raw.replace(b"2026-11-23", b"2026-11-22", 1), "records differ from what the checkpoint covers"),
        (lambda raw: raw.split(b"\n", 1)[1], ""),
        (lambda raw: raw.replace(b'"init"', b'"imit"', 1), "record 0: record: expected enum"),
    ],
)
def test_a_history_that_was_edited_is_found_every_time(
    damage: Callable[[bytes], bytes], words: str, scene: Scene, one: Bundle
) -> None:
    log = scene.open().layout.log
    with open(log, "rb") as file:
        raw = file.read()
    with open(log, "wb") as file:
        file.write(damage(raw))

    for found in (scene.check().damage, scene.check().damage):
        assert {(finding.check, finding.reason) for finding in found} == {("history", Reason.HISTORY_BROKEN)}
        assert any(finding.got.startswith(words) for finding in found)


def test_every_check_is_recorded_with_what_it_found(scene: Scene, one: Bundle) -> None:
    scene.check()
    rot(scene.object_of(HELLO))
    scene.check()
    records = [r for r in scene.open().ledger.read(scene.open().public_key()).records if r["kind"] == "recheck"]
    assert [(r["result"], r["objects"], r["findings"]) for r in records] == [("clean", 2, 0), ("damaged", 2, 1)]
    assert records[1]["withdrawn"] == [sha256(HELLO).hexdigest()]


def test_a_check_waits_for_nobody_who_writes(scene: Scene) -> None:
    with locked(scene.open().layout.lock), pytest.raises(BusyError):
        scene.check()


@pytest.mark.parametrize("is_damaged", [False, True])
def test_a_check_beside_another_reader_reports_and_leaves_the_repair_to_the_next(
    is_damaged: bool, scene: Scene, one: Bundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    if is_damaged:
        rot(scene.object_of(HELLO))
    others = []

    def with_another_reader(*arguments: object) -> None:
        other = locked(scene.open().layout.lock, shared=True)
        other.__enter__()
        others.append(other)
        check_history(*arguments)  # type: ignore[arg-type]  # what was given is handed on

    monkeypatch.setattr(module, "check_history", with_another_reader)
    report = scene.check()
    for other in others:
        other.__exit__(None, None, None)

    assert [reason for _, reason in faults(report.findings)] == (
        [Reason.OBJECT_ROTTEN, Reason.CHECK_NOT_RUN] if is_damaged else []
    )
    assert scene.open().state().generation == 1


@pytest.mark.parametrize("processors", [1, 4])
def test_many_small_objects_are_read_in_two_processes_with_the_same_result(
    processors: int, scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "_MANY", 10)
    monkeypatch.setattr(os, "cpu_count", lambda: processors)
    contents = {f"{n}.txt": b"%d" % n for n in range(41)} | {"large": b"l" * 70_000}
    scene.take_in(scene.export(contents))
    damaged = {"7.txt", "8.txt", "large"}
    for name in damaged:
        rot(scene.object_of(contents[name]))
    report = scene.check()

    assert report.objects == len(contents)
    assert {finding.expected.split(",")[0] for finding in report.damage} == {f"artifacts/files/{name}" for name in damaged}


def test_an_object_that_is_dated_centuries_ahead_ends_no_check(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "_MANY", 2)
    monkeypatch.setattr(os, "cpu_count", lambda: 2)
    contents = {f"{n}": b"%d" % n for n in range(5)}
    scene.take_in(scene.export(contents))
    for content in contents.values():
        os.utime(scene.object_of(content), (0, 13_000_000_000))

    assert faults(scene.check().findings) == []


def test_a_second_process_that_dies_is_no_silent_success(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    def die(*_: object) -> None:
        os._exit(1)

    monkeypatch.setattr(reading, "_MANY", 2)
    monkeypatch.setattr(reading, "_serve", die)
    scene.take_in(scene.export({f"{n}": b"%d" % n for n in range(5)}))
    with pytest.raises(StoreError, match="expected the second process to report on every object"):
        scene.check()


def test_progress_is_told_in_bytes(scene: Scene, one: Bundle) -> None:
    told: list[int] = []
    module.recheck(scene.open(), at=NOW + timedelta(hours=1), run_id="x", progress=told.append)
    assert sum(told) == sum(map(len, FILES.values()))


@pytest.mark.parametrize("damage", [rot, os.unlink])
def test_an_artifact_in_quarantine_is_listed_as_such(damage: Callable[[str], None], scene: Scene, one: Bundle) -> None:
    damage(scene.object_of(HELLO))
    scene.check()
    (found,) = find(scene.open(), "hello.txt")
    assert found.is_withdrawn
    assert found.shown == "files/hello.txt"


def test_an_index_that_tells_of_a_bundle_that_is_not_here_says_what_to_do(scene: Scene, one: Bundle) -> None:
    two = scene.export({"x": b"x"}, name="two", after=one)
    heard = read_claims([two.path])
    scene.open().index.add(heard.statement, heard.manifest())
    with pytest.raises(UsageError, match="expected the bundle that brought it, got none"):
        find(scene.open(), "x")
    assert [(f.subject, f.reason) for f in scene.check().damage] == [("index.sqlite", Reason.INDEX_DRIFT)]


def test_each_artifact_is_traced_to_the_bundle_that_brought_it_last(scene: Scene, one: Bundle) -> None:
    scene.take_in(scene.export({"hello.txt": b"second"}, name="two", after=one))
    (new,) = find(scene.open(), "hello.txt")
    (old,) = find(scene.open(), "deep/er/data.bin")
    assert (new.heard.statement.sequence, old.heard.statement.sequence) == (2, 1)


def test_a_current_that_points_elsewhere_is_found(scene: Scene, one: Bundle) -> None:
    current = scene.open().layout.current
    shutil.copytree(os.path.realpath(current), f"{scene.root}/elsewhere")
    os.unlink(current)
    os.symlink("../elsewhere", current)
    assert ("current", Reason.VIEW_MISMATCH) in faults(scene.check().findings)


def test_a_signature_that_no_document_of_the_store_knows_withdraws_trust(tmp_path: object) -> None:
    scene = Scene(str(tmp_path))
    scene.set_up()
    ours, theirs = scene.export(), scene.export(name="theirs", by=("mallory",))
    scene.take_in(ours)
    head = scene.open().layout.head(ours.manifest)
    os.chmod(head, 0o644)
    with open(theirs.path, "rb") as file, open(head, "r+b") as other:
        other.write(file.read(os.path.getsize(head)))

    finding = scene.check().damage[0]
    assert (finding.reason, finding.got.partition(",")[0]) == (
        Reason.TRUST_WITHDRAWN,
        "envelope: expected signatures by known keys",
    )


def test_reading_that_is_given_up_does_not_wait_for_the_second_process(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "cpu_count", lambda: 2)
    # every record of the child says what is wrong, so that its records do not fit into the pipe
    wanted = [(index.to_bytes(32), 1) for index in range(12_000)]
    found = reading.read_all(wanted, scene.open().layout.object, {})

    next(found)
    del found

    with pytest.raises(ChildProcessError):
        os.waitpid(-1, os.WNOHANG)
