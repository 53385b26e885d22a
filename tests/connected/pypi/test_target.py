"""A target is known by its name alone: its tags, its markers, and what uv calls it."""

from typing import Any

import pytest
from packaging.markers import Marker
from packaging.specifiers import SpecifierSet
from packaging.tags import Tag

from airgap.connected.collect.pypi.target import parse_target, running_target
from airgap.core.errors import UsageError


def platforms(name: str) -> list[str]:
    """Platforms of a target in their order, as its own ABI has them."""
    target = parse_target(name)
    return [tag.platform for tag in target.tags if tag.abi == tag.interpreter]


def test_a_newer_glibc_takes_all_older_wheels_under_all_their_names() -> None:
    found = platforms("cp311-manylinux_2_28_x86_64")

    assert found[:2] == ["manylinux_2_28_x86_64", "manylinux_2_27_x86_64"]
    assert found[-2:] == ["manylinux1_x86_64", "linux_x86_64"]
    older = ("manylinux_2_17_x86_64", "manylinux2014_x86_64", "manylinux_2_12_x86_64", "manylinux2010_x86_64")
    assert [found.index(one) for one in older] == sorted(found.index(one) for one in older)
    assert "manylinux_2_29_x86_64" not in found
    assert "manylinux_2_16_aarch64" not in platforms("cp311-manylinux_2_28_aarch64")


def test_older_names_of_platforms_are_understood() -> None:
    assert platforms("cp39-manylinux2014_x86_64") == platforms("cp39-manylinux_2_17_x86_64")
    assert platforms("cp39-manylinux1_i686") == ["manylinux_2_5_i686", "manylinux1_i686", "linux_i686"]


def test_musl_and_macos_take_what_is_older_and_windows_only_itself() -> None:
    assert platforms("cp313-musllinux_1_2_aarch64") == [
        "musllinux_1_2_aarch64",
        "musllinux_1_1_aarch64",
        "musllinux_1_0_aarch64",
        "linux_aarch64",
    ]
    assert platforms("cp312-win_amd64") == ["win_amd64"]
    mac = platforms("cp312-macosx_12_0_arm64")
    assert mac[0] == "macosx_12_0_arm64"
    assert {"macosx_11_0_universal2", "macosx_10_9_universal2"} <= set(mac)
    assert "macosx_13_0_arm64" not in mac


def test_the_stable_abi_of_older_pythons_fits_and_that_of_newer_ones_does_not() -> None:
    tags = parse_target("cp311-win_amd64").tags

    assert Tag("cp38", "abi3", "win_amd64") in tags
    assert Tag("py3", "none", "any") in tags
    assert Tag("cp312", "abi3", "win_amd64") not in tags
    assert not {tag.abi for tag in tags} - {"cp311", "abi3", "none"}


@pytest.mark.parametrize(
    ("name", "system", "machine", "uv"),
    [
        ("cp311-manylinux_2_30_x86_64", "Linux", "x86_64", "x86_64-manylinux_2_28"),
        ("cp311-manylinux_2_99_aarch64", "Linux", "aarch64", "aarch64-manylinux_2_40"),
        ("cp311-manylinux_2_12_x86_64", "Linux", "x86_64", "x86_64-manylinux_2_17"),
        ("cp311-manylinux_2_28_s390x", "Linux", "s390x", ""),
        ("cp311-musllinux_1_2_x86_64", "Linux", "x86_64", "x86_64-unknown-linux-musl"),
        ("cp311-musllinux_1_2_ppc64le", "Linux", "ppc64le", ""),
        ("cp312-win_amd64", "Windows", "AMD64", "x86_64-pc-windows-msvc"),
        ("cp312-win32", "Windows", "x86", "i686-pc-windows-msvc"),
        ("cp312-win_arm64", "Windows", "ARM64", "aarch64-pc-windows-msvc"),
        ("cp312-macosx_11_0_arm64", "Darwin", "arm64", "aarch64-apple-darwin"),
        ("cp312-macosx_10_15_x86_64", "Darwin", "x86_64", "x86_64-apple-darwin"),
    ],
)
def test_markers_and_the_name_for_uv_follow_from_the_platform(name: str, system: str, machine: str, uv: str) -> None:
    target = parse_target(name)

    assert target.platform == uv
    for environment in target.environments:
        assert (environment["platform_system"], environment["platform_machine"]) == (system, machine)


def test_markers_are_judged_for_the_target_and_not_for_this_machine() -> None:
    (first, _) = parse_target("cp312-win_amd64").environments
    marker = Marker(
        "sys_platform == 'win32' and python_version == '3.12' and os_name == 'nt' and implementation_name == 'cpython'"
    )

    assert marker.evaluate(dict[str, Any](first))


def test_a_file_fits_when_some_release_of_the_targets_python_does() -> None:
    target = parse_target("cp39-win_amd64")

    assert target.is_admitted(SpecifierSet(">=3.9.1"))
    assert target.is_admitted(SpecifierSet("<3.9.5"))
    assert not target.is_admitted(SpecifierSet(">=3.10"))
    assert not target.is_admitted(SpecifierSet("<3.9"))


def test_uv_is_told_how_old_a_macos_may_be() -> None:
    assert parse_target("cp312-macosx_12_3_arm64").variables == {"MACOSX_DEPLOYMENT_TARGET": "12.3"}


@pytest.mark.parametrize(
    "name",
    [
        "cp37-win_amd64",
        "pp39-win_amd64",
        "cp311-win_amd65",
        "cp311-manylinux_2_28000_x86_64",
        "cp311-macosx_11_0_universal2",
        "cp311",
        "cp311-",
        "",
        "cp311-win_amd64\n",
    ],
)
def test_anything_else_is_refused(name: str) -> None:
    with pytest.raises(UsageError, match="target: expected"):
        parse_target(name)


def test_the_running_machine_is_a_target_with_one_environment() -> None:
    target = running_target()

    assert len(target.environments) == 1
    assert target.name == f"{target.tags[0].interpreter}-{target.tags[0].platform}"
    assert (target.python, target.platform) == (None, None)
