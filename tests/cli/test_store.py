"""init, import, check, list, show, ledger and recover."""

import json
import os
import stat

import pytest

from airgap.core.keys import parse_public
from airgap.core.receipt import open_receipt
from airgap.core.schema import validate
from airgap.isolated.store.lock import locked
from tests.cli.conftest import Airgap
from tests.cli.keyring import trust_file
from tests.isolated.scene import DAY, FILES, NOW, Bundle, Scene, rot, tree

HELLO = "pkg:generic/hello.txt"


@pytest.fixture
def one(scene: Scene) -> Bundle:
    """A bundle that is not imported yet."""
    return scene.export()


@pytest.fixture
def imported(scene: Scene, one: Bundle) -> Scene:
    """The store with that bundle."""
    scene.take_in(one)
    return scene


def test_init_makes_a_store_and_asks_to_compare_the_fingerprint(airgap: Airgap, tmp_path: object) -> None:
    trust = trust_file(str(tmp_path), "alice")
    ended = airgap("init", f"{tmp_path}/store", "--trust", trust, "--site", "plant-7", "--policy", "strict")

    assert ended.code == 0
    assert "believes trust document version 1, fingerprint" in ended.out
    assert "compare it with what its signers tell you" in ended.out
    fingerprint = airgap("trust", "show", trust, "--json").json["trust"]["fingerprint"]
    assert fingerprint in ended.out
    assert stat.S_IMODE(os.stat(f"{tmp_path}/store/site.key.pem").st_mode) == 0o600
    assert airgap("check", "--store", f"{tmp_path}/store").code == 0


def test_init_in_json_names_store_trust_and_key(airgap: Airgap, tmp_path: object) -> None:
    os.mkdir(f"{tmp_path}/store")  # an empty folder will do
    trust = trust_file(str(tmp_path), "alice")
    said = airgap("init", f"{tmp_path}/store", "--trust", trust, "--site", "plant-7", "--json").json

    assert (said["store"], said["site"], said["trust"]["version"]) == (f"{tmp_path}/store", "plant-7", 1)
    with open(f"{tmp_path}/store/site.pub.pem", "rb") as file:
        assert parse_public(file.read())[0].key_id == said["keyId"]


@pytest.mark.parametrize(
    ("store", "trust", "more", "code", "words"),
    [
        ("taken", "trust.json", (), 2, "expected a new or empty folder, got something else"),
        ("trust.json", "trust.json", (), 2, "expected a new or empty folder, got something else"),
        ("new/deeper", "trust.json", (), 2, "expected to create it, got No such file"),
        ("new", "old.json", (), 7, "trust document: expected one in force at 2026-11-23T08:00:00Z"),
        ("new", "taken/x", (), 7, "taken/x: trust document: expected canonical JSON"),
        ("new", "trust.json", ("--site", "Plant 7"), 2, "--site: expected 1 to 64 of a-z 0-9 . _ -"),
        ("new", "trust.json", ("--policy", "none"), 2, "--policy: expected strict, standard, lab or a file, got 'none'"),
        ("new", "trust.json", ("--policy", "taken/x"), 2, "policy: expected TOML"),
    ],
)
def test_init_refuses_what_makes_no_sense_and_leaves_nothing(
    store: str,
    trust: str,
    more: tuple[str, ...],
    code: int,
    words: str,
    airgap: Airgap,
    tmp_path: object,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(str(tmp_path))
    trust_file(".", "alice")
    trust_file(".", "alice", file="old.json", issued=NOW - 400 * DAY)
    os.mkdir("taken")
    with open("taken/x", "w", encoding="utf-8") as file:
        file.write("no document")
    before = tree(".")
    ended = airgap("init", store, "--trust", trust, "--site", "plant-7", *more)

    assert words in ended.err
    assert ended.code == code
    assert tree(".") == before


def test_an_import_is_accepted_step_by_step_and_its_receipt_is_signed(airgap: Airgap, scene: Scene, one: Bundle) -> None:
    ended = airgap("import", one.path, "--store", scene.store_path, "--receipt", f"{scene.root}/receipt.json")

    assert ended.code == 0
    assert "ok      history    sequence 1" in ended.out
    assert "ok      content    " in ended.out
    assert ended.out.endswith("imported as generation 1: 2 new objects\n")
    with open(f"{scene.root}/receipt.json", "rb") as file:
        said = open_receipt(file.read(), scene.open().public_key())
    assert said["subject"][0]["digest"]["sha256"] == one.manifest.hex()
    assert said["predicate"]["verificationResult"] == "PASSED"


def test_an_import_in_json_has_the_shape_that_is_published(airgap: Airgap, scene: Scene, one: Bundle) -> None:
    ended = airgap("import", one.path, "--store", scene.store_path, "--json")

    validate("verdict", ended.json, what="verdict")
    assert ended.json["counts"] == {"artifacts": 2, "documents": 0, "generation": 1, "stored": 2, "healed": 0}
    assert ended.json["sandbox"] == ["audit-hook"]


def test_the_store_can_come_from_the_environment(
    airgap: Airgap, scene: Scene, one: Bundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIRGAP_STORE", scene.store_path)
    assert airgap("import", one.path).code == 0


def test_a_dry_run_says_the_verdict_and_changes_nothing(airgap: Airgap, scene: Scene, one: Bundle) -> None:
    before = tree(scene.store_path)
    ended = airgap("import", one.path, "--store", scene.store_path, "--dry-run")

    assert ended.code == 0
    assert ended.out.endswith("accepted: channel main, sequence 1\ndry run: nothing was changed\n")
    assert tree(scene.store_path) == before


def test_the_same_bundle_again_changes_nothing_and_says_so(airgap: Airgap, imported: Scene, one: Bundle) -> None:
    before = tree(imported.store_path)
    ended = airgap("import", one.path, "--store", imported.store_path)

    assert ended.code == 0
    assert "imported before; every object of it was hashed again and is sound: nothing to do" in ended.out
    assert tree(imported.store_path) == before


def test_a_refused_bundle_changes_the_ledger_only(airgap: Airgap, scene: Scene, one: Bundle) -> None:
    rot(one.path, at=os.path.getsize(one.path) - 100)
    before = tree(scene.store_path, but=lambda path: path.startswith("ledger"))
    ended = airgap("import", one.path, "--store", scene.store_path)

    assert ended.code == 3
    assert "rejected: " in ended.out
    assert ended.out.endswith("the store is unchanged; its ledger has one record more\n")
    assert tree(scene.store_path, but=lambda path: path.startswith("ledger")) == before


def test_a_gap_is_refused_until_somebody_gives_a_reason(airgap: Airgap, scene: Scene, one: Bundle) -> None:
    two = scene.export({"two.txt": b"2"}, name="two", after=one)
    ended = airgap("import", two.path, "--store", scene.store_path)
    assert ended.code == 3
    assert "rejected: gap\nhint: import the bundles in between first, or say --allow-gap REASON" in ended.out

    assert airgap("import", two.path, "--store", scene.store_path, "--allow-gap", "the disk was lost").code == 0
    assert (
        "override     generation 1, reason the disk was lost" in airgap("ledger", "show", "--store", scene.store_path).out
    )


@pytest.mark.parametrize(
    ("more", "code", "words"),
    [
        (("one.airgap", "--receipt", "one.airgap"), 2, "one.airgap: expected a new name, got a file that exists"),
        (("one.airgap", "--receipt", "none/receipt.json"), 2, "expected a folder to write it in, got none"),
        (("one.airgap", "--allow-gap", ""), 2, "--allow-gap: expected a reason of 1 to 500 characters, got 0"),
        (("one.airgap", "--allow-gap", "x" * 501), 2, "--allow-gap: expected a reason of 1 to 500 characters, got 501"),
        (("none.airgap",), 2, "none.airgap: expected a bundle, got no such file"),
        (("store/site.pub.pem",), 2, "store/site.pub.pem: expected a bundle outside the store, got one inside"),
        (("one.airgap", "--store", "one.files"), 1, "one.files: expected a store, got none"),
        (("one.airgap", "--store", "one.airgap"), 1, "one.airgap: expected a store's own folder, got a link or file"),
    ],
)
def test_an_import_that_makes_no_sense_is_refused_before_anything_is_done(
    more: tuple[str, ...],
    code: int,
    words: str,
    airgap: Airgap,
    scene: Scene,
    one: Bundle,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(scene.root)
    before = tree(scene.root)
    ended = airgap("import", "--store", "store", *more)

    assert words in ended.err
    assert ended.code == code
    assert tree(scene.root) == before


@pytest.mark.parametrize("command", [("import", "one.airgap"), ("check",), ("recover",)])
def test_a_store_that_somebody_holds_is_busy(
    command: tuple[str, ...], airgap: Airgap, scene: Scene, one: Bundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(scene.root)
    with locked(scene.open().layout.lock):
        ended = airgap(*command, "--store", "store")

    assert ended.code == 5
    assert ended.err.endswith("hint: wait for the other import or check to end\n")


def test_a_sound_store_is_clean(airgap: Airgap, imported: Scene) -> None:
    ended = airgap("check", "--store", imported.store_path)

    assert ended.code == 0
    assert ended.out.endswith("clean: 2 objects, 10.2 kB hashed\n")
    said = airgap("check", "--store", imported.store_path, "--json").json
    validate("verdict", said, what="verdict")
    assert (said["result"], said["reason"], said["guarantees"]) == ("clean", None, {"integrity": {"store": "holds"}})


def test_one_changed_byte_is_found_named_quarantined_and_healed(airgap: Airgap, imported: Scene, one: Bundle) -> None:
    store = imported.store_path
    rot(imported.object_of(FILES["hello.txt"]))
    name = os.path.relpath(imported.object_of(FILES["hello.txt"]), store)
    ended = airgap("check", "--store", store)

    assert ended.code == 4
    assert f"FAILED  bytes      object-rotten: {name}\n          expected artifacts/files/hello.txt, 6 bytes" in ended.out
    assert "1 object moved to quarantine and out of the views; nothing was deleted" in ended.out
    assert os.listdir(f"{store}/quarantine") == [f"{os.path.basename(name)}.2"]
    assert not os.path.lexists(f"{store}/current/files/hello.txt")
    assert f"1  {HELLO}  (in quarantine)" in airgap("list", "--store", store).out
    again = airgap("check", "--store", store, "--json")
    validate("verdict", again.json, what="verdict")
    assert (again.code, again.json["result"], again.json["reason"]) == (4, "damaged", "object-missing")

    ended = airgap("import", one.path, "--store", store)

    assert "imported as generation 3: 1 new object" in ended.out
    assert airgap("check", "--store", store).code == 0
    with open(f"{store}/current/files/hello.txt", "rb") as file:
        assert file.read() == FILES["hello.txt"]


def test_a_rotten_object_that_no_check_found_yet_is_healed_by_the_same_bundle(
    airgap: Airgap, imported: Scene, one: Bundle
) -> None:
    rot(imported.object_of(FILES["hello.txt"]))
    ended = airgap("import", one.path, "--store", imported.store_path)

    assert ended.out.endswith("imported as generation 2: 0 new objects, 1 object healed\n")
    assert airgap("check", "--store", imported.store_path).code == 0


def test_list_names_every_artifact_with_channel_and_sequence(airgap: Airgap, imported: Scene) -> None:
    ended = airgap("list", "--store", imported.store_path)

    assert ended.code == 0
    assert ended.out.splitlines()[1].endswith(f"  5891b5b522d5  main 1  {HELLO}")
    assert ended.out.splitlines()[-1] == "2 artifacts"
    rows = airgap("list", "--store", imported.store_path, "--json").json["artifacts"]
    assert [(row["purl"], row["withdrawn"]) for row in rows] == [("pkg:generic/deep/er/data.bin", False), (HELLO, False)]


@pytest.mark.parametrize("name", [HELLO, "hello.txt", "files/hello.txt", "artifacts/files/hello.txt"])
def test_show_says_what_proves_an_artifact_under_any_of_its_names(name: str, airgap: Airgap, imported: Scene) -> None:
    ended = airgap("show", name, "--store", imported.store_path)

    assert ended.code == 0
    assert f"purl       {HELLO}\n" in ended.out
    assert "signers    alice\n" in ended.out
    (found,) = airgap("show", name, "--store", imported.store_path, "--json").json["artifacts"]
    assert (found["view"], found["size"], found["signers"]) == ("files/hello.txt", 6, ["alice"])


def test_show_of_something_else_says_where_to_look(airgap: Airgap, imported: Scene) -> None:
    ended = airgap("show", "pkg:npm/left-pad", "--store", imported.store_path)
    assert ended.code == 2
    assert ended.err.endswith("expected an artifact of this store, got none\nhint: airgap list --store STORE\n")


def test_the_ledger_tells_the_story_and_proves_itself(airgap: Airgap, imported: Scene) -> None:
    ended = airgap("ledger", "show", "--store", imported.store_path)
    assert [line.split()[2] for line in ended.out.splitlines()] == ["init", "prepared", "committed"]
    said = airgap("ledger", "show", "--store", imported.store_path, "--json").json
    assert [record["kind"] for record in said["records"]] == ["init", "prepared", "committed"]

    proof = airgap("ledger", "verify", "--store", imported.store_path)
    assert (proof.code, proof.out) == (0, f"3 records, root {said['root']}\n")


def test_a_record_that_was_edited_is_found_and_stays_found(airgap: Airgap, imported: Scene, one: Bundle) -> None:
    log = imported.open().layout.log
    with open(log, "rb") as file:
        lines = file.read()
    with open(log, "wb") as file:
        file.write(lines.replace(b"2026-11-23", b"2026-11-22", 1))
    ended = airgap("ledger", "verify", "--store", imported.store_path)
    assert (ended.code, ended.out.splitlines()[0]) == (4, "broken: records differ from what the checkpoint covers")

    for command in (("check",), ("import", one.path), ("check",)):
        airgap(*command, "--store", imported.store_path)

    ended = airgap("ledger", "verify", "--store", imported.store_path, "--json")
    assert (ended.code, ended.json["result"]) == (4, "damaged")
    assert airgap("check", "--store", imported.store_path, "--json").json["reason"] == "history-broken"


def test_recover_rebuilds_a_lost_index_and_says_what_it_did(airgap: Airgap, imported: Scene) -> None:
    os.unlink(imported.open().layout.index)
    os.mkdir(f"{imported.store_path}/staging/dead")
    ended = airgap("recover", "--store", imported.store_path)

    assert ended.code == 0
    assert ended.out.splitlines() == [
        "removed 1 unfinished staging folders",
        "rebuilt the index",
        "generation 1 is in order; the index was rebuilt",
    ]
    assert "2 artifacts" in airgap("list", "--store", imported.store_path).out
    said = airgap("recover", "--store", imported.store_path, "--json").json
    assert said == {"generation": 1, "actions": [], "index": "rebuilt"}


def test_what_an_import_or_a_check_recovered_is_told(airgap: Airgap, imported: Scene, one: Bundle) -> None:
    for command in (("import", one.path), ("check",)):
        os.mkdir(f"{imported.store_path}/staging/dead")
        ended = airgap(*command, "--store", imported.store_path)
        assert ended.out.startswith("recovered: removed 1 unfinished staging folders\n")


def test_a_list_of_a_store_whose_index_is_gone_says_what_to_do(airgap: Airgap, imported: Scene) -> None:
    os.unlink(imported.open().layout.index)
    ended = airgap("list", "--store", imported.store_path)
    assert ended.code == 1
    assert ended.err.endswith("hint: run airgap recover\n")


@pytest.mark.parametrize(
    "command", [("list",), ("show", "x"), ("check",), ("recover",), ("ledger", "show"), ("ledger", "verify")]
)
def test_every_command_of_the_isolated_side_wants_a_store(
    command: tuple[str, ...], airgap: Airgap, tmp_path: object
) -> None:
    ended = airgap(*command, "--store", tmp_path, "--json")

    assert ended.code == 1
    assert json.loads(ended.out)["hint"] == "airgap init STORE --trust TRUST --site NAME makes one"
    assert os.listdir(str(tmp_path)) == []


def test_long_lists_of_findings_are_cut_for_people_and_whole_in_json(airgap: Airgap, scene: Scene) -> None:
    scene.take_in(scene.export({f"{n:02}.txt": b"%d" % n for n in range(25)}))
    for n in range(25):
        rot(scene.object_of(b"%d" % n))
    ended = airgap("check", "--store", scene.store_path)

    assert ended.out.count("object-rotten: objects/") == 20
    assert "bytes: 5 more findings; --json lists them all" in ended.out
    assert len(airgap("check", "--store", scene.store_path, "--json").json["findings"]) > 25
