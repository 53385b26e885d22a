"""What is kept of a registry's words, and in which bytes."""

import json
import random
from typing import Any

import pytest

from airgap.connected.collect.npm import packument
from airgap.core import canonical
from airgap.core.errors import FormatError
from tests.connected.npm.registry import sri

DIST = {"integrity": sri(b"a"), "shasum": "0" * 40, "tarball": "https://r.invalid/a.tgz"}


def said(version: dict[str, Any] | None = None, **members: Any) -> dict[str, Any]:
    return {"name": "a", "versions": {"1.0.0": {"dist": DIST, **(version or {})}}, **members}


def kept(version: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = packument.trim(said(version), "a", ["1.0.0"])["versions"]["1.0.0"]
    return found


def test_only_the_locked_versions_and_their_tags_and_times_are_kept() -> None:
    document = {
        "_id": "a",
        "readme": "long",
        "name": "a",
        "dist-tags": {"latest": "3.0.0", "next": "2.0.0", "old": "1.0.0", "lts": "1.0.0", "odd": 1, "caf\u00e9": "1.0.0"},
        "versions": {version: {"dist": DIST} for version in ("1.0.0", "2.0.0", "3.0.0")},
        "time": {"created": "2020-01-01T00:00:00Z", "1.0.0": "2020-01-01T00:00:00.000Z", "2.0.0": "yesterday", "3.0.0": 1},
    }
    found = packument.trim(document, "a", ["1.0.0", "2.0.0", "9.0.0"])

    assert found["dist-tags"] == {"next": "2.0.0", "old": "1.0.0", "lts": "1.0.0"}
    assert list(found["versions"]) == ["1.0.0", "2.0.0"]
    assert found["time"] == {"1.0.0": "2020-01-01T00:00:00.000Z"}
    assert found.keys() == {"name", "dist-tags", "versions", "time"}


def test_what_clients_need_of_a_version_is_kept_and_the_rest_is_not() -> None:
    needed = {
        "dependencies": {"b": "^1"},
        "optionalDependencies": {"c": "*"},
        "peerDependencies": {"d": ">=1"},
        "peerDependenciesMeta": {"d": {"optional": True}},
        "bundleDependencies": ["e"],
        "bin": {"a": "a.js"},
        "engines": {"node": ">=18"},
        "os": ["linux"],
        "cpu": ["x64"],
        "libc": ["glibc"],
        "deprecated": "use b",
        "directories": {"bin": "bin"},
    }
    dist = {
        **DIST,
        "signatures": [{"keyid": "SHA256:x", "sig": "MEU="}],
        "attestations": {"url": "https://r.invalid/x", "provenance": {"predicateType": "https://slsa.dev/provenance/v1"}},
        "fileCount": 3,
        "unpackedSize": 1000,
    }
    rest = {"readme": "x", "scripts": {"test": "x"}, "devDependencies": {"x": "1"}, "maintainers": [], "_npmUser": {}}
    found = kept({**needed, **rest, "dist": {**dist, "npm-signature": "old"}})

    assert found == {"name": "a", "version": "1.0.0", **needed, "dist": {k: v for k, v in dist.items() if k != "tarball"}}


@pytest.mark.parametrize(
    "members",
    [
        {"hasInstallScript": True},
        {"gypfile": True},
        {"scripts": {"preinstall": "x"}},
        {"scripts": {"install": "x"}},
        {"scripts": {"postinstall": "x"}},
    ],
)
def test_code_that_runs_at_installation_is_said_openly(members: dict[str, Any]) -> None:
    assert kept(members)["hasInstallScript"] is True


@pytest.mark.parametrize(
    "members", [{"hasInstallScript": "yes"}, {"gypfile": False}, {"scripts": {"install": ""}}, {"scripts": []}]
)
def test_other_scripts_do_not_count(members: dict[str, Any]) -> None:
    assert "hasInstallScript" not in kept(members)


@pytest.mark.parametrize(
    ("member", "value", "result"),
    [
        ("os", "linux", ["linux"]),
        ("os", [], None),
        ("os", [1], None),
        ("bin", "a.js", "a.js"),
        ("bin", "", None),
        ("bin", [], None),
        ("engines", ["node >= 1"], None),
        ("engines", {"node": 1}, None),
        ("deprecated", True, True),
        ("deprecated", False, None),
        ("deprecated", "", None),
        ("deprecated", "\ud800", None),
        ("deprecated", "x" * 70_000, None),
        ("dependencies", {"b": "1", "__proto__": "1", "caf\u00e9": "1", "": "1", "c": {}}, {"b": "1"}),
        ("dependencies", {f"d{n}": "1" for n in range(10_001)}, None),
        (
            "peerDependenciesMeta",
            {"b": {"optional": False, "x": 1}, "c": {"optional": "x"}, "d": 1},
            {"b": {"optional": False}},
        ),
        ("peerDependenciesMeta", {"c": 1}, None),
        ("bundleDependencies", True, True),
        ("bundleDependencies", False, None),
        ("bundleDependencies", {}, None),
    ],
)
def test_members_of_another_shape_are_left_out(member: str, value: Any, result: Any) -> None:
    assert kept({member: value}).get(member) == result


def test_the_other_spelling_of_bundled_packages_means_the_same() -> None:
    assert kept({"bundledDependencies": ["b"]})["bundleDependencies"] == ["b"]
    assert kept({"bundledDependencies": ["b"], "bundleDependencies": ["c"]})["bundleDependencies"] == ["c"]


@pytest.mark.parametrize(
    ("member", "value", "result"),
    [
        ("integrity", 1, None),
        ("fileCount", True, None),
        ("fileCount", -1, None),
        ("unpackedSize", 2**60, None),
        ("unpackedSize", 1.5, None),
        ("signatures", [], None),
        ("signatures", {}, None),
        ("signatures", ["x", {"keyid": "k"}, {"keyid": "k", "sig": 1}], None),
        ("signatures", [{"keyid": "k", "sig": "s", "x": 1}], [{"keyid": "k", "sig": "s"}]),
        ("signatures", [{"keyid": "k", "sig": "s"}] * 17, [{"keyid": "k", "sig": "s"}] * 16),
        ("attestations", {}, None),
        ("attestations", {"url": "u", "provenance": 1}, {"url": "u"}),
    ],
)
def test_what_is_said_about_a_tarball_has_its_shape(member: str, value: Any, result: Any) -> None:
    assert kept({"dist": {**DIST, member: value}})["dist"].get(member) == result


def test_equal_words_give_equal_bytes() -> None:
    document = said({"dependencies": {"b": "1", "c": "2"}, "os": ["x", "y"]}, **{"dist-tags": {"x": "1.0.0", "y": "1.0.0"}})

    def shuffled(value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        names = list(value)
        random.Random(1).shuffle(names)
        return {name: shuffled(value[name]) for name in names}

    one, other = (canonical.encode(packument.trim(d, "a", ["1.0.0"])) for d in (document, shuffled(document)))
    assert one == other


def test_a_version_without_dist_has_no_digests() -> None:
    trimmed = packument.trim({"versions": {"1.0.0": {}}}, "a", ["1.0.0"])["versions"]["1.0.0"]

    assert packument.digests_of(trimmed, "a") == {}
    assert packument.tarball_of({"versions": {"1.0.0": {"dist": []}}}, "1.0.0") is None


def test_a_version_that_is_no_object_is_none() -> None:
    assert packument.trim({"versions": {"1.0.0": "x"}}, "a", ["1.0.0"])["versions"] == {}


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"\xff",
        b"[]",
        b"{}",
        b'{"versions": []}',
        b"[" * 100_000,
        b'{"name": "b", "versions": {}}',
        b'{"name": null, "versions": {}}',
        json.dumps({"versions": {}}).encode("utf-16"),
        b'{"versions": {}, "x": ' + b"1" * 5000 + b"}",
    ],
)
def test_what_is_no_packument_is_malformed(raw: bytes) -> None:
    with pytest.raises(FormatError, match="packument of a: expected"):
        packument.parse(raw, "a")
