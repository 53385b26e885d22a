import os

import pytest

from tests.cli.conftest import Airgap
from tests.cli.keyring import key_file, public_file, trust_file
from tests.isolated.scene import Scene, key_of, tree


@pytest.fixture
def folder(tmp_path: object) -> str:
    folder = str(tmp_path)
    for name in ("alice", "bob", "carol"):
        key_file(folder, name)
        public_file(folder, name)
    return folder


def test_trust_init_makes_a_document_that_its_signer_vouches_for(airgap: Airgap, folder: str) -> None:
    out = f"{folder}/trust.json"
    ended = airgap(
        "trust", "init", "-o", out, "--signer", f"{folder}/alice.pub.pem", "--exporter", f"robert={folder}/bob.pub.pem",
        "--channel", "wheels", "--artifacts", "pkg:pypi/*", "--destination", "plant-7", "--key", f"{folder}/alice.key.pem",
    )  # fmt: skip

    assert ended.code == 0
    assert "trust document, version 1, 2026-11-23T08:00:00Z until 2027-11-23T08:00:00Z" in ended.out
    assert f"signer robert: ed25519, key {key_of('bob').public.key_id[:16]}" in ended.out
    assert "this document: 1 of alice" in ended.out
    assert "channel wheels: 1 of robert; pkg:pypi/*; for plant-7" in ended.out
    assert "its own threshold holds" in ended.out


def test_the_fingerprint_stays_the_same_when_one_more_signs(airgap: Airgap, folder: str) -> None:
    out = f"{folder}/trust.json"
    two = ("--signer", f"{folder}/alice.pub.pem", "--signer", f"{folder}/bob.pub.pem", "--threshold", "2")
    first = airgap("trust", "init", "-o", out, *two, "--key", f"{folder}/alice.key.pem", "--json").json["trust"]
    assert not first["holds"]
    assert first["why"].endswith("expected signatures of 2 of alice, bob, got alice")

    second = airgap("trust", "sign", out, "--key", f"{folder}/bob.key.pem", "--json").json

    assert second["trust"]["holds"]
    assert second["trust"]["fingerprint"] == first["fingerprint"]
    assert second["keyIds"] == sorted(second["keyIds"], key=[key_of(n).public.key_id for n in ("alice", "bob")].index)
    assert airgap("trust", "show", out, "--json").json["trust"] == second["trust"]
    assert f"{out}.new" not in os.listdir(folder)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--add-signer", "bob.pub.pem", "--threshold", "2"), "this document: 2 of alice, bob"),
        (("--add-exporter", "bob.pub.pem"), "channel main: 1 of alice, bob; pkg:*; for any site"),
        (("--add-exporter", "bob.pub.pem", "--channel", "new"), "channel new: 1 of bob; pkg:*; for any site"),
        (("--exporter-threshold", "1", "--expires", "2 weeks"), "until 2026-12-07T08:00:00Z"),
        (("--revoke-digest", "ab" * 32, "--reason", "broken"), f"revoked {'ab' * 32}: broken"),
        (("--revoke-key", "cd" * 32), f"revoked {'cd' * 32}: not given"),
        (("--revoke-artifact", "pkg:npm/left-pad"), "revoked pkg:npm/left-pad: not given"),
    ],
)
def test_an_amended_document_is_the_next_version_and_says_what_changed(
    options: tuple[str, ...], words: str, airgap: Airgap, folder: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder)
    trust_file(folder, "alice")
    ended = airgap("trust", "amend", "trust.json", "-o", "next.json", *options, "--key", "alice.key.pem")

    assert ended.code == 0
    assert "trust document, version 2" in ended.out
    assert words in ended.out


def test_a_signer_who_leaves_is_gone_from_every_role(airgap: Airgap, folder: str) -> None:
    old = trust_file(folder, "alice", "bob")
    ended = airgap("trust", "amend", old, "-o", f"{folder}/2.json", "--remove", "bob", "--key", f"{folder}/alice.key.pem")

    assert ended.code == 0
    assert "bob" not in ended.out.replace(folder, "")


INIT = ("init", "-o", "new.json")
AMEND = ("amend", "trust.json", "-o", "new.json")
ALICE = ("--signer", "alice.pub.pem")
BY_ALICE = ("--key", "alice.key.pem")


@pytest.mark.parametrize(
    ("command", "code", "words"),
    [
        ((*INIT, *ALICE), 2, "--key: expected a private key, got none"),
        (("init", "-o", "trust.json", *ALICE, *BY_ALICE), 2, "expected a new name"),
        ((*INIT, "--signer", "none.pub.pem", *BY_ALICE), 2, "none.pub.pem: expected to read"),
        ((*INIT, "--signer", "A B=alice.pub.pem", *BY_ALICE), 2, "signer: expected 1 to 64"),
        ((*INIT, "--signer", "alice.key.pem", *BY_ALICE), 2, "public key file: expected PEM"),
        ((*INIT, "--signer", "a=alice.pub.pem", "--signer", "b=alice.pub.pem", *BY_ALICE),
         2, "one key twice"),
        ((*INIT, *ALICE, "--threshold", "2", *BY_ALICE),
         2, "threshold from 1 to 1"),
        ((*AMEND, "--remove", "alice", *BY_ALICE), 2, "minProperties 1 at 'signers'"),
        ((*AMEND, "--expires", "soon", *BY_ALICE), 2, 'such as "90 days"'),
        ((*AMEND, "--revoke-key", "short", *BY_ALICE), 2, "key: expected a key id of 64 hex digits"),
        (("amend", "alice.pub.pem", "-o", "new.json", *BY_ALICE), 7, "expected canonical JSON"),
        (("sign", "trust.json", *BY_ALICE), 2, "expected a key that has not signed yet"),
        (("show", "alice.pub.pem"), 7, "alice.pub.pem: trust document: expected canonical JSON"),
        (("show", "none.json"), 2, "none.json: expected to read it, got No such file"),
    ],
)  # fmt: skip
def test_a_trust_document_that_makes_no_sense_is_not_written(
    command: tuple[str, ...], code: int, words: str, airgap: Airgap, folder: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder)
    trust_file(folder, "alice")
    before = tree(folder)
    ended = airgap("trust", *command)

    assert words in ended.err
    assert ended.code == code
    assert tree(folder) == before


def test_the_key_can_come_from_the_environment(airgap: Airgap, folder: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRGAP_KEY", f"{folder}/alice.key.pem")
    assert airgap("trust", "init", "-o", f"{folder}/t.json", "--signer", f"{folder}/alice.pub.pem").code == 0


def test_an_update_brings_the_next_version_into_force(airgap: Airgap, scene: Scene) -> None:
    old, new = trust_file(scene.root, "alice", "bob"), f"{scene.root}/2.json"
    airgap("trust", "amend", old, "-o", new, "--remove", "bob", "--key", key_file(scene.root, "alice"))
    ended = airgap("trust", "update", new, "--store", scene.store_path)

    assert ended.code == 0
    assert ended.out.startswith("trust document, version 2, is in force; run airgap check")
    assert scene.open().state().trust == 2
    assert airgap("check", "--store", scene.store_path).code == 0


def test_an_update_that_does_not_follow_stops_and_changes_nothing(airgap: Airgap, scene: Scene) -> None:
    same = trust_file(scene.root, "alice")
    before = tree(scene.store_path)
    ended = airgap("trust", "update", same, "--store", scene.store_path, "--json")

    assert ended.code == 7
    assert ended.json["reason"] == "trust-update"
    assert ended.json["message"] == "trust update: expected version 2, got 1"
    assert tree(scene.store_path) == before
