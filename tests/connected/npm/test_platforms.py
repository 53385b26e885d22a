"""Which packages run where, as npm itself decides it."""

import pytest

from airgap.connected.collect.npm.locked import Limits
from airgap.connected.collect.npm.platforms import Target, is_for, parse_target, write_limits
from airgap.core.errors import UsageError


@pytest.mark.parametrize(
    ("text", "target"),
    [
        ("linux-x64", Target("linux", "x64", "glibc")),
        ("linux-arm64-glibc", Target("linux", "arm64", "glibc")),
        ("linux-x64-musl", Target("linux", "x64", "musl")),
        ("darwin-arm64", Target("darwin", "arm64", None)),
        ("win32-ia32", Target("win32", "ia32", None)),
    ],
)
def test_a_target_is_named_in_the_words_of_node(text: str, target: Target) -> None:
    assert parse_target(text) == target


@pytest.mark.parametrize(
    "text",
    [
        "",
        "linux",
        "linux-",
        "macos-arm64",
        "windows-x64",
        "linux-amd64",
        "darwin-x64-musl",
        "linux-x64-uclibc",
        "linux-x64-",
        "-x64",
    ],
)
def test_other_words_are_refused_with_the_right_ones(text: str) -> None:
    with pytest.raises(UsageError, match="expected a platform such as linux-x64 or linux-x64-musl, got") as caught:
        parse_target(text)

    assert "win32" in str(caught.value.hint)


@pytest.mark.parametrize(
    ("limits", "fitting"),
    [
        (Limits(), ["linux-x64", "linux-x64-musl", "darwin-arm64", "win32-x64"]),
        (Limits(os=("any",)), ["linux-x64", "linux-x64-musl", "darwin-arm64", "win32-x64"]),
        (Limits(os=("linux", "darwin")), ["linux-x64", "linux-x64-musl", "darwin-arm64"]),
        (Limits(os=("!win32",)), ["linux-x64", "linux-x64-musl", "darwin-arm64"]),
        (Limits(os=("!win32", "!darwin")), ["linux-x64", "linux-x64-musl"]),
        (Limits(os=("linux", "!linux")), []),
        (Limits(os=("!win32", "darwin")), ["darwin-arm64"]),
        (Limits(cpu=("x64",)), ["linux-x64", "linux-x64-musl", "win32-x64"]),
        (Limits(os=("linux",), cpu=("x64",), libc=("musl",)), ["linux-x64-musl"]),
        (Limits(libc=("glibc",)), ["linux-x64"]),
        (Limits(libc=("!musl",)), ["linux-x64"]),
        (Limits(os=("plan9",)), []),
    ],
)
def test_a_package_is_for_the_platforms_that_it_names(limits: Limits, fitting: list[str]) -> None:
    targets = ["linux-x64", "linux-x64-musl", "darwin-arm64", "win32-x64"]

    assert [text for text in targets if is_for(limits, [parse_target(text)])] == fitting


def test_one_target_that_fits_is_enough_and_none_means_all() -> None:
    mac = Limits(os=("darwin",))

    assert is_for(mac, [parse_target("linux-x64"), parse_target("darwin-x64")])
    assert is_for(mac, [])
    assert not is_for(mac, [parse_target("linux-x64")])


def test_limits_are_shown_as_plain_text() -> None:
    assert write_limits(Limits(os=("win32\x1b",), cpu=("x64", "!arm"))) == "os 'win32\\x1b', cpu 'x64 !arm'"
