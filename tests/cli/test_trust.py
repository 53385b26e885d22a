import os
import sys

import pytest

from airgap.cli.qr import qr_text
from tests.cli.conftest import Airgap
from tests.cli.keyring import key_file, public_file, trust_file
from tests.isolated.scene import Scene, key_of, tree

INIT = ("init", "-o", "new.json")
AMEND = ("amend", "trust.json", "-o", "new.json")
REVOKE = ("trust", "revoke", "trust.json", "-o", "new.json")
BY_ALICE = ("--key", "alice.key.pem")


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
        (
            ("--artifacts", "pkg:npm/*", "--artifacts", "pkg:pypi/*"),
            "channel main: 1 of alice; pkg:npm/*, pkg:pypi/*; for any",
        ),
        (("--destination", "b", "--destination", "a"), "channel main: 1 of alice; pkg:*; for a, b"),
        (
            ("--add-exporter", "bob.pub.pem", "--channel", "new", "--artifacts", "pkg:npm/*", "--destination", "lab"),
            "channel new: 1 of bob; pkg:npm/*; for lab",
        ),
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


def test_a_channel_that_was_for_some_sites_can_be_for_any_and_the_others_stay_as_they_are(
    airgap: Airgap, folder: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder)
    trust_file(folder, "alice")
    airgap("trust", "amend", "trust.json", "-o", "2.json", "--destination", "lab", *BY_ALICE)
    ended = airgap("trust", "amend", "2.json", "-o", "3.json", "--any-destination", *BY_ALICE, "--json")
    second = airgap("trust", "show", "2.json", "--json").json["trust"]["channels"]

    assert second["main"]["destinations"] == ["lab"]
    assert second["other"]["destinations"] == []
    assert ended.json["trust"]["channels"]["main"] == {**second["main"], "destinations": []}
    assert ended.json["trust"]["channels"]["other"] == second["other"]


def test_a_document_without_the_channel_main_can_be_amended_all_the_same(
    airgap: Airgap, folder: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder)
    airgap("trust", *INIT, *ALICE, "--channel", "wheels", *BY_ALICE)
    ended = airgap("trust", "amend", "new.json", "-o", "2.json", "--revoke-key", "ab" * 20, *BY_ALICE, "--json")

    assert ended.code == 0
    assert list(ended.json["trust"]["channels"]) == ["wheels"]


FINGERPRINT = "B8C3 BBB6 09B4 0154 A1C5  D607 0A7D DD6C 2B8B 0DED"


@pytest.mark.parametrize(
    ("options", "list_", "what"),
    [
        (("--key-id", "CD" * 32), "keys", "cd" * 32),
        (("--key-id", f"sha256:{'cd' * 32}"), "keys", "cd" * 32),
        (("--key-id", FINGERPRINT), "keys", "b8c3bbb609b40154a1c5d6070a7ddd6c2b8b0ded"),
        (("--key-id", "0xB8C3BBB609B40154A1C5D6070A7DDD6C2B8B0DED"), "keys", "b8c3bbb609b40154a1c5d6070a7ddd6c2b8b0ded"),
        (
            ("--key-id", "openpgp:b8c3bbb609b40154a1c5d6070a7ddd6c2b8b0ded"),
            "keys",
            "b8c3bbb609b40154a1c5d6070a7ddd6c2b8b0ded",
        ),
        (("--digest", "AB" * 32), "digests", "ab" * 32),
        (("--digest", f"sha256:{'ab' * 32}"), "digests", "ab" * 32),
        (("--artifact", "pkg:npm/left-pad@*"), "artifacts", "pkg:npm/left-pad@*"),
    ],
)
def test_what_is_revoked_stands_in_the_next_version_with_its_reason_and_date(
    options: tuple[str, ...], list_: str, what: str, airgap: Airgap, folder: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder)
    trust_file(folder, "alice")
    ended = airgap(*REVOKE, *options, "--reason", "stolen", *BY_ALICE, "--json")

    assert ended.code == 0
    assert ended.json["trust"]["version"] == 2
    assert ended.json["trust"]["holds"]
    empty: dict[str, list[object]] = {"keys": [], "digests": [], "artifacts": []}
    entry = {"what": what, "reason": "stolen", "date": "2026-11-23T08:00:00Z"}
    assert ended.json["trust"]["revoked"] == {**empty, list_: [entry]}


def test_what_was_revoked_once_keeps_its_reason_and_its_date(
    airgap: Airgap, folder: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder)
    trust_file(folder, "alice")
    for options in (("--artifact", "pkg:npm/x"), ("--key-id", "ab" * 20), ("--digest", "ab" * 32)):
        first = airgap("trust", "revoke", "trust.json", "-o", "2.json", *options, "--reason", "stolen", *BY_ALICE)
        again = airgap("trust", "revoke", "2.json", "-o", "3.json", *options, "--reason", "other", *BY_ALICE)
        os.unlink("2.json")

        assert (first.code, again.code) == (0, 2)
        assert "expected what is not revoked yet" in again.err
        assert "revoked since 2026-11-23T08:00:00Z" in again.err
    assert not os.path.exists("3.json")


def test_a_signer_who_leaves_is_gone_from_every_role(airgap: Airgap, folder: str) -> None:
    old = trust_file(folder, "alice", "bob")
    ended = airgap("trust", "amend", old, "-o", f"{folder}/2.json", "--remove", "bob", "--key", f"{folder}/alice.key.pem")

    assert ended.code == 0
    assert "bob" not in ended.out.replace(folder, "")


ALICE = ("--signer", "alice.pub.pem")


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
        ((*AMEND, "--channel", "none", "--exporter-threshold", "2", *BY_ALICE),
         2, "--channel: expected a channel of the document, got 'none'"),
        ((*AMEND, "--channel", "none", "--artifacts", "pkg:*", *BY_ALICE), 2, "expected a channel of the document"),
        ((*AMEND, "--channel", "none", "--any-destination", *BY_ALICE), 2, "expected a channel of the document"),
        ((*AMEND, "--destination", "a", "--any-destination", *BY_ALICE), 2, "expected it without --destination, got both"),
        ((*AMEND, "--destination", "A B", *BY_ALICE), 2, "expected pattern"),
        ((*REVOKE[1:], "--reason", "x", *BY_ALICE), 2, "expected --key-id, --digest or --artifact, got none of them"),
        ((*REVOKE[1:], "--key-id", "ab" * 32, *BY_ALICE), 2, "Missing option '--reason'"),
        ((*REVOKE[1:], "--key-id", "ab" * 8, "--reason", "x", *BY_ALICE), 2, "or an OpenPGP fingerprint of 40"),
        ((*REVOKE[1:], "--digest", "ab" * 20, "--reason", "x", *BY_ALICE), 2, "digest: expected a SHA-256 of 64 hex"),
        ((*REVOKE[1:], "--artifact", "pkg:x", "--reason", "", *BY_ALICE), 2, "minLength 1"),
        (("diff", "none.json", "trust.json"), 2, "none.json: expected to read it, got No such file"),
        (("diff", "trust.json", "alice.pub.pem"), 7, "alice.pub.pem: trust document: expected canonical JSON"),
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


def modules(text: str) -> list[str]:
    """The lines of a QR code in a text."""
    return [line for line in text.splitlines() if line and not set(line) - set("█▀▄ ")]


def test_the_fingerprint_can_be_had_as_a_qr_code(airgap: Airgap, folder: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    made = airgap("trust", *INIT, *ALICE, *BY_ALICE, "--qr")
    fingerprint = airgap("trust", "show", "new.json", "--json").json["trust"]["fingerprint"]

    assert made.code == 0
    assert modules(made.out) == qr_text(fingerprint).splitlines()
    assert modules(airgap("trust", "show", "new.json", "--qr").out) == modules(made.out)
    assert modules(airgap("trust", "show", "new.json").out) == []


def test_a_qr_code_is_for_people(airgap: Airgap, folder: str) -> None:
    ended = airgap("trust", "show", trust_file(folder, "alice"), "--qr", "--json")

    assert ended.code == 2
    assert ended.json["message"] == "--qr: expected text for people, got --json"


def test_where_nothing_draws_qr_codes_no_document_is_written(
    airgap: Airgap, folder: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder)
    monkeypatch.setitem(sys.modules, "segno", None)
    ended = airgap("trust", *INIT, *ALICE, *BY_ALICE, "--qr")

    assert ended.code == 2
    assert ended.err.endswith("hint: pip install 'airgap[qr]'\n")
    assert not os.path.exists("new.json")


def test_a_difference_says_first_whether_the_new_document_follows(
    airgap: Airgap, folder: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder)
    trust_file(folder, "alice", "bob")
    bob, carol = (key_of(name).public.key_id for name in ("bob", "carol"))
    airgap(
        "trust", *AMEND, "--add-exporter", "bob=carol.pub.pem", "--exporter-threshold", "2", "--destination", "lab",
        "--revoke-key", bob, "--reason", "stolen", "--channel", "other", "--expires", "2 years", *BY_ALICE,
    )  # fmt: skip
    ended = airgap("trust", "diff", "trust.json", "new.json")

    assert ended.code == 0
    assert ended.out.splitlines() == [
        "follows: version 2 may take the place of version 1",
        "  document: changed",
        "    version  was 1",
        "             now 2",
        "    issued   was 2026-11-13T08:00:00Z",
        "             now 2026-11-23T08:00:00Z",
        "    expires  was 2027-11-13T08:00:00Z",
        "             now 2028-11-22T08:00:00Z",
        "  signer bob: changed",
        f"    keys   was ed25519 {bob}",
        f"           now ed25519 {carol}",
        "    from   was 2026-11-13T08:00:00Z",
        "           now 2026-11-23T08:00:00Z",
        "    until  was 2027-11-13T08:00:00Z",
        "           now 2028-11-22T08:00:00Z",
        "  channel other: changed",
        "    threshold     was 1",
        "                  now 2",
        "    destinations  was any site",
        "                  now lab",
        f"  revocation of key {bob}: added",
        "    reason  stolen",
        "    date    2026-11-23T08:00:00Z",
    ]


def test_a_document_that_does_not_follow_ends_with_7_and_says_why_before_what(
    airgap: Airgap, folder: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder)
    trust_file(folder, "alice")
    trust_file(folder, "bob", file="theirs.json")
    ended = airgap("trust", "diff", "trust.json", "theirs.json")
    told = airgap("trust", "diff", "trust.json", "theirs.json", "--json")

    assert (ended.code, told.code) == (7, 7)
    assert ended.out.startswith("DOES NOT FOLLOW: trust update: expected version 2, got 1\n  document: changed\n")
    assert "  signer alice: removed\n    keys   ed25519 " in ended.out
    assert (told.json["result"], told.json["why"]) == ("does-not-follow", "trust update: expected version 2, got 1")


def test_the_same_document_with_one_more_signature_is_identical(
    airgap: Airgap, folder: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder)
    for file in ("trust.json", "signed.json"):
        trust_file(folder, "alice", "bob", file=file)
    airgap("trust", "sign", "signed.json", "--key", "bob.key.pem")
    ended = airgap("trust", "diff", "trust.json", "signed.json")

    assert (ended.code, ended.out) == (0, "identical: version 1 of the same document\n")


def test_a_document_in_force_that_does_not_hold_is_compared_with_nothing(
    airgap: Airgap, folder: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder)
    airgap("trust", *INIT, *ALICE, "--signer", "bob.pub.pem", "--threshold", "2", *BY_ALICE)
    ended = airgap("trust", "diff", "new.json", "new.json")

    assert ended.code == 7
    assert "expected signatures of 2 of alice, bob, got alice" in ended.err


def test_what_somebody_wrote_into_a_document_reaches_no_terminal_as_it_is(
    airgap: Airgap, folder: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder)
    trust_file(folder, "alice")
    evil = "x\n  channel main: removed \x1b[2J\u202e"
    options = ("--reason", evil, "--revoke-artifact", f"pkg:npm/{evil}", "--artifacts", f"pkg:pypi/{evil}")
    assert airgap("trust", *AMEND, *options, *BY_ALICE).code == 0
    for command in (("diff", "trust.json", "new.json"), ("show", "new.json"), ("diff", "trust.json", "new.json", "--json")):
        ended = airgap("trust", *command)
        assert ended.code == 0
        assert not {"\x1b", "\u202e"} & set(ended.out)
        assert "\n  channel main: removed" not in ended.out
