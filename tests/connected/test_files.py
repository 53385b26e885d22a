"""Plain files: which become artifacts, which evidence, which losses."""

import os
from pathlib import Path
from typing import Any

import pytest

from airgap.connected.collect.files import collect_files
from airgap.connected.collect.suffixes import EVIDENCE
from airgap.connected.collected import Collected
from airgap.connected.request import FilesSource
from airgap.core.entries import Loss, Role
from airgap.core.errors import FormatError, UsageError
from airgap.core.reasons import Reason
from tests.connected.exporting import plant


def collect(folder: Path, *paths: str, **more: Any) -> list[Collected | Loss]:
    return list(collect_files(FilesSource(folder=str(folder), paths=paths or (".",), **more)))


def names(found: list[Collected | Loss]) -> dict[str, list[str]]:
    """Path of each artifact and the paths of its evidence."""
    return {c.source.path: [e[0].path for e in c.evidence] for c in found if isinstance(c, Collected)}


def test_a_folder_means_everything_in_it_by_its_path_inside(tmp_path: Path) -> None:
    plant(tmp_path, {"in/a": b"1", "in/.hidden": b"2", "in/d/e/f": b"3"})
    found = collect(tmp_path, "in")

    assert list(names(found)) == ["artifacts/files/.hidden", "artifacts/files/a", "artifacts/files/d/e/f"]
    assert found[1] == found[1]._replace(purl="pkg:generic/a")


def test_a_file_or_glob_stands_at_the_root_by_its_name(tmp_path: Path) -> None:
    plant(tmp_path, {"d/a.whl": b"1", "d/b.whl": b"2", "d/c.txt": b"3", "e/f/g.whl": b"4", "[x]": b"5"})

    assert list(names(collect(tmp_path, "d/*.whl"))) == ["artifacts/files/a.whl", "artifacts/files/b.whl"]
    assert list(names(collect(tmp_path, "**/*.whl")))[-1] == "artifacts/files/g.whl"
    assert list(names(collect(tmp_path, "[x]"))) == ["artifacts/files/[x]"]


def test_an_absolute_path_is_taken_as_it_is(tmp_path: Path) -> None:
    plant(tmp_path, {"d/a": b"1"})

    assert list(names(collect(Path("/none"), str(tmp_path / "d/a")))) == ["artifacts/files/a"]


def test_the_same_file_asked_for_twice_is_one_artifact(tmp_path: Path) -> None:
    plant(tmp_path, {"a": b"1"})

    assert list(names(collect(tmp_path, "a", ".", "*"))) == ["artifacts/files/a"]


def test_two_files_of_one_name_are_refused(tmp_path: Path) -> None:
    plant(tmp_path, {"d/a": b"1", "e/a": b"2"})
    with pytest.raises(UsageError, match="expected one file named 'a', got two from different folders"):
        collect(tmp_path, "d/a", "e/a")


@pytest.mark.parametrize("pattern", ["none", "*.none", "d/none/*"])
def test_a_path_that_matches_nothing_is_a_usage_error(tmp_path: Path, pattern: str) -> None:
    with pytest.raises(UsageError, match="expected files at"):
        collect(tmp_path, pattern)


def test_links_and_devices_are_losses_and_folders_behind_links_are_not_entered(tmp_path: Path) -> None:
    plant(tmp_path, {"in/a": b"1", "out/b": b"2"})
    (tmp_path / "in/link").symlink_to("a")
    (tmp_path / "in/folder").symlink_to(tmp_path / "out")
    os.mkfifo(tmp_path / "in/fifo")
    found = collect(tmp_path, "in")

    assert list(names(found)) == ["artifacts/files/a"]
    assert found[1:] == [
        Loss("pkg:generic/fifo", "not-selected", "no regular file"),
        Loss("pkg:generic/folder", "not-selected", "a symbolic link"),
        Loss("pkg:generic/link", "not-selected", "a symbolic link"),
    ]


@pytest.mark.parametrize(("suffix", "role", "media"), EVIDENCE)
def test_a_file_named_like_another_and_a_suffix_is_its_evidence(
    tmp_path: Path, suffix: str, role: Role, media: str
) -> None:
    plant(tmp_path, {"d/a": b"1", f"d/a{suffix}": b"2", f"alone{suffix}": b"3"})
    found = collect(tmp_path)

    assert names(found) == {f"artifacts/files/alone{suffix}": [], "artifacts/files/d/a": [f"documents/files/d/a{suffix}"]}
    (artifact,) = [c for c in found if isinstance(c, Collected) and c.evidence]
    assert artifact.evidence[0][1:] == (role, media)


def test_a_signature_of_a_signature_belongs_to_the_artifact(tmp_path: Path) -> None:
    plant(tmp_path, {"a": b"1", "a.intoto.jsonl": b"2", "a.intoto.jsonl.sig": b"3"})

    assert names(collect(tmp_path)) == {
        "artifacts/files/a": ["documents/files/a.intoto.jsonl", "documents/files/a.intoto.jsonl.sig"]
    }


def test_evidence_from_elsewhere_is_matched_by_name(tmp_path: Path) -> None:
    plant(tmp_path, {"in/d/a": b"1", "in/b": b"2", "sigs/x/a.asc": b"3"})

    assert names(collect(tmp_path, "in", evidence=("sigs",))) == {
        "artifacts/files/b": [],
        "artifacts/files/d/a": ["documents/files/d/a.asc"],
    }


def test_evidence_inside_the_folder_is_no_artifact(tmp_path: Path) -> None:
    plant(tmp_path, {"in/a": b"1", "in/sigs/a.asc": b"2"})

    assert names(collect(tmp_path, "in", evidence=("in/sigs",))) == {"artifacts/files/a": ["documents/files/a.asc"]}


def test_evidence_for_nothing_is_refused(tmp_path: Path) -> None:
    plant(tmp_path, {"in/a": b"1", "sigs/b.asc": b"2"})
    with pytest.raises(UsageError, match=r"expected an artifact for the evidence 'b\.asc'"):
        collect(tmp_path, "in", evidence=("sigs",))


def test_a_folder_in_the_view_is_put_in_front(tmp_path: Path) -> None:
    plant(tmp_path, {"a": b"1", "a.sig": b"2"})

    assert names(collect(tmp_path, into="x/y")) == {"artifacts/files/x/y/a": ["documents/files/x/y/a.sig"]}


def test_a_purl_is_for_exactly_one_file(tmp_path: Path) -> None:
    plant(tmp_path, {"a": b"1", "b": b"2"})
    (one,) = collect(tmp_path, "a", purl="pkg:pypi/a@1", requested_by={"kind": "agent", "name": "bot"})

    assert isinstance(one, Collected)
    assert (one.purl, one.custody) == ("pkg:pypi/a@1", ({"kind": "agent", "name": "bot"},))
    with pytest.raises(UsageError, match="expected one file for a purl, got 2"):
        collect(tmp_path, purl="pkg:pypi/a@1")


@pytest.mark.parametrize("name", ["nul", "a:b", "x\ty", b"\xff".decode(errors="surrogateescape")])
def test_a_name_that_is_not_portable_is_refused_at_the_export(tmp_path: Path, name: str) -> None:
    plant(tmp_path, {name: b"1"})
    with pytest.raises(FormatError) as caught:
        collect(tmp_path)

    assert caught.value.reason is Reason.BAD_NAME
