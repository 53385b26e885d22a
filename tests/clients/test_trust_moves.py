"""Trust moves across the gap: by bundles, by files, forwards only; and what it takes back goes out of the views."""

import os
import shutil
import subprocess
import sys
from base64 import b64decode
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from airgap.cli import inputs
from airgap.evidence import openpgp, raw
from airgap.evidence.minisign import read_pin as read_minisign
from airgap.evidence.signify import pinned_candidate
from tests.cli.conftest import Airgap
from tests.clients.kind import Kind, vector
from tests.clients.kinds import KINDS
from tests.clients.two_hosts import airgap
from tests.forge.site import tree

Command = Callable[..., Any]
DAY = timedelta(days=1)


class World:
    """People with a folder and a key each, a site, and what goes between them.

    Args:
        root: a folder for all of it.
        airgap: runs one command; returns its JSON document when it ends with the code ``expected``.
    """

    def __init__(self, root: Path, airgap: Command, people: Sequence[str]) -> None:
        self.root = root
        self.airgap = airgap
        self.store = root / "store"
        self.files = root / "files"
        self.files.mkdir()
        for name in people:
            airgap("keygen", name, "-o", self._folder(name), "--no-passphrase", "--algorithm", "ed25519")

    def key(self, name: str) -> Path:
        return self.root / name / f"{name}.key.pem"

    def public(self, name: str) -> Path:
        return self.root / name / f"{name}.pub.pem"

    def key_id(self, name: str) -> str:
        """The SHA-256 of the public key."""
        body = "".join(line for line in self.public(name).read_text().splitlines() if "-----" not in line)
        return sha256(b64decode(body)).hexdigest()

    def trust(self, version: int) -> Path:
        return self.root / f"trust-{version}.json"

    def begin(self, *options: object, by: Sequence[str]) -> None:
        """Version 1 of the trust document, and a store that pins it."""
        self.airgap("trust", "init", "-o", self.trust(1), *options, *self._by(by))
        self.airgap("init", self.store, "--trust", self.trust(1), "--site", "plant-7")

    def move(self, version: int, *options: object, by: Sequence[str], command: str = "amend") -> Path:
        """Make a version of the trust document out of the one before."""
        new = self.trust(version)
        self.airgap("trust", *command.split(), self.trust(version - 1), "-o", new, *options, *self._by(by))
        return new

    def export(self, name: str, *options: object, by: Sequence[str], after: str = "") -> Path:
        """A bundle of the files, with one that tells it from all others."""
        (self.files / f"{name}.txt").write_text(f"brought by {name}\n")
        bundle = self.root / f"{name}.airgap"
        follows = ("--after", self.root / f"{after}.airgap") if after else ()
        self.airgap("export", self.files, "-o", bundle, *options, *follows, *self._by(by))
        return bundle

    def take(self, bundle: Path, expected: int = 0) -> Any:
        """Import a bundle."""
        return self.airgap("import", bundle, "--store", self.store, expected=expected)

    def refuse(self, bundle: Path, expected: int = 3) -> str:
        """Import a bundle that has to be refused, and prove that the store stays what it was; returns the reason."""
        before = tree(str(self.store))
        said = self.take(bundle, expected)
        assert said["result"] == "rejected"
        assert tree(str(self.store)) == before
        return str(said["reason"])

    def check(self, expected: int = 0) -> Any:
        return self.airgap("check", "--store", self.store, expected=expected)

    def fingerprint(self, version: int, *, inside: bool) -> str:
        """Of a version of the trust document, as its makers have it or as the store has it."""
        path = self.store / "trust" / f"{version}.json" if inside else self.trust(version)
        return str(self.airgap("trust", "show", path)["trust"]["fingerprint"])

    @property
    def versions(self) -> list[str]:
        """What the store knows of the trust document."""
        return sorted(os.listdir(self.store / "trust"))

    @property
    def shown(self) -> set[str]:
        """The files in the view."""
        view = self.store / "current" / "files"
        return {str(path.relative_to(view)) for path in view.rglob("*") if path.is_file()}

    def _folder(self, name: str) -> Path:
        (self.root / name).mkdir()
        return self.root / name

    def _by(self, names: Sequence[str]) -> list[object]:
        return [word for name in names for word in ("--key", self.key(name))]


@pytest.fixture
def told(in_process: Airgap) -> Command:
    """Runs a command in this process, whose clock a test can set."""

    def command(*arguments: object, expected: int = 0) -> Any:
        ended = in_process(*arguments, "--json")
        assert ended.code == expected, (arguments, ended)
        return ended.json

    return command


# -- two rotations, by bundles alone -----------------------------------------------------------------------------------


def rotated(root: Path, command: Command) -> World:
    """A site that has seen three versions: alice and bob, then bob and erin, then erin and frank; exporters change too."""
    world = World(root, command, ("alice", "bob", "erin", "frank", "carol", "dave"))
    signers = [word for name in ("alice", "bob") for word in ("--signer", world.public(name))]
    world.begin(*signers, "--threshold", "2", "--exporter", world.public("carol"), by=("alice", "bob"))
    one = world.export("one", by=["carol"])
    change = ("--add-signer", world.public("erin"), "--remove", "alice", "--add-exporter", world.public("dave"))
    second = world.move(2, *change, by=("alice", "bob", "erin"))
    two = world.export("two", "--trust-update", second, by=("carol", "dave"), after="one")
    leaving = ("--add-signer", world.public("frank"), "--remove", "bob", "--remove", "carol")
    third = world.move(3, *leaving, by=("bob", "erin", "frank"))
    three = world.export("three", "--trust-update", third, by=["dave"], after="two")
    for bundle in (one, two, three):
        world.take(bundle)
    return world


def test_trust_is_rotated_twice_across_the_gap_by_bundles_alone(tmp_path: Path) -> None:
    world = rotated(tmp_path, airgap)

    assert world.versions == ["1.json", "2.json", "3.json"]
    for version in (1, 2, 3):
        assert world.fingerprint(version, inside=True) == world.fingerprint(version, inside=False)
    assert world.check()["result"] == "clean"
    assert world.shown == {"one.txt", "two.txt", "three.txt"}


def test_a_site_that_missed_everything_takes_all_versions_out_of_one_bundle(tmp_path: Path, told: Command) -> None:
    world = rotated(tmp_path, told)
    late = tmp_path / "late"
    told("init", late, "--trust", world.trust(1), "--site", "plant-8")
    updates = [word for version in (2, 3) for word in ("--trust-update", world.trust(version))]
    four = world.export("four", *updates, by=["dave"], after="three")

    told("import", four, "--store", late, "--allow-gap", "the first three were lost")

    for version in ("1.json", "2.json", "3.json"):
        assert (late / "trust" / version).read_bytes() == (world.store / "trust" / version).read_bytes()


def test_a_version_that_was_skipped_is_refused_in_a_bundle_and_as_a_file(tmp_path: Path, told: Command) -> None:
    world = rotated(tmp_path, told)
    world.move(4, by=("erin", "frank"))
    fifth = world.move(5, by=("erin", "frank"))
    four = world.export("four", "--trust-update", fifth, by=["dave"], after="three")
    before = tree(str(world.store))

    assert world.refuse(four) == "trust-update"
    assert told("trust", "update", fifth, "--store", world.store, expected=7)["reason"] == "trust-update"
    assert tree(str(world.store)) == before


@pytest.mark.parametrize("by", ["erin", "alice", "bob"])
def test_a_lowered_threshold_needs_the_old_one_and_those_who_left_do_not_count(
    tmp_path: Path, told: Command, by: str
) -> None:
    world = rotated(tmp_path, told)
    fourth = world.move(4, "--threshold", "1", by=[by])
    four = world.export("four", "--trust-update", fourth, by=["dave"], after="three")
    before = tree(str(world.store))

    reason = world.refuse(four)

    assert reason == ("threshold" if by == "erin" else "unknown-signer")
    assert told("trust", "update", fourth, "--store", world.store, expected=7)["reason"] == reason
    assert tree(str(world.store)) == before


def test_an_exporter_who_was_removed_signs_nothing_any_more_and_what_he_signed_stays(tmp_path: Path, told: Command) -> None:
    world = rotated(tmp_path, told)
    shutil.copy(world.root / "three.airgap", world.root / "copy.airgap")
    told("sign", world.root / "copy.airgap", "--key", world.key("carol"))
    alone = world.export("alone", by=["carol"], after="copy")

    assert world.refuse(alone) == "unknown-signer"
    assert world.check()["result"] == "clean"
    assert "one.txt" in world.shown


def test_an_update_gives_the_same_fingerprint_by_file_and_by_bundle(tmp_path: Path, told: Command) -> None:
    for way in ("file", "bundle"):
        (tmp_path / way).mkdir()
    world = World(tmp_path / "file", told, ("alice",))
    world.begin("--signer", world.public("alice"), by=["alice"])
    second = world.move(2, "--destination", "plant-7", by=["alice"])
    bundle = world.export("one", "--trust-update", second, by=["alice"])
    other = tmp_path / "bundle" / "store"
    told("init", other, "--trust", world.trust(1), "--site", "plant-7")

    by_file = told("trust", "update", second, "--store", world.store)["trust"]
    told("import", bundle, "--store", other)
    by_bundle = told("trust", "show", other / "trust" / "2.json")["trust"]

    assert by_file == {"version": 2, "fingerprint": by_bundle["fingerprint"]}
    assert (world.store / "trust" / "2.json").read_bytes() == (other / "trust" / "2.json").read_bytes()
    assert world.take(bundle)["result"] == "accepted"  # one that is in force already does no harm


# -- what is taken back ------------------------------------------------------------------------------------------------

SIGNED = ("openpgp-ed25519", "openpgp-two", "openpgp-rsa", "minisign", "signify", "raw-ecdsa", "raw-rsa", "dsse",
          "cosign-blob", "sigstore")  # fmt: skip
MINISIGN = pinned_candidate(read_minisign(vector("minisign/key.pub")).pin, "minisign").key.key_id
BY_ONE_PRODUCER = [
    (openpgp.read_pin(vector("openpgp/ed25519.pgp")).pin, {"openpgp-ed25519", "openpgp-two"}),
    (openpgp.read_pin(vector("openpgp/rsa3072.pgp")).pin, {"openpgp-two", "openpgp-rsa"}),
    (MINISIGN, {"minisign"}),
    (raw.read_pin(vector("raw/p256.pub")).fingerprint, {"raw-ecdsa", "dsse", "cosign-blob"}),
]


def with_producers(root: Path, told: Command, names: Sequence[str] = SIGNED) -> tuple[World, list[Kind], int]:
    """A site that took in artifacts of several producers; also the last version of its trust document."""
    kinds = [kind for kind in KINDS if kind.name in names]
    world = World(root, told, ("alice", "carol"))
    signers = ("--signer", world.public("alice"), "--exporter", world.public("carol"))
    told("trust", "init", "-o", world.trust(1), *signers, "--key", world.key("alice"))
    version = 1
    for kind in kinds:
        kind.write(root)
        for options in kind.commands(root):
            version += 1
            world.move(version, *options, by=["alice"], command="anchor add")
    told("init", world.store, "--trust", world.trust(version), "--site", "plant-7")
    (root / "request.toml").write_text("\n".join(kind.source for kind in kinds))
    bundle = root / "one.airgap"
    told("export", root / "request.toml", "-o", bundle, "--trust", world.trust(version), "--key", world.key("carol"))
    world.take(bundle)
    return world, kinds, version


@pytest.mark.parametrize(("key_id", "names"), BY_ONE_PRODUCER, ids=["openpgp", "openpgp-rsa", "minisign", "pem"])
def test_a_producer_s_key_that_was_withdrawn_takes_out_everything_that_it_signed(
    tmp_path: Path, told: Command, key_id: str, names: set[str]
) -> None:
    world, kinds, version = with_producers(tmp_path, told)
    before = world.shown
    assert {f"{kind.name}/{kind.file}" for kind in kinds} <= before
    revoked = ("--key-id", key_id, "--reason", "stolen, says its owner")
    update = world.move(version + 1, *revoked, by=["alice"], command="revoke")
    told("trust", "update", update, "--store", world.store)

    said = world.check(expected=4)

    gone = {kind.path for kind in kinds if kind.name in names}
    against = [finding for finding in said["findings"] if finding["reason"]]
    assert {finding["subject"] for finding in against} == gone
    assert {(finding["reason"], finding["result"]) for finding in against} == {("evidence-revoked", "revoked")}
    assert all("stolen, says its owner" in finding["got"] for finding in against)
    assert said["counts"]["recalled"] == len(gone)
    assert before - world.shown == {path.removeprefix("artifacts/files/") for path in gone}
    for kind in kinds:
        (artifact,) = told("show", kind.named, "--store", world.store)["artifacts"]
        assert artifact["recalled"] is (kind.path in gone)


def test_the_fingerprint_that_a_finding_shows_is_what_withdraws_the_key_of_every_kind(
    tmp_path: Path, told: Command
) -> None:
    world, kinds, version = with_producers(tmp_path, told, [kind.name for kind in KINDS])
    by_key: dict[str, set[str]] = {}
    for finding in told("verify", tmp_path / "one.airgap", "--trust", world.trust(version))["findings"]:
        if finding["proof"]:
            by_key.setdefault(finding["proof"]["fingerprint"], set()).add(finding["subject"])
    gone: set[str] = set()
    for fingerprint, paths in by_key.items():
        version += 1
        update = world.move(version, "--key-id", fingerprint, "--reason", "lost", by=["alice"], command="revoke")
        told("trust", "update", update, "--store", world.store)
        gone |= paths

        against = [finding for finding in world.check(expected=4)["findings"] if finding["reason"]]

        assert {finding["subject"] for finding in against} == gone
        assert {finding["reason"] for finding in against} == {"evidence-revoked"}
    assert gone == {kind.path for kind in kinds}
    assert world.shown.isdisjoint(path.removeprefix("artifacts/files/") for path in gone)


def test_an_exporter_s_key_that_was_withdrawn_takes_out_what_nobody_else_signed(tmp_path: Path, told: Command) -> None:
    world = World(tmp_path, told, ("alice", "carol", "dave"))
    exporters = [word for name in ("carol", "dave") for word in ("--exporter", world.public(name))]
    world.begin("--signer", world.public("alice"), *exporters, by=["alice"])
    (world.files / "kept.txt").write_text("in both bundles\n")
    one = world.export("one", by=("carol", "dave"))
    world.take(one)
    (world.files / "one.txt").unlink()
    revoked = ("--key-id", world.key_id("carol"), "--reason", "build host stolen")
    second = world.move(2, *revoked, by=["alice"], command="revoke")
    world.take(world.export("two", "--trust-update", second, by=["dave"], after="one"))

    said = world.check(expected=4)

    named = {finding["subject"] for finding in said["findings"] if finding["reason"] == "trust-withdrawn"}
    assert {name for name in named if name.startswith("pkg:")} == {"pkg:generic/one.txt"}
    assert world.shown == {"kept.txt", "two.txt"}
    assert world.refuse(one) == "revoked-key"
    assert world.refuse(world.export("three", by=("carol", "dave"), after="two")) == "revoked-key"


# -- two people --------------------------------------------------------------------------------------------------------


def test_a_release_by_two_people_needs_both_and_the_second_has_nothing_but_his_key(tmp_path: Path) -> None:
    world = World(tmp_path, airgap, ("alice", "carol", "dave"))
    exporters = [word for name in ("carol", "dave") for word in ("--exporter", world.public(name))]
    world.begin("--signer", world.public("alice"), *exporters, "--exporter-threshold", "2", by=["alice"])
    bundle = world.export("one", by=["carol"])
    assert world.refuse(bundle) == "threshold"
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    shutil.copy(bundle, elsewhere / "one.airgap")
    shutil.copy(world.key("dave"), elsewhere / "mine.pem")

    command = ["env", "-i", sys.executable, "-m", "airgap", "sign", "one.airgap", "--key", "mine.pem"]
    done = subprocess.run(command, cwd=elsewhere, capture_output=True, check=False)

    assert (done.returncode, done.stderr) == (0, b"")
    assert sorted(os.listdir(elsewhere)) == ["mine.pem", "one.airgap"]
    assert world.take(elsewhere / "one.airgap")["result"] == "accepted"


# -- time --------------------------------------------------------------------------------------------------------------


@pytest.fixture
def set_clock(monkeypatch: pytest.MonkeyPatch, now: datetime) -> Callable[[timedelta], None]:
    """Sets the clock so much after the time at which tests begin."""
    return lambda after: monkeypatch.setattr(inputs, "now", lambda: now + after)


def test_a_trust_document_that_is_over_stops_imports_until_the_next_one_comes(
    tmp_path: Path, told: Command, set_clock: Callable[[timedelta], None]
) -> None:
    world = World(tmp_path, told, ("alice",))
    world.begin("--signer", world.public("alice"), "--expires", "30 days", by=["alice"])
    bundle = world.export("one", by=["alice"])
    again = [word for option in ("--add-signer", "--add-exporter") for word in (option, world.public("alice"))]
    second = world.move(2, *again, by=["alice"])

    set_clock(31 * DAY)
    assert world.refuse(bundle, expected=7) == "trust-expired"

    told("trust", "update", second, "--store", world.store)
    assert world.take(bundle)["result"] == "accepted"


def test_a_clock_that_was_set_back_before_what_the_store_has_seen_is_refused(
    tmp_path: Path, told: Command, set_clock: Callable[[timedelta], None]
) -> None:
    world = World(tmp_path, told, ("alice",))
    world.begin("--signer", world.public("alice"), by=["alice"])
    one, two = world.export("one", by=["alice"]), world.export("two", by=["alice"], after="one")
    set_clock(10 * DAY)
    world.take(one)

    set_clock(2 * DAY)
    assert world.refuse(two, expected=7) == "clock-behind"

    set_clock(9 * DAY)  # the policy allows for a day
    assert world.take(two)["result"] == "accepted"
