"""Every kind of signature crosses the gap: pinned, exported, verified without a network, imported; no changed one does."""

import json
import os
import shlex
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from airgap.cli.anchor_options import Wish, choose
from airgap.connected.gather import gather
from airgap.connected.request import read_request
from airgap.connected.seal import Plan, seal
from tests.cli.conftest import Airgap
from tests.clients.kind import Kind, Pin
from tests.clients.kinds import KINDS
from tests.clients.two_hosts import NO_NETWORK, airgap
from tests.isolated.scene import DAY, NOW, key_of, signed, trust_of

DEMANDING = '[[require]]\nartifacts = "pkg:*"\nevidence = "any-signature"\non_missing = "reject"\n'
SHOWN = ("openpgp-two", "sigstore", "cms")
IN_EMPTY = "mount -t tmpfs none . && mount -o remount,ro . && cd . && exec env -i HOME={home} {program}"
by_name = pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)


# -- through the commands ----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Site:
    """A folder with a request for everything, and what the commands made of it."""

    root: Path
    trust: Path
    bundle: Path


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Site:
    """One trust document that pins a producer for every kind, each by one command, and one bundle with all of them."""
    root = tmp_path_factory.mktemp("site")
    lay_out(root)
    key = root / "alice.key.pem"
    airgap("keygen", "alice", "-o", root, "--no-passphrase", "--algorithm", "ed25519")
    airgap("trust", "init", "-o", root / "trust-0.json", "--signer", root / "alice.pub.pem", "--key", key)
    pins = [options for kind in KINDS for options in kind.commands(root)]
    for at, options in enumerate(pins):
        new = root / f"trust-{at + 1}.json"
        airgap("trust", "anchor", "add", root / f"trust-{at}.json", "-o", new, *options, "--key", key)
    site = Site(root, root / f"trust-{len(pins)}.json", root / "x.airgap")
    airgap("export", root / "request.toml", "-o", site.bundle, "--key", key, "--trust", site.trust)
    return site


def lay_out(root: Path) -> None:
    """All artifacts with their evidence, and the request for them."""
    for kind in KINDS:
        kind.write(root)
    (root / "request.toml").write_text("\n".join(kind.source for kind in KINDS))


def evidence(said: Any) -> list[Any]:
    return [finding for finding in said["findings"] if finding["proof"]]


def against(said: Any) -> list[Any]:
    return [finding for finding in said["findings"] if finding["reason"]]


def assert_verified(said: Any) -> None:
    """Every signature of every kind is verified by the anchor that was pinned for it; nothing speaks against anything."""
    assert (said["result"], against(said)) == ("accepted", [])
    found = {
        (finding["subject"], finding["kind"], finding["proof"]["anchor"])
        for finding in evidence(said)
        if finding["result"] == "verified" and finding["identity"] and finding["proof"]["fingerprint"]
    }
    assert found == {(kind.path, kind.finding, anchor) for kind in KINDS for anchor in kind.anchors}


def test_every_kind_is_verified_and_says_who_signed_with_which_key_under_which_anchor(site: Site) -> None:
    said = airgap("verify", site.bundle, "--trust", site.trust)

    assert_verified(said)
    workflows = {f["subject"] for f in evidence(said) if "https://github.com/acme/widget/" in f["identity"]}
    assert workflows == {kind.path for kind in KINDS if kind.is_keyless}


def test_a_site_that_demands_signatures_imports_all_of_it_and_finds_it_sound(site: Site, tmp_path: Path) -> None:
    policy, store = tmp_path / "policy.toml", tmp_path / "store"
    policy.write_text(DEMANDING)
    airgap("init", store, "--trust", site.trust, "--site", "plant-7", "--policy", policy)

    assert_verified(airgap("import", site.bundle, "--store", store))
    checked = airgap("check", "--store", store)

    assert (checked["result"], against(checked)) == ("clean", [])
    assert f"{len(KINDS)} artifacts have verified evidence of their producer" in {f["got"] for f in checked["findings"]}
    for kind in (kind for kind in KINDS if kind.name in SHOWN):
        (shown,) = airgap("show", kind.named, "--store", store)["artifacts"]
        (traced,) = airgap("trace", kind.named, "--store", store)["artifacts"]
        assert {finding["proof"]["anchor"] for finding in shown["findings"]} == set(kind.anchors)
        producers = [hop["proof"] for hop in traced["hops"] if hop["kind"] == "producer"]
        assert [proof.rpartition(" ")[2] for proof in producers] == list(kind.anchors)
        assert (store / "current" / "files" / kind.name / kind.file).read_bytes() == kind.content


def test_the_pin_that_a_finding_proposes_is_one_that_verifies(site: Site, tmp_path: Path) -> None:
    trust = site.root / "trust-0.json"
    unpinned = airgap("verify", site.bundle, "--trust", trust)
    hints = {finding["subject"]: finding["proof"]["hint"] for finding in evidence(unpinned) if finding["proof"]["hint"]}
    # an old certificate is not trusted without a reason, and no program can know one
    kinds = [kind for kind in KINDS if kind.path in hints and len(kind.pins) == 1 and kind.name != "openpgp-lenient"]
    assert {"openpgp-rsa", "ssh-rsa2048", "cms", "sigstore", "npm-signature", "debian-release"} <= {k.name for k in kinds}
    for kind in kinds:
        new = tmp_path / f"{kind.name}.json"
        root = site.root / kind.name / "pins" / f"{kind.name}.source"
        meant: dict[str, object] = {"TRUST": trust, "NEXT": new, "NAME": kind.name, "trusted_root.json": root}
        _, *words = [meant.get(word, word) for word in shlex.split(hints[kind.path])]
        airgap(*words, "--key", site.root / "alice.key.pem")
        trust = new

    said = airgap("verify", site.bundle, "--trust", trust)

    assert {f["subject"] for f in evidence(said) if f["result"] == "verified"} == {kind.path for kind in kinds}


@pytest.mark.root
def test_nothing_is_needed_but_the_bundle_and_the_trust_document(site: Site, tmp_path: Path) -> None:
    home, empty = tmp_path / "home", tmp_path / "empty"
    home.mkdir()
    empty.mkdir()
    program = f"{sys.executable} -m airgap verify {site.bundle} --trust {site.trust} --json"
    command = f"cd {empty} && {IN_EMPTY.format(home=home, program=program)}"

    done = subprocess.run([*NO_NETWORK, "--mount", "sh", "-c", command], capture_output=True, check=False)

    assert (done.returncode, done.stderr) == (0, b"")
    assert_verified(json.loads(done.stdout))
    assert os.listdir(home) == []


# -- one change at a time ----------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a request for everything."""
    root = tmp_path_factory.mktemp("tree")
    lay_out(root)
    return root


def anchors_of(kind: Kind, root: Path, half: str = "source") -> list[Mapping[str, Any]]:
    """The anchors that the command makes; with ``half`` other, those of somebody else's keys."""
    return [_anchor(name, kind, pin, f"{root}/{kind.name}/pins/{name}.{half}") for name, pin in kind.anchors.items()]


def _anchor(name: str, kind: Kind, pin: Pin, source: str, **settings: str) -> Mapping[str, Any]:
    said = tuple(f"{key}={text}" for key, text in {**pin.settings, **settings}.items())
    return choose(Wish(name, pin.kind, None, source, said, (kind.named,), holds=pin.holds)).anchor.value()


@cache
def _right_anchors(root: Path) -> dict[str, Mapping[str, Any]]:
    return {anchor["name"]: anchor for kind in KINDS for anchor in anchors_of(kind, root)}


def pinned(root: Path, *anchors: Mapping[str, Any]) -> Path:
    """A trust document with these anchors, and for all kinds that they do not speak of, with the right ones."""
    every = _right_anchors(root) | {anchor["name"]: anchor for anchor in anchors}
    path = root / "trust.json"
    path.write_bytes(signed(replace(trust_of("alice"), anchors=tuple(every.values())), "alice").encode() + b"\n")
    return path


def seal_blindly(root: Path, bundle: Path, altered: Mapping[Path, bytes]) -> None:
    """A bundle of everything by an exporter who does not look; files change between his collecting and his sealing."""
    gathered = gather(read_request(str(root / "request.toml")))
    plan = Plan(
        artifacts=gathered.artifacts,
        losses=gathered.losses,
        channel="main",
        sequence=1,
        previous=None,
        created=NOW - timedelta(hours=1),
        expires=NOW + 90 * DAY,
        destination=None,
        keys=[key_of("alice")],
        version="0",
    )
    with _changed(altered):
        seal(plan, str(bundle), progress=lambda _: None)


@contextmanager
def _changed(altered: Mapping[Path, bytes]) -> Iterator[None]:
    """Files with other content of the same size, and no other sign of the change."""
    before = {path: (path.read_bytes(), path.stat()) for path in altered}
    _write({path: (content, before[path][1]) for path, content in altered.items()})
    try:
        yield
    finally:
        _write(before)


def _write(files: Mapping[Path, tuple[bytes, os.stat_result]]) -> None:
    for path, (content, status) in files.items():
        path.write_bytes(content)
        os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))


def flipped(content: bytes, at: int) -> bytes:
    return content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :]


def refused(in_process: Airgap, kind: Kind, bundle: Path, trust: Path) -> Any:
    """The finding that a refusal stands on; nothing may be said against any other artifact."""
    ended = in_process("verify", bundle, "--trust", trust, "--json")
    found = against(ended.json)
    assert (ended.code, ended.json["result"]) == (3, "rejected")
    assert {finding["subject"] for finding in found} == {kind.path}
    assert found[0]["reason"] == ended.json["reason"]
    assert found[0]["reason"].startswith("evidence-")
    assert found[0]["expected"]
    assert found[0]["got"]
    return found[0]


ALTERED = [(kind, file, document) for kind in KINDS for file, document in kind.altered.items()]


@pytest.mark.parametrize(("kind", "file", "document"), ALTERED, ids=[f"{kind.name}-{file}" for kind, file, _ in ALTERED])
def test_one_changed_byte_is_found_and_named(
    in_process: Airgap, tree: Path, tmp_path: Path, kind: Kind, file: str, document: str
) -> None:
    path = tree / kind.name / file
    content = path.read_bytes()
    altered = flipped(content, kind.flips.get(path.name, len(content) // 2))

    seal_blindly(tree, tmp_path / "x", {path: altered})
    finding = refused(in_process, kind, tmp_path / "x", pinned(tree))

    if document:
        assert finding["proof"]["document"] == f"documents/files/{kind.name}/{document}"


@by_name
def test_another_key_in_the_pin_is_found_and_the_signature_is_named(
    in_process: Airgap, tree: Path, tmp_path: Path, kind: Kind
) -> None:
    seal_blindly(tree, tmp_path / "x", {})
    trust = pinned(tree, *anchors_of(kind, tree, "other"))

    finding = refused(in_process, kind, tmp_path / "x", trust)

    assert finding["result"] in {"untrusted-key", "failed"}
    assert finding["proof"]["document"] in {f"documents/files/{kind.name}/{name}" for name in kind.evidence}


@by_name
def test_an_exporter_who_looks_seals_nothing_that_was_changed(
    in_process: Airgap, tree: Path, tmp_path: Path, kind: Kind
) -> None:
    (tmp_path / "key.pem").write_bytes(key_of("alice").pem(None))
    path, bundle = tree / kind.name / kind.file, tmp_path / "x"
    changed = {path: flipped(kind.content, len(kind.content) // 2)}

    with _changed(changed):
        ended = in_process(
            *(
                "export",
                tree / "request.toml",
                "-o",
                bundle,
                "--key",
                tmp_path / "key.pem",
                "--trust",
                pinned(tree),
                "--json",
            )
        )

    assert (ended.code, ended.json["reason"]) == (3, "evidence-failed")
    assert kind.path in ended.json["message"]
    assert os.listdir(tmp_path) == ["key.pem"]


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind.is_keyless], ids=lambda kind: kind.name)
@pytest.mark.parametrize(("setting", "text"), [("repository", "acme/gadget"), ("workflow", "tests.yml"), ("issuer", "x:y")])
def test_another_publisher_in_the_pin_is_found(
    in_process: Airgap, tree: Path, tmp_path: Path, kind: Kind, setting: str, text: str
) -> None:
    seal_blindly(tree, tmp_path / "x", {})
    pin = kind.pins[0]
    other = _anchor(kind.name, kind, pin, f"{tree}/{kind.name}/pins/{kind.name}.source", **{setting: text})

    finding = refused(in_process, kind, tmp_path / "x", pinned(tree, other))

    assert finding["result"] == "failed"
    assert text in finding["expected"]
