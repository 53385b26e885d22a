"""Locks of pnpm, and the YAML that lock files are held to."""

import time
from pathlib import Path

import pytest

from airgap.connected.collect.npm import pnpm_lock
from airgap.connected.collect.npm.locked import Limits, Lock
from airgap.connected.collect.npm.strict_yaml import load_all
from airgap.core.errors import FormatError, UsageError

LOCKS = Path(__file__).with_name("locks")
HEAD = "lockfileVersion: '9.0'\npackages:\n"


def read(text: str) -> Lock:
    return pnpm_lock.read(text, where="lock")


@pytest.mark.parametrize("name", ["pnpm6.yaml", "pnpm9.yaml"])
def test_a_lock_by_pnpm_holds_every_package_of_the_registry(name: str) -> None:
    lock = read((LOCKS / name).read_text())

    found = {package.release: package for package in lock.packages}
    assert len(found) == len(lock.packages) == 20
    assert {"once@1.3.0", "once@1.4.0", "left-pad@1.3.0", "@isaacs/string-locale-compare@1.1.0"} <= found.keys()
    assert not lock.others
    assert found["fsevents@2.3.3"].limits == Limits(os=("darwin",))
    assert [package.release for package in lock.packages if package.is_optional] == ["fsevents@2.3.3"]
    assert all("sha512" in package.digests for package in lock.packages)


def test_peers_and_patches_are_no_part_of_a_version() -> None:
    lock = read(
        "lockfileVersion: '6.0'\npackages:\n  /@s/a@1.0.0(b@2.0.0)(patch_hash=xyz):\n    resolution: {integrity: ''}\n"
    )

    assert [package.release for package in lock.packages] == ["@s/a@1.0.0"]


def test_a_package_that_is_needed_with_one_set_of_peers_is_not_optional() -> None:
    lock = read(
        HEAD + "  a@1.0.0:\n    resolution: {}\n"
        "snapshots:\n  a@1.0.0(b@1.0.0):\n    optional: true\n  a@1.0.0(b@2.0.0):\n    dependencies: {}\n"
    )

    assert [package.is_optional for package in lock.packages] == [False]


def test_an_address_is_kept_where_there_is_one() -> None:
    lock = read(HEAD + "  a@1.0.0:\n    resolution: {tarball: 'https://registry.invalid/download/a/1.0.0'}\n")

    assert [package.url for package in lock.packages] == ["https://registry.invalid/download/a/1.0.0"]


@pytest.mark.parametrize(
    "key",
    [
        "a@https://files.invalid/a.tgz",
        "a@file:a.tgz",
        "a@git+ssh://git@git.invalid/a#0123",
        "git.invalid/a/b/0123",
        "'@git.invalid/a/b/0123'",
        "file:a.tgz",
    ],
)
def test_what_no_registry_has_is_named(key: str) -> None:
    lock = read(HEAD + f"  {key}:\n    resolution: {{tarball: 'https://files.invalid/a.tgz'}}\n")

    assert lock == Lock([], [key.strip("'")])


@pytest.mark.parametrize("kind", ["git", "variations"])
def test_a_resolution_of_another_kind_is_not_of_the_registry(kind: str) -> None:
    assert read(HEAD + f"  node@22.0.0:\n    resolution: {{type: {kind}}}\n").others == ["node@22.0.0"]


def test_folders_are_the_projects_own() -> None:
    text = HEAD + "  inner@file:packages/inner:\n    resolution: {directory: packages/inner, type: directory}\n"

    assert read(text) == Lock([], [])


def test_the_tools_of_pnpm_stand_in_a_document_of_their_own() -> None:
    tools = "---\n" + HEAD + "  pnpm@12.0.0:\n    resolution: {}\n---\n"

    assert [p.release for p in read(tools + HEAD + "  a@1.0.0:\n    resolution: {}\n").packages] == [
        "pnpm@12.0.0",
        "a@1.0.0",
    ]


def test_a_lock_of_nothing_is_empty() -> None:
    assert read("lockfileVersion: '9.0'\n") == Lock([], [])


@pytest.mark.parametrize("text", ["lockfileVersion: 5.4\n", "[]", "a: b", "lockfileVersion: {a: b}", "text"])
def test_another_version_of_the_format_is_refused_with_the_way_out(text: str) -> None:
    with pytest.raises(UsageError, match="lock: expected lockfileVersion 6 or 9, got") as caught:
        read(text)

    assert caught.value.hint


@pytest.mark.parametrize(
    "text",
    [
        "",
        "lockfileVersion: '9.0'\npackages: []\n",
        HEAD + "  a@1.0.0: text\n",
        HEAD + "  a@1.0.0: {}\n",
        HEAD + "  a@1.0.0:\n    resolution: {integrity: []}\n",
        HEAD + "  a@1.0.0:\n    resolution: {integrity: sha512-AAAA}\n",
    ],
)
def test_what_is_no_lock_is_malformed(text: str) -> None:
    with pytest.raises(FormatError, match=r"lock: .*expected"):
        read(text)


def test_no_value_of_yaml_is_typed() -> None:
    assert load_all("[1.10, true, null, 2021-01-01, 0x10, ~, '', {a: [b]}]", where="lock") == [
        ["1.10", "true", "null", "2021-01-01", "0x10", "~", "", {"a": ["b"]}]
    ]


@pytest.mark.parametrize(
    "text",
    [
        "a: &x 1\nb: *x",
        "a: !!python/object:os.system x",
        "a: !local x",
        "&x a: 1",
        "[&x [], *x]",
    ],
)
def test_anchors_aliases_and_tags_are_refused(text: str) -> None:
    with pytest.raises(FormatError, match="lock: expected plain YAML, got an anchor, alias or tag"):
        load_all(text, where="lock")


@pytest.mark.parametrize("text", ["a: 1\na: 2", "? [a]\n: 1", "? {a: b}\n: 1"])
def test_names_stand_once_and_are_text(text: str) -> None:
    with pytest.raises(FormatError, match="lock: expected each name once and as text"):
        load_all(text, where="lock")


@pytest.mark.parametrize("text", ["{", "a: [", "\ta: 1", "a: 'x", '"\\UFFFFFFFF"', "a: \x01", "%YAML 9.9\n---\n a"])
def test_broken_yaml_is_malformed(text: str) -> None:
    with pytest.raises(FormatError, match="lock: expected a lock file in YAML, got other text"):
        load_all(text, where="lock")


@pytest.mark.parametrize(
    "text",
    ["[" * 17 + "]" * 17, "[" * 100_000, "- " * 100_000, "{a: " * 100_000, "\n".join(" " * n + "a:" for n in range(50))],
)
def test_deep_yaml_is_refused_at_once(text: str) -> None:
    start = time.monotonic()
    with pytest.raises(FormatError, match="lock: expected"):
        load_all(text, where="lock")

    assert time.monotonic() - start < 2
