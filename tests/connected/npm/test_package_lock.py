"""Locks of npm: what they hold, what is left out, and what is refused."""

import json
from pathlib import Path
from typing import Any

import pytest

from airgap.connected.collect.npm import package_lock
from airgap.connected.collect.npm.locked import Limits, Lock
from airgap.core.errors import FormatError, UsageError

LOCKS = Path(__file__).with_name("locks")


def read(packages: dict[str, Any], version: Any = 3) -> Lock:
    return package_lock.read(json.dumps({"lockfileVersion": version, "packages": packages}), where="lock")


@pytest.mark.parametrize("name", ["npm2.json", "npm3.json"])
def test_a_lock_by_npm_holds_every_package_of_the_registry_once_for_each_place(name: str) -> None:
    lock = package_lock.read((LOCKS / name).read_text(), where=name)

    found = {package.release: package for package in lock.packages}
    assert len(found) == len(lock.packages) == 20
    assert {"once@1.3.0", "once@1.4.0", "left-pad@1.3.0", "@isaacs/string-locale-compare@1.1.0"} <= found.keys()
    assert not lock.others
    assert found["fsevents@2.3.3"].limits == Limits(os=("darwin",))
    assert found["fsevents@2.3.3"].is_optional
    assert all("sha512" in package.digests for package in lock.packages)


def test_a_lock_without_addresses_is_complete() -> None:
    lock = package_lock.read((LOCKS / "npm2.json").read_text(), where="lock")

    assert {package.url for package in lock.packages} == {None}


def test_an_alias_is_the_package_behind_it() -> None:
    lock = read({"node_modules/lp": {"name": "left-pad", "version": "1.3.0"}})

    assert [package.release for package in lock.packages] == ["left-pad@1.3.0"]


def test_links_workspaces_and_bundled_packages_stay_out() -> None:
    lock = read(
        {
            "": {"name": "demo"},
            "packages/inner": {"version": "1.0.0"},
            "node_modules/inner": {"resolved": "packages/inner", "link": True},
            "node_modules/a": {"version": "1.0.0", "bundleDependencies": ["b"]},
            "node_modules/a/node_modules/b": {"version": "1.0.0", "inBundle": True},
        }
    )

    assert [package.release for package in lock.packages] == ["a@1.0.0"]


@pytest.mark.parametrize(
    "resolved",
    ["git+ssh://git@git.invalid/a.git#0123", "file:a.tgz", "git://git.invalid/a", "github:a/b", "../a.tgz"],
)
def test_what_no_registry_has_is_named(resolved: str) -> None:
    lock = read({"node_modules/a": {"version": "1.0.0", "resolved": resolved}})

    assert lock == Lock([], [f"a from {resolved}"])


@pytest.mark.parametrize(
    ("asker", "place"),
    [
        ("", "node_modules/a"),
        ("packages/inner", "node_modules/a"),
        ("packages/inner", "packages/inner/node_modules/a"),
        ("node_modules/b", "node_modules/b/node_modules/a"),
        ("node_modules/b/node_modules/@s/c", "node_modules/b/node_modules/a"),
        ("node_modules/b/node_modules/@s/c", "node_modules/a"),
    ],
)
def test_a_package_that_is_wanted_from_a_url_is_not_of_the_registry(asker: str, place: str) -> None:
    url = "https://files.invalid/a/-/a-1.0.0.tgz"
    lock = read(
        {
            asker: {"version": "1.0.0", "dependencies": {"a": url, "gone": url, "b": "^1"}},
            place: {"version": "1.0.0", "resolved": url},
        }
    )

    assert lock.others == [f"a from {url}"]


def test_the_nearest_package_of_a_name_is_the_one_that_is_wanted() -> None:
    url = "https://files.invalid/a.tgz"
    lock = read(
        {
            "node_modules/b": {"version": "1.0.0", "dependencies": {"a": url}},
            "node_modules/b/node_modules/a": {"version": "2.0.0", "resolved": url},
            "node_modules/a": {"version": "1.0.0", "resolved": "https://registry.invalid/a/-/a-1.0.0.tgz"},
        }
    )

    assert [package.release for package in lock.packages] == ["b@1.0.0", "a@1.0.0"]
    assert lock.others == [f"a from {url}"]


@pytest.mark.parametrize("version", [1, 4, "3", None])
def test_another_version_of_the_format_is_refused_with_the_way_out(version: Any) -> None:
    with pytest.raises(UsageError, match=r"lock: expected lockfileVersion 2 or 3, got") as caught:
        read({}, version)

    assert caught.value.hint == "npm install --package-lock-only --lockfile-version 3"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{",
        '{"lockfileVersion": 3, "lockfileVersion": 3, "packages": {}}',
        '{"lockfileVersion": 3, "packages": ' + '{"a":' * 500 + "1" + "}" * 501,
        '{"lockfileVersion": 3, "packages": {}, "x": ' + "[" * 500 + "]" * 500 + "}",
        '{"lockfileVersion": 3, "packages": ' + "[" * 200_000,
        '{"lockfileVersion": 3, "packages": {"node_modules/a": 1}}',
        '{"lockfileVersion": 3, "packages": {"node_modules/a": {}}}',
        '{"lockfileVersion": 3, "packages": {"node_modules/a": {"version": 1}}}',
        '{"lockfileVersion": 3, "packages": {"node_modules/a": {"version": "1.0.0", "integrity": 1}}}',
        '{"lockfileVersion": 3, "packages": {"node_modules/a": {"version": "1.0.0", "name": []}}}',
        '{"lockfileVersion": 3, "packages": {"node_modules/a": {"version": "1.0.0", "integrity": "sha512-AAAA"}}}',
    ],
)
def test_what_is_no_lock_is_malformed(text: str) -> None:
    with pytest.raises(FormatError, match=r"lock: .*expected"):
        package_lock.read(text, where="lock")


def test_odd_members_of_an_entry_say_nothing() -> None:
    (package,) = read(
        {"node_modules/a": {"version": "1.0.0", "resolved": 1, "os": [], "cpu": [1], "dependencies": [], "libc": "musl"}}
    ).packages

    assert (package.url, package.limits) == (None, Limits(libc=("musl",)))
