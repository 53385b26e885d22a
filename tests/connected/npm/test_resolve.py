"""From a lock to artifacts: what travels, what it is held to, what is lost, and what a registry may not do."""

import json
from pathlib import Path
from typing import Any

import pytest

from airgap.connected.collect.npm import index
from airgap.connected.collected import Planned
from airgap.core.entries import Loss
from airgap.core.errors import FormatError, UsageError
from airgap.core.reasons import Reason
from airgap.evidence.npm import Release
from tests.connected.npm.registry import JSON, Bench, install_npm, lock_of, sri, tarball
from tests.connected.web.server import serving

LOCK = lock_of(("a", "1.0.0"))
SIGNED = {"signatures": [{"keyid": "SHA256:k", "sig": "MEU="}]}
KEYS = {"keys": [{"keyid": "SHA256:k", "key": "x"}]}
ATTESTED = {"attestations": {"url": "https://upstream.invalid/-/npm/v1/attestations/a@1.0.0"}}
A = "a/-/a-1.0.0.tgz"


def test_a_locked_package_becomes_an_artifact_with_its_way(bench: Bench) -> None:
    content = bench.registry.publish("@s/a", "1.0.0")
    hop = {"kind": "agent", "name": "dependency-bot"}
    outcome = bench.collect(lock_of(("@s/a", "1.0.0")), requested_by=hop)

    (artifact,) = outcome.artifacts.values()
    assert artifact.source.path == "artifacts/npm/@s/a/-/a-1.0.0.tgz"
    assert artifact.purl == "pkg:npm/%40s/a@1.0.0"
    assert Path(artifact.source.file).read_bytes() == content
    assert artifact.source.size == len(content)
    assert artifact.custody == (hop, {"kind": "registry", "name": bench.registry.url})
    assert artifact.metadata == {}


def test_the_registrys_words_travel_trimmed(bench: Bench) -> None:
    for version in ("1.0.0", "2.0.0"):
        bench.registry.publish("@s/a", version, dependencies={"b": "^1"})
    outcome = bench.collect(lock_of(("@s/a", "1.0.0")))

    assert list(outcome.documents) == ["@s/a.json"]
    document = json.loads(outcome.documents["@s/a.json"])
    assert list(document["versions"]) == ["1.0.0"]
    assert document["versions"]["1.0.0"]["dependencies"] == {"b": "^1"}
    assert document["time"] == {"1.0.0": "2021-02-03T04:05:06.789Z"}
    assert document["dist-tags"] == {}


def test_the_documents_do_not_depend_on_the_registrys_order(bench: Bench) -> None:
    bench.registry.publish("a", "1.0.0", dependencies={"b": "1", "c": "1"})
    one = bench.collect(LOCK).documents
    whole = bench.registry.packuments["a"]
    whole["versions"]["1.0.0"] = dict(reversed(whole["versions"]["1.0.0"].items()))
    bench.registry.packuments["a"] = dict(reversed(whole.items()))
    bench.registry.say("a")

    assert bench.collect(LOCK).documents == one


def test_several_versions_of_one_package_share_its_document(bench: Bench) -> None:
    for version in ("1.0.0", "2.0.0"):
        bench.registry.publish("a", version)
    lock = lock_of(("a", "1.0.0"))
    lock["packages"]["node_modules/b/node_modules/a"] = lock_of(("a", "2.0.0"))["packages"]["node_modules/a"]
    outcome = bench.collect(lock)

    assert list(outcome.artifacts) == [A, "a/-/a-2.0.0.tgz"]
    document = json.loads(outcome.documents["a.json"])
    assert list(document["versions"]) == ["1.0.0", "2.0.0"]
    assert document["dist-tags"] == {"latest": "2.0.0"}


def test_many_packages_are_looked_up_some_at_a_time(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(index, "_BATCH", 3)
    names = [f"p{n}" for n in range(8)]
    for name in names:
        bench.registry.publish(name, "1.0.0")
    outcome = bench.collect(lock_of(*((name, "1.0.0") for name in names)))

    assert list(outcome.artifacts) == [f"{name}/-/{name}-1.0.0.tgz" for name in names]
    assert list(outcome.documents) == [f"{name}.json" for name in names]


def test_what_would_travel_is_known_before_it_is_downloaded(bench: Bench) -> None:
    content = bench.registry.publish("a", "1.0.0")
    resolved = bench.resolve(LOCK)

    assert resolved.planned() == [Planned(f"artifacts/npm/{A}", "pkg:npm/a@1.0.0", len(content))]
    assert [loss.what for loss in resolved.losses] == ["withheld-by-mirror"]
    assert bench.registry.site.sent[f"/npm/{A}"] == 0


@pytest.mark.parametrize(
    ("name", "text"),
    [
        (
            "pnpm-lock.yaml",
            f"lockfileVersion: '9.0'\npackages:\n  a@1.0.0:\n    resolution: {{integrity: {sri(tarball('a', '1.0.0'))}}}\n",
        ),
        ("yarn.lock", '# yarn lockfile v1\n\na@^1:\n  version "1.0.0"\n'),
        ("yarn.lock", '__metadata:\n  version: 8\n\n"a@npm:^1":\n  resolution: "a@npm:1.0.0"\n'),
        ("npm-shrinkwrap.json", json.dumps(LOCK)),
    ],
)
def test_every_kind_of_lock_leads_to_the_same(bench: Bench, name: str, text: str) -> None:
    bench.registry.publish("a", "1.0.0")

    assert list(bench.collect(text, name=name).artifacts) == [A]


def test_several_locks_and_their_project_folder_are_one_source(bench: Bench) -> None:
    bench.registry.publish("a", "1.0.0")
    bench.registry.publish("b", "1.0.0")
    for folder, name in (("one", "a"), ("two", "b")):
        (bench.folder / folder).mkdir()
        (bench.folder / folder / "package-lock.json").write_text(json.dumps(lock_of(("a", "1.0.0"), (name, "1.0.0"))))

    outcome = bench.collect(lockfiles=("one/package-lock.json", "two/package-lock.json"))
    assert list(outcome.artifacts) == [A, "b/-/b-1.0.0.tgz"]


@pytest.mark.parametrize(("name", "got"), [("bun.lockb", "bun.lockb"), ("package.json5", "package.json5")])
def test_another_file_is_no_lock(bench: Bench, name: str, got: str) -> None:
    with pytest.raises(UsageError, match=f"request: expected package-lock.json, .* got '{got}'"):
        bench.resolve(lockfiles=(name,))


@pytest.mark.parametrize("wanted", [{}, {"lock": lock_of()}])
def test_a_source_of_nothing_is_a_mistake(bench: Bench, wanted: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match="request: expected a lock file with packages, or packages by name, got none"):
        bench.resolve(**wanted)


# -- names -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["../x", "__proto__", "@s/../../x", "a\\b", "..", "node_modules/.."])
def test_a_hostile_name_never_becomes_a_path_or_a_request(bench: Bench, name: str) -> None:
    lock = {"lockfileVersion": 3, "packages": {"node_modules/x": {"name": name, "version": "1.0.0"}}}

    with pytest.raises(FormatError, match=r"package-lock\.json: expected the name of an npm package, got") as caught:
        bench.resolve(lock)
    assert caught.value.reason is Reason.BAD_NAME
    assert not bench.registry.site.log


def test_a_hostile_version_never_becomes_a_path(bench: Bench) -> None:
    with pytest.raises(FormatError, match=r"package-lock\.json: expected a version of a, got '1\.0\.0/\.\./\.\.'"):
        bench.resolve(lock_of(("a", "1.0.0/../..")))


# -- platforms ---------------------------------------------------------------------------------------------------------


def platforms(bench: Bench, *, is_said: bool) -> dict[str, Any]:
    """A lock of a package with one for each platform; the lock may leave it to the registry what they are for."""
    bench.registry.publish("a", "1.0.0")
    lock = lock_of(("a", "1.0.0"))
    limited: dict[str, dict[str, Any]] = {
        "a-linux": {"os": ["linux"], "libc": ["glibc"]},
        "a-musl": {"os": ["linux"], "libc": ["musl"]},
        "a-win": {"os": ["win32"], "cpu": ["x64"]},
        "a-posix": {"os": ["!win32"]},
    }
    for name, limits in limited.items():
        bench.registry.publish(name, "1.0.0", **limits)
        entry = lock_of((name, "1.0.0"), optional=True, **(limits if is_said else {}))["packages"]
        lock["packages"] |= {place: entry[place] for place in entry if place}
    return lock


@pytest.mark.parametrize("is_said", [True, False])
@pytest.mark.parametrize(
    ("targets", "left"),
    [
        ((), set()),
        (("linux-x64",), {"a-musl", "a-win"}),
        (("linux-x64-musl",), {"a-linux", "a-win"}),
        (("linux-x64", "win32-x64"), {"a-musl"}),
        (("win32-arm64",), {"a-linux", "a-musl", "a-win", "a-posix"}),
    ],
)
def test_what_runs_on_no_target_stays_behind_and_its_document_travels(
    bench: Bench, targets: tuple[str, ...], left: set[str], is_said: bool
) -> None:
    outcome = bench.collect(platforms(bench, is_said=is_said), targets=targets)
    names = {"a", "a-linux", "a-musl", "a-win", "a-posix"}

    assert {path.partition("/")[0] for path in outcome.artifacts} == names - left
    assert {f"pkg:npm/{name}@1.0.0" for name in left} == outcome.lost("not-selected").keys()
    assert outcome.documents.keys() == {f"{name}.json" for name in names}


def test_the_lock_is_believed_before_the_registry_about_platforms(bench: Bench) -> None:
    bench.registry.publish("a", "1.0.0", os=["win32"])
    lock = lock_of(("a", "1.0.0"), os=["linux"])

    assert list(bench.collect(lock, targets=("linux-x64",)).artifacts) == [A]
    assert not bench.collect(lock, targets=("win32-x64",)).artifacts


def test_a_platform_that_node_does_not_know_is_refused_at_once(bench: Bench) -> None:
    with pytest.raises(UsageError, match="expected a platform such as linux-x64"):
        bench.resolve(LOCK, targets=("windows",))


# -- what the registry lacks -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("is_known", [True, False])
def test_what_the_registry_does_not_have_is_named_all_at_once(bench: Bench, is_known: bool) -> None:
    bench.registry.publish("a", "1.0.0")
    if is_known:
        bench.registry.publish("b", "9.0.0")

    with pytest.raises(UsageError, match=r"expected every locked package, got no 'b@1\.0\.0', 'c@1\.0\.0'"):
        bench.resolve(lock_of(("a", "1.0.0"), ("b", "1.0.0"), ("c", "1.0.0")))


@pytest.mark.parametrize("is_known", [True, False])
def test_what_is_for_other_platforms_may_be_missing(bench: Bench, is_known: bool) -> None:
    if is_known:
        bench.registry.publish("b", "9.0.0")
    bench.registry.publish("a", "1.0.0")
    lock = lock_of(("b", "1.0.0"), optional=True, os=["win32"])
    lock["packages"] |= lock_of(("a", "1.0.0"))["packages"]
    outcome = bench.collect(lock, targets=("linux-x64",))

    assert list(outcome.artifacts) == [A]
    assert outcome.documents.keys() == {"a.json"}
    assert outcome.lost("not-selected") == {
        "pkg:npm/b@1.0.0": "for other platforms: os 'win32'; the registry does not have it"
    }


@pytest.mark.parametrize("members", [{"optional": False, "os": ["win32"]}, {"optional": True}])
def test_what_is_needed_may_not_be_missing(bench: Bench, members: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match=r"got no 'b@1\.0\.0'"):
        bench.resolve(lock_of(("b", "1.0.0"), **members), targets=("linux-x64",))


def test_a_registry_that_answers_for_another_package_is_refused(bench: Bench) -> None:
    bench.registry.answer("a", {"name": "b", "versions": {}})

    with pytest.raises(FormatError, match="packument of a: expected its name, got 'b'"):
        bench.resolve(LOCK)


# -- digests -----------------------------------------------------------------------------------------------------------


def test_a_registry_that_contradicts_the_lock_is_refused_before_any_download(bench: Bench) -> None:
    bench.registry.publish("a", "1.0.0", dist={"integrity": sri(b"evil")})

    with pytest.raises(FormatError, match=r"a@1\.0\.0: expected sha512:[0-9a-f]{128}, got sha512:[0-9a-f]{128}") as caught:
        bench.resolve(LOCK)
    assert caught.value.reason is Reason.CONTENT_MISMATCH
    assert bench.registry.site.requests[f"/npm/{A}"] == 0


@pytest.mark.parametrize("integrity", [sri(tarball("a", "1.0.0")), None])
def test_a_tarball_of_other_bytes_stops_the_export(bench: Bench, integrity: str | None) -> None:
    bench.registry.publish("a", "1.0.0", dist={"integrity": integrity, "shasum": None})
    bench.registry.site.answers[f"/npm/{A}"] = (200, {}, b"evil")

    with pytest.raises(FormatError, match=r"a@1\.0\.0") as caught:
        bench.collect(LOCK)
    assert caught.value.reason is Reason.CONTENT_MISMATCH


def test_a_lock_with_a_sha1_only_is_held_to_the_registrys_sha512_as_well(bench: Bench) -> None:
    content = bench.registry.publish("a", "1.0.0", dist={"shasum": None})
    lock = lock_of(("a", "1.0.0"), integrity=sri(content, "sha1"))

    (offer,) = bench.resolve(lock).offers
    assert offer.digests.keys() == {"sha1", "sha512"}
    bench.registry.publish("a", "1.0.0", dist={"integrity": sri(b"other"), "shasum": None})
    with pytest.raises(FormatError) as caught:
        bench.collect(lock)
    assert caught.value.reason is Reason.CONTENT_MISMATCH


def test_without_a_digest_in_the_lock_the_registrys_counts(bench: Bench) -> None:
    bench.registry.publish("a", "1.0.0")
    bench.registry.publish("old", "1.0.0", dist={"integrity": None})
    offers = bench.resolve(lock_of(("a", "1.0.0"), ("old", "1.0.0"), integrity="")).offers

    assert [list(offer.digests) for offer in offers] == [["sha512"], ["sha1"]]


def test_a_package_that_nobody_pins_is_refused(bench: Bench) -> None:
    bench.registry.publish("a", "1.0.0", dist={"integrity": None, "shasum": None})

    with pytest.raises(FormatError, match=r"a@1\.0\.0: expected an integrity in the lock or at the registry, got none"):
        bench.resolve(lock_of(("a", "1.0.0"), integrity=""))


# -- addresses and credentials -----------------------------------------------------------------------------------------


def test_a_link_that_leaves_the_registry_is_not_followed(bench: Bench) -> None:
    with serving() as elsewhere:
        bench.registry.publish("a", "1.0.0", dist={"tarball": f"{elsewhere.url}/a.tgz"})
        outcome = bench.collect(LOCK)

        assert list(outcome.artifacts) == [A]
        assert not elsewhere.log


def test_a_link_that_stays_with_the_registry_is_followed(bench: Bench) -> None:
    url = f"{bench.registry.site.url}/download/a"
    content = bench.registry.publish("a", "1.0.0", dist={"tarball": url})
    del bench.registry.site.answers[f"/npm/{A}"]
    bench.registry.site.answers["/download/a"] = (200, {}, content)

    assert list(bench.collect(LOCK).artifacts) == [A]


@pytest.mark.parametrize("link", [None, 1, "", "file:///etc/passwd", "a.tgz"])
def test_without_a_link_the_usual_place_is_asked(bench: Bench, link: Any) -> None:
    bench.registry.publish("a", "1.0.0", dist={"tarball": link})

    assert list(bench.collect(LOCK).artifacts) == [A]


def test_the_locks_address_is_the_second_choice(bench: Bench) -> None:
    with serving() as elsewhere:
        content = bench.registry.publish("a", "1.0.0")
        elsewhere.answers["/a.tgz"] = (200, {}, content)
        lock = lock_of(("a", "1.0.0"), resolved=f"{elsewhere.url}/a.tgz#x")
        bench.collect(lock)
        assert not elsewhere.log

        del bench.registry.site.answers[f"/npm/{A}"]
        (bench.folder / "cache").rename(bench.folder / "old")
        assert list(bench.collect(lock).artifacts) == [A]


def test_a_token_goes_to_the_registry_and_nowhere_else(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NPM_TOKEN", "hush")
    monkeypatch.setenv("npm_config_userconfig", str(bench.folder / ".npmrc"))
    host = bench.registry.site.url.partition(":")[2]
    (bench.folder / ".npmrc").write_text(f"{host}/npm/:_authToken=${{NPM_TOKEN}}\n")
    with serving() as elsewhere:
        content = bench.registry.publish("a", "1.0.0")
        elsewhere.answers["/a.tgz"] = (200, {}, content)
        moved = (302, {"Location": f"{elsewhere.url}/a.tgz"}, b"")
        bench.registry.site.answers[f"/npm/{A}"] = moved
        outcome = bench.collect(LOCK)

        assert list(outcome.artifacts) == [A]
        assert {seen.headers.get("authorization") for seen in bench.registry.site.log} == {"Bearer hush"}
        assert [seen.headers.get("authorization") for seen in elsewhere.log] == [None]
    assert "hush" not in repr(outcome.artifacts) + repr(outcome.losses) + repr(outcome.documents)


def test_a_scope_is_asked_for_at_its_own_registry_only(
    bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench.registry.publish("@ours/a", "1.0.0", dist={"integrity": sri(b"dependency confusion")})
    bench.registry.publish("b", "1.0.0")
    with serving() as site:
        ours = type(bench.registry)(site)
        ours.publish("@ours/a", "1.0.0")
        install_npm(tmp_path / "bin", monkeypatch, {"registry": bench.registry.url, "@ours:registry": site.url})
        outcome = bench.collect(lock_of(("@ours/a", "1.0.0"), ("b", "1.0.0")))

        hops = [artifact.custody[-1]["name"] for artifact in outcome.artifacts.values()]
        assert hops == [f"{site.url}/", bench.registry.url]
    assert not any("ours" in seen.path for seen in bench.registry.site.log)


# -- evidence ----------------------------------------------------------------------------------------------------------


def test_signatures_become_the_document_that_verifiers_read(bench: Bench) -> None:
    bench.registry.publish("a", "1.0.0", dist=SIGNED)
    keys = bench.registry.answer("-/npm/v1/keys", KEYS)
    evidence = bench.collect(LOCK).evidence(A)

    (signature, (role, content)), (key_list, (key_role, key_content)) = evidence.items()
    assert (signature, role) == (f"npm/{A}.npm-signature.json", "signature")
    release = Release.parse(content)
    assert (release.name, release.version, release.published) == ("a", "1.0.0", None)
    assert release.integrity == sri(tarball("a", "1.0.0"))
    assert release.signatures == [("SHA256:k", "MEU=")]
    assert key_list.startswith("keys/npm-keys-")
    assert (key_role, key_content) == ("anchor-data", keys)


def test_a_signature_needs_no_integrity_from_the_mirror(bench: Bench) -> None:
    bench.registry.publish("a", "1.0.0", dist={**SIGNED, "integrity": None})
    ((_, content),) = bench.collect(LOCK).evidence(A).values()

    assert Release.parse(content).integrity == sri(tarball("a", "1.0.0"))


def test_a_signature_over_nothing_that_is_known_is_withheld(bench: Bench) -> None:
    bench.registry.publish("a", "1.0.0", dist={**SIGNED, "integrity": None})
    outcome = bench.collect(lock_of(("a", "1.0.0"), integrity=""))

    assert outcome.evidence(A) == {}
    assert outcome.lost("withheld-by-mirror").keys() == {"pkg:npm/a@1.0.0"}


def test_a_package_without_signature_is_unsigned_where_the_registry_signs(bench: Bench) -> None:
    bench.registry.publish("a", "1.0.0", dist=SIGNED)
    bench.registry.publish("b", "1.0.0")
    bench.registry.answer("-/npm/v1/keys", KEYS)
    outcome = bench.collect(lock_of(("a", "1.0.0"), ("b", "1.0.0")))

    detail = "the registry has signing keys, and no signature of this package"
    assert outcome.losses == [Loss("pkg:npm/b@1.0.0", "unsigned-upstream", detail)]
    assert outcome.evidence("b/-/b-1.0.0.tgz") == {}


@pytest.mark.parametrize("answer", [None, b"<html>", b"[]", b'{"keys": []}', b'{"keys": {}}', b"\xff"])
def test_a_mirror_that_says_nothing_of_signatures_withholds_them(bench: Bench, answer: bytes | None) -> None:
    bench.registry.publish("a", "1.0.0")
    if answer is not None:
        bench.registry.answer("-/npm/v1/keys", answer)
    outcome = bench.collect(LOCK)

    detail = "the registry gives neither signatures nor the list of its keys"
    assert outcome.losses == [Loss("pkg:npm/a@1.0.0", "withheld-by-mirror", detail)]


def test_a_key_list_on_a_page_that_is_not_there_is_none(bench: Bench) -> None:
    bench.registry.publish("a", "1.0.0")
    bench.registry.site.answers["/npm/-/npm/v1/keys"] = (404, JSON, json.dumps(KEYS).encode())

    assert bench.collect(LOCK).lost("withheld-by-mirror").keys() == {"pkg:npm/a@1.0.0"}


def test_attestations_are_asked_for_at_the_configured_registry(bench: Bench) -> None:
    bench.registry.publish("@s/a", "1.0.0", dist={**SIGNED, **ATTESTED})
    content = bench.registry.answer("-/npm/v1/attestations/@s%2fa@1.0.0", {"attestations": [{"predicateType": "x"}]})
    outcome = bench.collect(lock_of(("@s/a", "1.0.0")))

    path = "@s/a/-/a-1.0.0.tgz"
    assert outcome.evidence(path)[f"npm/{path}.attestations.json"] == ("attestation", content)
    assert not outcome.losses


@pytest.mark.parametrize("answer", [None, b"<html>", {"attestations": []}, {"attestations": {}}, {"error": "gone"}])
@pytest.mark.parametrize("dist", [ATTESTED, {**SIGNED, **ATTESTED}])
def test_attestations_that_are_announced_and_not_given_are_withheld(
    bench: Bench, answer: Any, dist: dict[str, Any]
) -> None:
    bench.registry.publish("a", "1.0.0", dist=dist)
    if answer is not None:
        bench.registry.answer("-/npm/v1/attestations/a@1.0.0", answer)
    outcome = bench.collect(LOCK)

    detail = "the registry announces attestations and does not give them"
    assert outcome.losses == [Loss("pkg:npm/a@1.0.0", "withheld-by-mirror", detail)]


def test_a_registry_that_is_down_is_no_registry_without_evidence(bench: Bench) -> None:
    bench.registry.publish("a", "1.0.0")
    bench.registry.site.answers["/npm/-/npm/v1/keys"] = (500, JSON, b"{}")

    with pytest.raises(UsageError, match="npm key list: expected"):
        bench.resolve(LOCK)


def test_every_package_that_the_registry_contradicts_is_named(bench: Bench) -> None:
    for name in ("a", "b", "c"):
        bench.registry.publish(name, "1.0.0", dist={"integrity": sri(b"another" if name != "b" else tarball("b", "1.0.0"))})
    with pytest.raises(FormatError, match=r"^a@1\.0\.0: expected sha512:") as caught:
        bench.collect(lock_of(("a", "1.0.0"), ("b", "1.0.0"), ("c", "1.0.0")))

    assert caught.value.reason is Reason.CONTENT_MISMATCH
    assert [sentence.partition(":")[0] for sentence in caught.value.others] == ["c@1.0.0"]
