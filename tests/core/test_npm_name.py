"""Names and versions of npm packages."""

import pytest

from airgap.core.npm_name import is_name, is_version, tarball_path


@pytest.mark.parametrize("name", ["a", "left-pad", "@types/node", "JSONStream", "lodash.merge", "@_a/b~c", "a" * 214])
def test_names_that_were_ever_published_are_names(name: str) -> None:
    assert is_name(name)


@pytest.mark.parametrize(
    "name",
    ["", ".", "..", ".a", "_a", "a/b", "@a", "@a/", "@/b", "@a/b/c", "@a/.b", "a b", "a\n", "a%2fb", "\u00e4", "a" * 215],
)
def test_what_could_be_a_path_is_no_name(name: str) -> None:
    assert not is_name(name)


@pytest.mark.parametrize("version", ["1.0.0", "0.0.0-alpha.1", "1.2.3-0-x", "1.0.0+b.1", "20.19.43-rc.1+sha.5"])
def test_versions_of_semantic_versioning_are_versions(version: str) -> None:
    assert is_version(version)


@pytest.mark.parametrize(
    "version",
    ["", "1", "1.0", "v1.0.0", "1.0.0-", "1.0.0-a..b", "1.0.0/..", "1.0.0\n", "1.0.0 ", "^1.0.0", "1.0.0-" + "a" * 256],
)
def test_ranges_and_tags_are_no_versions(version: str) -> None:
    assert not is_version(version)


def test_the_scope_is_a_folder_and_not_part_of_the_file_name() -> None:
    assert tarball_path("@scope/name", "1.0.0") == "@scope/name/-/name-1.0.0.tgz"
