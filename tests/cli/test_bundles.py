"""export, sign, inspect and verify."""

import os
from datetime import datetime, timedelta
from hashlib import sha256

import pytest

from airgap.cli import inputs
from airgap.core.entries import Loss
from airgap.core.schema import validate
from airgap.core.statement import Container
from tests.cli.conftest import Airgap
from tests.cli.keyring import key_file, trust_file
from tests.isolated.scene import Scene, rot, signed, tree, trust_of


@pytest.fixture
def site(tmp_path: object) -> Scene:
    """A connected host: keys of alice and bob, their trust document, and a folder to export."""
    site = Scene(str(tmp_path))
    trust_file(site.root, "alice", "bob")
    for name in ("alice", "bob"):
        key_file(site.root, name)
    for path, content in {"a.txt": b"a\n", "a.txt.sig": b"signed\n", "deep/b.bin": bytes(70_000)}.items():
        os.makedirs(os.path.dirname(f"{site.root}/out/{path}"), exist_ok=True)
        with open(f"{site.root}/out/{path}", "wb") as file:
            file.write(content)
    os.chdir(site.root)
    return site


@pytest.fixture(autouse=True)
def _home(monkeypatch: pytest.MonkeyPatch, tmp_path: object) -> None:
    monkeypatch.chdir(str(tmp_path))


@pytest.fixture
def one(site: Scene, airgap: Airgap) -> str:
    """The exported folder."""
    airgap("export", "out", "-o", "one.airgap", "--key", "alice.key.pem")
    return f"{site.root}/one.airgap"


def test_an_exported_folder_verifies_and_the_words_say_so(airgap: Airgap, one: str) -> None:
    ended = airgap("verify", one, "--trust", "trust.json")

    assert ended.code == 0
    assert "ok      signature  channel main by alice" in ended.out
    assert "open    history    sequence and previous bundle: only a store knows them" in ended.out
    assert "unknown evidence   files/a.txt: raw, " in ended.out
    assert ended.out.endswith("accepted: channel main, sequence 1\n")


def test_a_verdict_in_json_has_the_shape_that_is_published(airgap: Airgap, one: str) -> None:
    ended = airgap("verify", one, "--trust", "trust.json", "--policy", "lab", "--json")

    validate("verdict", ended.json, what="verdict")
    assert (ended.json["result"], ended.json["reason"]) == ("accepted", None)
    assert ended.json["counts"] == {"artifacts": 2, "documents": 1}
    assert ended.err == ""


def test_export_says_what_it_sealed(airgap: Airgap, site: Scene) -> None:
    os.symlink("a.txt", "out/link")
    ended = airgap("export", "out", "-o", "one.airgap", "--key", "alice.key.pem")

    assert ended.code == 0
    assert "sealed one.airgap" in ended.out
    assert "2 artifacts, 70.0 kB in" in ended.out
    assert "channel main, sequence 1, expires 2027-02-21T08:00:00Z" in ended.out
    assert "not carried: pkg:generic/link: not-selected, a symbolic link" in ended.out
    said = airgap("export", "out", "-o", "two.airgap", "--key", "alice.key.pem", "--json").json
    assert (said["result"], said["paths"], len(said["losses"])) == ("sealed", ["two.airgap"], 1)


@pytest.mark.parametrize("json", [(), ("--json",)])
def test_a_dry_run_lists_what_would_travel_and_writes_nothing(json: tuple[str, ...], airgap: Airgap, site: Scene) -> None:
    before = tree(site.root)
    ended = airgap("export", "out", "-o", "one.airgap", "--dry-run", *json)

    assert ended.code == 0
    if json:
        assert ended.json["result"] == "planned"
        assert [item["evidence"] for item in ended.json["artifacts"]] == [1, 0]
    else:
        assert "artifacts/files/deep/b.bin" in ended.out
        assert "2 artifacts, 70.0 kB would travel; nothing was written" in ended.out
    assert tree(site.root) == before


def test_a_request_names_channel_destination_and_custody(airgap: Airgap, site: Scene) -> None:
    with open("request.toml", "w", encoding="utf-8") as file:
        file.write(
            '[bundle]\nchannel = "other"\ndestination = "plant-7"\nexpires = "3 days"\n'
            '[[source]]\necosystem = "files"\npaths = ["out/*.txt"]\ninto = "in"\nrequested_by = "agent:bot"\n'
        )
    said = airgap("export", "request.toml", "-o", "one.airgap", "--key", "alice.key.pem", "--json").json["bundle"]

    assert (said["channel"], said["destination"], said["expires"]) == ("other", "plant-7", "2026-11-26T08:00:00Z")
    entries = airgap("inspect", "one.airgap", "--manifest", "--json").json["entries"]
    assert [(entry["path"], entry.get("custody")) for entry in entries if entry["path"].startswith("artifacts/")] == [
        ("artifacts/files/in/a.txt", [{"kind": "agent", "name": "bot"}])
    ]


def test_the_time_of_a_build_can_be_pinned(airgap: Airgap, site: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1000000000")
    said = airgap("export", "out", "-o", "one.airgap", "--key", "alice.key.pem", "--json").json
    assert said["bundle"]["created"] == "2001-09-09T01:46:40Z"


@pytest.mark.parametrize("epoch", ["yesterday", "-1", "99999999999"])
def test_a_time_that_is_none_is_refused(epoch: str, airgap: Airgap, site: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", epoch)
    ended = airgap("export", "out", "-o", "one.airgap", "--key", "alice.key.pem")
    assert ended.code == 2
    assert f"SOURCE_DATE_EPOCH: expected seconds since 1970, got '{epoch}'" in ended.err


def test_the_next_bundle_follows_the_one_before(airgap: Airgap, one: str) -> None:
    first = airgap("inspect", one, "--json").json["bundle"]
    command = ("export", "out", "-o", "two.airgap", "--after", one, "--key", "alice.key.pem", "--json")
    second = airgap(*command).json["bundle"]

    assert (second["sequence"], second["previous"]) == (2, first["manifest"])


def test_a_bundle_in_volumes_is_found_by_any_of_them(airgap: Airgap, site: Scene) -> None:
    with open("out/noise.bin", "wb") as file:
        file.write(b"".join(sha256(bytes([n & 255, n >> 8])).digest() for n in range(5000)))
    ended = airgap("export", "out", "-o", "v.airgap", "--key", "alice.key.pem", "--volume-size", "65536", "--level", "1")
    names = sorted(name for name in os.listdir() if name.startswith("v.airgap"))

    assert len(names) > 1
    assert f"sealed {len(names)} volumes, v.airgap.001 to {names[-1]}" in ended.out
    for name in ("v.airgap", names[-1]):
        assert airgap("verify", name, "--trust", "trust.json").code == 0
    os.unlink(names[0])
    ended = airgap("verify", names[-1], "--trust", "trust.json", "--json")
    assert (ended.code, ended.json["reason"]) == (3, "volume-missing")


def test_a_bundle_can_be_a_directory(airgap: Airgap, site: Scene) -> None:
    os.symlink("a.txt", "out/link")
    ended = airgap("export", "out", "-o", "d.airgap", "--key", "alice.key.pem", "--container", "directory")

    assert ended.code == 0
    assert os.path.isfile("d.airgap/bundle.head")
    assert airgap("verify", "d.airgap", "--trust", "trust.json").code == 0
    rot("d.airgap/artifacts/files/a.txt")
    ended = airgap("verify", "d.airgap", "--trust", "trust.json")
    assert ended.code == 3
    assert "FAILED  content    content-mismatch: artifacts/files/a.txt" in ended.out


def test_a_name_that_a_medium_may_not_take_is_warned_about_in_a_directory(airgap: Airgap, site: Scene) -> None:
    os.rename("out/a.txt", "out/what?.txt")
    ended = airgap("export", "out", "-o", "d.airgap", "--key", "alice.key.pem", "--container", "directory")
    assert "warning: artifacts/files/what?.txt:" in ended.err


EXPORT = ("export", "out", "-o", "x.airgap")
VERIFY = ("verify", "one.airgap", "--trust", "trust.json")
BY_ALICE = ("--key", "alice.key.pem")


@pytest.mark.parametrize(
    ("command", "code", "words"),
    [
        (EXPORT, 2, "--key: expected a private key, got none"),
        (("export", "none", "-o", "x.airgap", *BY_ALICE), 2, "expected a request or a folder, got no such file"),
        (("export", "alice.key.pem", "-o", "x.airgap", *BY_ALICE), 2, "expected a request in TOML"),
        (("export", "out", "-o", "trust.json", *BY_ALICE), 2, "trust.json"),
        ((*EXPORT, "--key", "trust.json"), 2, "trust.json: private key file: expected PEM"),
        ((*EXPORT, "--key", "none.pem"), 2, "none.pem: expected to read it, got No such file"),
        ((*EXPORT, *BY_ALICE, "--container", "zip"), 2, "expected archive or directory"),
        ((*EXPORT, *BY_ALICE, "--volume-size", "9"), 2, "expected fat32, cd, dvd, bd"),
        ((*EXPORT, *BY_ALICE, "--level", "99"), 2, "--level"),
        ((*EXPORT, *BY_ALICE, "--after", "trust.json"), 3, "got another kind of file"),
        ((*EXPORT, *BY_ALICE, "--trust-update", "one.airgap"), 7, "trust document"),
        ((*EXPORT, "--key", "bob.key.pem", "--after", "one.airgap"), 2, "one of these keys signed"),
        (("sign", "one.airgap"), 2, "--key: expected a private key, got none"),
        (("sign", "one.airgap", *BY_ALICE), 3, "expected a key that has not signed yet"),
        (("sign", "trust.json", "--key", "bob.key.pem"), 3, "got another kind of file"),
        (("inspect", "trust.json"), 3, "got another kind of file"),
        (("inspect", "none.airgap"), 2, "expected a bundle, got no such file"),
        (("verify", "one.airgap", "--trust", "one.airgap"), 7, "one.airgap: trust document: expected"),
        ((*VERIFY, "--policy", "soft"), 2, "expected strict, standard, lab or a file"),
        ((*VERIFY, "--policy", "trust.json"), 2, "trust.json: policy: expected TOML"),
        ((*VERIFY, "--policy", "one.airgap"), 2, "bytes that are not UTF-8"),
        (("verify", "none.airgap", "--trust", "trust.json"), 2, "expected a bundle, got no such file"),
    ],
)  # fmt: skip
def test_a_command_that_fails_says_why_and_leaves_nothing_behind(
    command: tuple[str, ...], code: int, words: str, airgap: Airgap, site: Scene, one: str
) -> None:
    before = tree(site.root)
    ended = airgap(*command)

    assert words in ended.err
    assert ended.code == code
    assert "Traceback" not in ended.err
    assert tree(site.root) == before


def test_a_second_signer_signs_in_place_and_both_are_named(airgap: Airgap, site: Scene, one: str) -> None:
    ended = airgap("sign", one, "--key", "bob.key.pem")

    assert ended.code == 0
    assert "signed channel main, sequence 1, 2 artifacts" in ended.out
    assert "2 signatures now" in ended.out
    assert "channel main by alice, bob" in airgap("verify", one, "--trust", "trust.json").out
    assert os.listdir(site.root).count("one.airgap") == 1


def test_nobody_signs_a_bundle_whose_content_is_not_what_it_says(airgap: Airgap, one: str) -> None:
    rot(one, at=os.path.getsize(one) - 200)
    before = tree(os.path.dirname(one))
    ended = airgap("sign", one, "--key", "bob.key.pem", "--json")

    assert ended.code == 3
    assert ended.json["reason"] in {"frame-damaged", "content-mismatch", "filler-mismatch"}
    assert tree(os.path.dirname(one)) == before


def test_inspect_says_first_that_nothing_was_verified(airgap: Airgap, one: str) -> None:
    ended = airgap("inspect", one, "--manifest", "--losses")

    assert ended.code == 0
    assert ended.out.startswith("NOTHING WAS VERIFIED: ")
    assert "signature    by a key that calls itself " in ended.out
    assert "entries      2 artifacts, 1 document\n" in ended.out
    assert "       70000  artifacts/files/deep/b.bin" in ended.out
    assert airgap("inspect", one, "--losses", "--json").json["losses"] == []
    assert airgap("inspect", one, "--json").json["verified"] is False


@pytest.mark.parametrize(
    ("days", "code", "reason"),
    [(91, 3, "expired"), (-2, 7, "clock-behind"), (400, 7, "trust-expired")],
)
def test_a_bundle_out_of_its_time_is_refused_and_the_hint_says_what_to_do(
    days: int, code: int, reason: str, airgap: Airgap, one: str, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inputs, "now", lambda: now + timedelta(days=days))
    ended = airgap("verify", one, "--trust", "trust.json")

    assert ended.code == code
    assert f"rejected: {reason}\nhint: " in ended.out


def test_a_read_only_medium_stays_as_it_is(airgap: Airgap, scene: Scene, one: str) -> None:
    os.chmod(one, 0o444)
    before = os.stat(one)
    for command in (("inspect", one), VERIFY, ("import", one, "--store", scene.store_path)):
        assert airgap(*command).code == 0
    assert (os.stat(one).st_mtime_ns, os.stat(one).st_ctime_ns) == (before.st_mtime_ns, before.st_ctime_ns)


def test_a_trust_update_travels_inside_a_bundle(airgap: Airgap, scene: Scene, site: Scene) -> None:
    with open("2.json", "wb") as file:
        file.write(signed(trust_of("alice", "bob", version=2), "alice").encode() + b"\n")
    airgap("export", "out", "-o", "u.airgap", "--key", "alice.key.pem", "--trust-update", "2.json")

    assert airgap("inspect", "u.airgap", "--json").json["trustUpdates"] == 1
    assert airgap("import", "u.airgap", "--store", scene.store_path).code == 0
    assert scene.open().state().trust == 2


@pytest.mark.parametrize("container", list(Container))
def test_nothing_that_others_wrote_reaches_the_terminal_raw(container: Container, airgap: Airgap, site: Scene) -> None:
    hostile = "\x1b[2J\u202e\x07\naccepted: everything"
    losses = [Loss("pkg:generic/a", "not-selected", hostile)]
    bundle = site.export({"a": b"a"}, name="evil", version=hostile, losses=losses, container=container)
    for command in (
        ("inspect", bundle.path),
        ("inspect", bundle.path, "--json"),
        ("sign", bundle.path, "--key", "bob.key.pem"),
    ):
        ended = airgap(*command)
        assert ended.code == 0
        assert not set("\x1b\u202e\x07") & set(ended.out + ended.err)
        assert "\naccepted" not in ended.out


def test_a_path_that_somebody_chose_is_escaped_in_the_message(airgap: Airgap, site: Scene) -> None:
    ended = airgap("verify", "none\x1b[2J\n.airgap", "--trust", "trust.json")
    assert ended.err == "airgap: none\\u{1b}[2J\\u{a}.airgap: expected a bundle, got no such file\n"
