import os
from base64 import b64encode
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from airgap.core.anchors import MAX_MATERIAL
from tests.cli.conftest import Airgap
from tests.cli.keyring import key_file, trust_file
from tests.isolated.scene import signed, tree, trust_of

VECTORS = Path(__file__).parents[1] / "evidence" / "vectors"
MINISIGN = "RWSjlTd4gsRhnk3REYDUg5iNx+nlK53jfhBUhrbPv9uFNniw8dye0KDb"
FINGERPRINT = "b8c3bbb609b40154a1c5d6070a7ddd6c2b8b0ded"
SHA = "ab" * 32
ADD = ("trust", "anchor", "add", "trust.json", "-o", "new.json")
NAMED = ("--name", "up", "--artifacts", "pkg:generic/*")
BY_ALICE = ("--key", "alice.key.pem")
GITHUB = ("--set", "issuer=https://issuer.example", "--set", "repository=https://forge.example/a/b")


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder, with a trust document and the key files of producers."""
    monkeypatch.chdir(tmp_path)
    key_file(".", "alice")
    trust_file(".", "alice")
    for path in (*(VECTORS / "anchoring").iterdir(), VECTORS / "npm" / "keys.json"):
        (tmp_path / path.name).write_bytes(path.read_bytes())
    return tmp_path


def the_anchor(ended: Any) -> dict[str, Any]:
    """The anchor that was added, as the written document has it."""
    assert (ended.code, ended.err) == (0, "")
    said: dict[str, Any] = ended.json["anchor"]
    return {name: said[name] for name in ("name", "kind", "pin", "artifacts", "settings")}


def test_an_anchor_stands_in_the_next_version_which_is_signed(airgap: Airgap) -> None:
    added = airgap(*ADD, *NAMED, "--from", "minisign.pub", "--artifacts", "pkg:npm/x@*", *BY_ALICE, "--json")
    shown = airgap("trust", "show", "new.json", "--json").json["trust"]

    assert the_anchor(added) == {
        "name": "up",
        "kind": "minisign",
        "pin": MINISIGN,
        "artifacts": ["pkg:generic/*", "pkg:npm/x@*"],
        "settings": {},
    }
    assert shown["anchors"] == [the_anchor(added)]
    assert (shown["version"], shown["holds"]) == (2, True)
    assert added.json["trust"] == {name: shown[name] for name in ("version", "fingerprint", "holds", "why")}
    assert airgap("trust", "diff", "trust.json", "new.json").code == 0


def test_what_was_pinned_is_printed_for_a_person_to_compare(airgap: Airgap) -> None:
    pin = "B8C3 BBB6 09B4 0154 A1C5  D607 0A7D DD6C 2B8B 0DED"
    ended = airgap(*ADD, *NAMED, "--kind", "openpgp", "--pin", pin, *BY_ALICE)
    fingerprint = airgap("trust", "show", "new.json", "--json").json["trust"]["fingerprint"]

    assert (ended.code, ended.err) == (0, "")
    assert ended.out.splitlines() == [
        "anchor up",
        "  kind         openpgp",
        f"  pin          {FINGERPRINT}",
        "  artifacts    pkg:generic/*",
        "  fingerprint  B8C3 BBB6 09B4 0154 A1C5 D607 0A7D DD6C 2B8B 0DED",
        "compare the fingerprint with what the producer publishes, over a way that this file did not come",
        f"trust document, version 2, fingerprint {fingerprint}",
        "  its own threshold holds",
    ]


def test_a_key_file_says_how_its_own_tool_names_the_key(airgap: Airgap) -> None:
    ended = airgap(*ADD, *NAMED, "--from", "minisign.pub", *BY_ALICE)

    assert "  key          minisign key 9E61C482783795A3\n" in ended.out


@pytest.mark.parametrize("options", [(), ("--no-material",)])
def test_the_name_in_a_certificate_is_told_and_that_of_material_is_told_again(
    options: tuple[str, ...], airgap: Airgap
) -> None:
    ended = airgap(*ADD, *NAMED, "--from", "openpgp.asc", *options, *BY_ALICE)
    listed = airgap("trust", "anchor", "list", "new.json")

    assert "'Releases <releases@example.org>'" in ended.out
    assert ("Releases" in listed.out) is not bool(options)


def test_a_small_key_list_is_held_in_the_anchor_unless_it_should_not_be(airgap: Airgap, folder: Path) -> None:
    raw = (folder / "keys.json").read_bytes()
    held = the_anchor(airgap(*ADD, *NAMED, "--from", "keys.json", *BY_ALICE, "--json"))
    os.unlink("new.json")
    bare = the_anchor(airgap(*ADD, *NAMED, "--from", "keys.json", "--no-material", *BY_ALICE, "--json"))

    assert held["settings"] == {"material": b64encode(raw).decode()}
    assert bare == {**held, "settings": {}}
    assert held["pin"] == sha256(raw).hexdigest()


def test_what_is_too_large_for_an_anchor_has_to_travel_and_the_person_is_told(airgap: Airgap) -> None:
    with open("trusted_root.json", "ab") as file:
        file.write(b" " * (MAX_MATERIAL + 1 - file.tell()))
    ended = airgap(*ADD, *NAMED, "--from", "trusted_root.json", *GITHUB, *BY_ALICE, "--json")

    assert ended.code == 0
    assert "material" not in ended.json["anchor"]["settings"]
    assert ended.err == (
        f"note: {MAX_MATERIAL + 1} bytes do not fit into an anchor, which holds {MAX_MATERIAL}: "
        "the file has to travel beside the artifacts as their evidence\n"
    )
    quiet = ("--no-material", *BY_ALICE, "--json")
    os.unlink("new.json")
    assert airgap(*ADD, *NAMED, "--from", "trusted_root.json", *GITHUB, *quiet).err == ""


def test_settings_are_kept_and_those_of_the_command_line_win(airgap: Airgap) -> None:
    with open("allowed", "w", encoding="ascii") as file:
        file.write(
            "releases@example.org ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIHx+R554IZ41hpYM5ThtxuUQ5pgU6V8LTMbIEr3QAUxS\n"
        )
    ended = airgap(*ADD, *NAMED, "--from", "allowed", "--set", "namespace=git", *BY_ALICE, "--json")
    os.unlink("new.json")
    other = airgap(*ADD, *NAMED, "--from", "allowed", "--set", "principal=us=you", *BY_ALICE, "--json")

    assert the_anchor(ended)["settings"] == {"namespace": "git", "principal": "releases@example.org"}
    assert the_anchor(other)["settings"] == {"principal": "us=you"}


def test_the_kind_decides_where_a_file_may_be_either(airgap: Airgap, folder: Path) -> None:
    (folder / "bare.pub").write_text(f"{MINISIGN}\n")
    either = airgap(*ADD, *NAMED, "--from", "bare.pub", *BY_ALICE)
    chosen = airgap(*ADD, *NAMED, "--from", "bare.pub", "--kind", "signify", *BY_ALICE, "--json")
    cosign = airgap(*ADD[:-1], "2.json", *NAMED, "--from", "pem.pub", "--kind", "cosign", *BY_ALICE, "--json")

    assert (either.code, either.err) == (
        2,
        "airgap: --kind: expected signify or minisign, since the file may be either, got none\n",
    )
    assert the_anchor(chosen)["kind"] == "signify"
    assert the_anchor(cosign)["kind"] == "cosign"


KINDS = "openpgp, debian-keyring, npm-keys, sigstore, minisign, signify, ssh, x509, model-signing, cosign, pem"


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ((), "anchor: expected --pin PIN or --from FILE, got neither"),
        (("--pin", MINISIGN, "--from", "minisign.pub"), "anchor: expected --pin PIN or --from FILE, got both"),
        (("--pin", MINISIGN), f"--kind: expected one beside --pin, got none; there are {KINDS}"),
        (("--pin", MINISIGN, "--kind", "gpg"), f"--kind: expected {KINDS}, got 'gpg'"),
        (("--pin", MINISIGN, "--kind", "openpgp"), "pin: expected full OpenPGP fingerprints"),
        (("--pin", "0A7DDD6C2B8B0DED", "--kind", "openpgp"), "pin: expected full OpenPGP fingerprints"),
        (("--from", "none.pub"), "none.pub: expected to read it, got No such file"),
        (("--from", "alice.key.pem"), "alice.key.pem: key file: expected one whose form tells its kind, got another"),
        (("--from", "alice.key.pem", "--kind", "pem"), "alice.key.pem: public key: expected one in PEM"),
        (("--from", "minisign.pub", "--set", "tier"), "--set: expected KEY=VALUE, each key once, got 'tier'"),
        (("--from", "minisign.pub", "--set", "a=b", "--set", "a=c"), "each key once, got 'a' twice"),
        (("--from", "minisign.pub", "--set", "a=b"), "settings of minisign: expected no settings, got 'a'"),
        (("--from", "keys.json", "--set", "material=QUJD"), "--set: expected no material, got some"),
        (("--from", "trusted_root.json"), "settings of sigstore: expected issuer, got none"),
        (("--pin", SHA, "--kind", "sigstore", "--set", "issuer=x"), "expected identity or repository, got neither"),
        (("--pin", FINGERPRINT, "--kind", "openpgp", "--set", "tier=pinned-lenient"), "expected a reason for tier"),
        (("--from", "minisign.pub", "--name", "A B"), "--name: expected 1 to 64 of a-z"),
        (("--from", "minisign.pub", "--artifacts", ""), "minLength 1"),
        (("--from", "minisign.pub", "--expires", "soon"), 'such as "90 days"'),
    ],
)
def test_an_anchor_that_makes_no_sense_is_a_usage_error_and_nothing_is_written(
    options: tuple[str, ...], words: str, airgap: Airgap, folder: Path
) -> None:
    before = tree(str(folder))
    ended = airgap(*ADD, *NAMED, *options, *BY_ALICE)

    assert words in ended.err
    assert ended.code == 2
    assert tree(str(folder)) == before


def test_a_name_is_taken_once(airgap: Airgap) -> None:
    airgap(*ADD, *NAMED, "--from", "minisign.pub", *BY_ALICE)
    again = airgap("trust", "anchor", "add", "new.json", "-o", "3.json", *NAMED, "--from", "pem.pub", *BY_ALICE)

    assert (again.code, os.path.exists("3.json")) == (2, False)
    assert again.err == (
        "airgap: --name: expected a name that no anchor has, got 'up'\n"
        "hint: remove that anchor first: airgap trust anchor remove\n"
    )


def test_anchors_are_listed_and_removed_by_name(airgap: Airgap) -> None:
    airgap(*ADD, *NAMED, "--from", "minisign.pub", *BY_ALICE)
    more = ("--name", "other", "--artifacts", "pkg:*", "--from", "signify.pub")
    airgap("trust", "anchor", "add", "new.json", "-o", "3.json", *more, *BY_ALICE)
    listed = airgap("trust", "anchor", "list", "3.json")
    removed = airgap("trust", "anchor", "remove", "3.json", "-o", "4.json", "--name", "up", *BY_ALICE, "--json")
    left = airgap("trust", "anchor", "list", "4.json", "--json")

    assert listed.out.startswith("anchor up\n  kind         minisign\n")
    assert listed.out.endswith("2 anchors in trust document, version 3\n  its own threshold holds\n")
    assert (removed.code, removed.json["trust"]["version"]) == (0, 4)
    assert [anchor["name"] for anchor in left.json["anchors"]] == ["other"]
    assert removed.json["trust"]["anchors"] == [the_anchor_of(left)]
    gone = airgap("trust", "diff", "3.json", "4.json").out
    assert "  anchor up: removed\n" in gone


def the_anchor_of(listed: Any) -> dict[str, Any]:
    (said,) = listed.json["anchors"]
    return {name: said[name] for name in ("name", "kind", "pin", "artifacts", "settings")}


def test_an_anchor_that_can_vouch_for_nothing_is_listed_with_the_reason(airgap: Airgap) -> None:
    useless = {"name": "old", "kind": "openpgp", "pin": "0A7DDD6C2B8B0DED", "artifacts": ["pkg:*"], "settings": {}}
    put("old.json", signed(replace(trust_of("alice"), anchors=(useless,)), "alice").encode())
    listed = airgap("trust", "anchor", "list", "old.json")
    (told,) = airgap("trust", "anchor", "list", "old.json", "--json").json["anchors"]

    assert listed.code == 0
    assert "  UNUSABLE   pin: expected full OpenPGP fingerprints of 40 or 64 lower-case hex digits" in listed.out
    assert told["fingerprint"] is None
    assert told["fault"].startswith("pin: expected full")
    assert "  anchor old: openpgp 0A7DDD6C2B8B0DED; pkg:*\n" in airgap("trust", "show", "old.json").out


def put(path: str, content: bytes) -> None:
    with open(path, "wb") as file:
        file.write(content)


@pytest.mark.parametrize(("file", "words"), [("trust.json", "a document with anchors"), ("new.json", "up")])
def test_an_anchor_that_is_not_there_cannot_be_removed(file: str, words: str, airgap: Airgap) -> None:
    airgap(*ADD, *NAMED, "--from", "minisign.pub", *BY_ALICE)
    ended = airgap("trust", "anchor", "remove", file, "-o", "3.json", "--name", "x", *BY_ALICE)

    assert (ended.code, ended.err) == (2, f"airgap: --name: expected {words}, got 'x'\n")
    assert not os.path.exists("3.json")


def test_an_anchor_needs_a_document_whose_own_threshold_holds(airgap: Airgap) -> None:
    trust_file(".", "alice", "bob", file="theirs.json")
    with open("theirs.json", "rb+") as file:
        raw = file.read().replace(b'"keyid":"', b'"keyid":"0000', 1)
        file.seek(0)
        file.write(raw)
    ended = airgap("trust", "anchor", "add", "theirs.json", "-o", "new.json", *NAMED, "--from", "minisign.pub", *BY_ALICE)

    assert (ended.code, os.path.exists("new.json")) == (7, False)


def test_what_a_producer_wrote_into_a_key_file_reaches_no_terminal_as_it_is(airgap: Airgap, folder: Path) -> None:
    key = (folder / "ssh.pub").read_text().split()[1]
    (folder / "evil.pub").write_text(f"ssh-ed25519 {key} \x1b[2J\u202e\n")
    ended = airgap(*ADD, *NAMED, "--from", "evil.pub", *BY_ALICE)

    assert ended.code == 0
    assert not {"\x1b", "\u202e"} & set(ended.out + ended.err)
