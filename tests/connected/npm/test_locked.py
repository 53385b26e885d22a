"""Names, versions, digests and addresses in locks, whoever wrote them."""

import hashlib

import pytest

from airgap.connected.collect.npm import integrity
from airgap.connected.collect.npm.locked import Limits, Lock, Locked, read_limits, settle, web_url
from airgap.connected.collect.npm.naming import (
    attestations_url,
    check_release,
    keys_url,
    packument_path,
    packument_url,
    tarball_url,
)
from airgap.core.errors import FormatError, UsageError
from airgap.core.npm_name import tarball_path
from airgap.core.reasons import Reason
from tests.connected.npm.registry import sri

A, B = hashlib.sha512(b"a").hexdigest(), hashlib.sha512(b"b").hexdigest()
A1, B1 = hashlib.sha1(b"a").hexdigest(), hashlib.sha1(b"b").hexdigest()
A256 = hashlib.sha256(b"a").hexdigest()


@pytest.mark.parametrize(
    "name", ["a", "left-pad", "JSONStream", "@scope/name", "@_s/x", "@-s/x", "a.b_c~d", "3d", "x" * 200, "@s/constructor"]
)
def test_names_that_were_ever_published_are_names(name: str) -> None:
    check_release(name, "1.0.0", where="lock")


@pytest.mark.parametrize(
    "name",
    [
        "",
        "../x",
        "@s/../x",
        "@s/..",
        "@../x",
        "a/b",
        "@s/a/b",
        "@s",
        "@/a",
        "__proto__",
        "_a",
        ".a",
        "-",
        "-a",
        "@s/-a",
        "a b",
        "a\n",
        "a\\b",
        "a%2fb",
        "a:b",
        "caf\u00e9",
        "node_modules",
        "Favicon.ico",
        "x" * 215,
        "con",
        "@s/nul",
        "a" * 5 + "~1",
    ],
)
def test_names_that_npm_or_a_file_system_would_not_take_are_refused(name: str) -> None:
    with pytest.raises(FormatError) as caught:
        check_release(name, "1.0.0", where="lock")

    assert caught.value.reason is Reason.BAD_NAME


def test_a_name_and_a_version_that_are_too_long_together_are_refused() -> None:
    with pytest.raises(FormatError, match="expected a portable relative path, got a component of more than 255 bytes"):
        check_release("x" * 200, "1.0.0-" + "a" * 100, where="lock")


@pytest.mark.parametrize("version", ["0.0.0", "1.2.3", "1.0.0-rc.1", "1.0.0-alpha-1+build.5", "20240101.0.0"])
def test_versions_are_semantic(version: str) -> None:
    check_release("a", version, where="lock")


@pytest.mark.parametrize(
    "version",
    [
        "",
        "1",
        "1.0",
        "v1.0.0",
        "1.0.0/..",
        "../1.0.0",
        "1.0.0 ",
        "1.0.0\n",
        "latest",
        "1.0.0-",
        "1.0.0-" + "a" * 300,
        "1.0.0-.",
    ],
)
def test_other_versions_are_refused(version: str) -> None:
    with pytest.raises(FormatError) as caught:
        check_release("a", version, where="lock")

    assert caught.value.reason is Reason.BAD_NAME


def test_places_follow_from_the_name() -> None:
    assert tarball_path("@s/a", "1.0.0") == "@s/a/-/a-1.0.0.tgz"
    assert packument_path("@s/a", "ab" * 32) == "documents/index/npm/@s/a/abababababababab.json"
    assert packument_url("https://r.invalid/npm/", "@s/a") == "https://r.invalid/npm/@s%2fa"
    assert tarball_url("https://r.invalid/", "@s/a", "1.0.0+b") == "https://r.invalid/@s/a/-/a-1.0.0%2Bb.tgz"
    assert attestations_url("https://r.invalid/", "@s/a", "1.0.0") == "https://r.invalid/-/npm/v1/attestations/@s%2fa@1.0.0"
    assert keys_url("https://r.invalid/npm/") == "https://r.invalid/npm/-/npm/v1/keys"


def test_an_integrity_may_hold_several_algorithms_and_options() -> None:
    text = f"{sri(b'a', 'sha1')} {sri(b'a')}?opt md5-AAAA"

    assert integrity.parse(text, what="a") == {"sha1": A1, "sha512": A}
    assert integrity.parse(f"{sri(b'a')} {sri(b'a')}", what="a") == {"sha512": A}
    assert integrity.parse("", what="a") == {}


@pytest.mark.parametrize(
    "text", ["sha512-", "sha512-AAAA", "sha1-" + "A" * 28, "sha512-" + "*" * 88, sri(b"a")[:-2] + "B="]
)
def test_a_broken_integrity_is_malformed(text: str) -> None:
    with pytest.raises(FormatError, match="a: expected an integrity, got"):
        integrity.parse(text, what="a")


def test_two_contents_in_one_integrity_are_refused() -> None:
    with pytest.raises(FormatError, match="a: expected one sha512 digest, got two"):
        integrity.parse(f"{sri(b'a')} {sri(b'b')}", what="a")


@pytest.mark.parametrize("text", ["", "a" * 39, "a" * 41, "g" * 40])
def test_a_broken_sha1_is_malformed(text: str) -> None:
    with pytest.raises(FormatError, match="a: expected a sha1 digest, got"):
        integrity.of_sha1(text, what="a")


@pytest.mark.parametrize(
    ("locked", "indexed", "law"),
    [
        ({"sha512": A}, {"sha512": A, "sha1": A1}, {"sha512": A}),
        ({"sha512": A, "sha1": A1}, {}, {"sha512": A}),
        ({"sha1": A1}, {"sha512": A, "sha1": A1}, {"sha1": A1, "sha512": A}),
        ({"sha1": A1}, {}, {"sha1": A1}),
        ({"sha256": A256, "sha1": A1}, {"sha512": A}, {"sha256": A256, "sha512": A}),
        ({}, {"sha512": A, "sha1": A1}, {"sha512": A}),
        ({}, {"sha1": A1}, {"sha1": A1}),
    ],
)
def test_the_strongest_word_of_the_lock_is_the_law(
    locked: dict[str, str], indexed: dict[str, str], law: dict[str, str]
) -> None:
    assert integrity.law(locked, indexed, what="a") == law


@pytest.mark.parametrize(
    ("locked", "indexed"),
    [
        ({"sha512": A}, {"sha512": B}),
        ({"sha1": A1}, {"sha1": B1, "sha512": A}),
        ({"sha512": A, "sha1": A1}, {"sha512": A, "sha1": B1}),
    ],
)
def test_a_registry_that_contradicts_the_lock_is_refused(locked: dict[str, str], indexed: dict[str, str]) -> None:
    with pytest.raises(FormatError, match=r"a: expected sha\d+:[0-9a-f]+, got sha\d+:[0-9a-f]+") as caught:
        integrity.law(locked, indexed, what="a")

    assert caught.value.reason is Reason.CONTENT_MISMATCH


def test_a_package_that_nobody_pins_is_refused() -> None:
    with pytest.raises(FormatError, match=r"a@1\.0\.0: expected an integrity in the lock or at the registry, got none"):
        integrity.law({}, {}, what="a@1.0.0")


def test_what_registries_sign_is_written_as_they_write_it() -> None:
    assert integrity.write_sha512({"sha512": A, "sha1": A1}) == sri(b"a")
    assert integrity.write_sha512({"sha1": A1}) is None


def test_one_version_in_many_places_is_one_package() -> None:
    mac = Limits(os=("darwin",))
    one = Locked("b", "1.0.0", {"sha1": A1}, None, mac, is_optional=True)
    same = Locked("b", "1.0.0", {"sha512": A}, "https://r.invalid/b.tgz", mac, is_optional=False)

    found = settle({"1": Lock([one, Locked("a", "2.0.0", {})], []), "2": Lock([same, Locked("a", "1.0.0", {})], [])})

    assert [package.release for package in found] == ["a@1.0.0", "a@2.0.0", "b@1.0.0"]
    assert found[2] == Locked("b", "1.0.0", {"sha1": A1, "sha512": A}, "https://r.invalid/b.tgz", mac)


def test_locks_that_differ_about_platforms_leave_that_to_the_registry() -> None:
    locks = {n: Lock([Locked("a", "1.0.0", {}, limits=Limits(os=(n,)))], []) for n in ("darwin", "linux")}

    assert settle(locks)[0].limits == Limits()


def test_one_version_with_two_contents_is_refused() -> None:
    locks = {n: Lock([Locked("a", "1.0.0", {"sha512": digest})], []) for n, digest in (("1", A), ("2", B))}

    with pytest.raises(FormatError, match=f"a@1.0.0: expected sha512:{A}, got sha512:{B}") as caught:
        settle(locks)
    assert caught.value.reason is Reason.CONTENT_MISMATCH


def test_all_packages_that_no_registry_has_are_named_at_once() -> None:
    with pytest.raises(
        UsageError, match=r"lock: expected packages of a registry, got 'a from git\+x', 'b\\x1b'$"
    ) as caught:
        settle({"lock": Lock([], ["a from git+x", "b\x1b", "a from git+x"])})
    assert caught.value.hint

    with pytest.raises(UsageError, match=r"'49' and 2 more$"):
        settle({"lock": Lock([], [str(n) for n in range(52)])})


def test_there_is_an_end_to_the_number_of_packages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("airgap.connected.collect.npm.locked.MAX_LOCKED", 1)

    with pytest.raises(FormatError, match="request: expected at most 1 packages, got 2") as caught:
        settle({"lock": Lock([Locked("a", "1.0.0", {}), Locked("b", "1.0.0", {})], [])})
    assert caught.value.reason is Reason.TOO_LARGE


@pytest.mark.parametrize("url", ["https://r.invalid/a.tgz", "http://127.0.0.1:8080/a", "https://[::1]/a"])
def test_addresses_of_the_web_are_addresses(url: str) -> None:
    assert web_url(f"{url}#fragment") == url


@pytest.mark.parametrize(
    "url",
    [
        None,
        "",
        "file:///etc/passwd",
        "ftp://r.invalid/a",
        "https:///a",
        "https://user:secret@r.invalid/a",
        "https://r.invalid/a b",
        "https://r.invalid/\n",
        "https://r.invalid:99999/a",
        "https://[r.invalid/a",
        "https://r.invalid/\u0430",
        "https://r.invalid/" + "a" * 2048,
    ],
)
def test_anything_else_is_no_address(url: object) -> None:
    assert web_url(url) is None


def test_limits_are_one_word_or_a_list() -> None:
    assert read_limits({"os": "linux", "cpu": ["x64", "!arm"], "libc": []}) == Limits(("linux",), ("x64", "!arm"), None)


def test_names_that_differ_in_case_alone_are_refused_before_anything_is_asked() -> None:
    lock = Lock([Locked("JSONStream", "1.0.0", {}), Locked("jsonstream", "2.0.0", {})], [])
    with pytest.raises(FormatError, match="falls together with 'JSONStream/") as caught:
        settle({"lock": lock})

    assert caught.value.reason is Reason.NAME_CLASH


def test_a_password_in_an_address_of_a_lock_is_not_shown() -> None:
    with pytest.raises(UsageError, match=r"got 'x from git\+ssh://h/x', 'y@https://h/y'") as caught:
        settle({"lock": Lock([], ["x from git+ssh://u:hush@h/x", "y@https://hush@h/y"])})

    assert "hush" not in caught.value.message
