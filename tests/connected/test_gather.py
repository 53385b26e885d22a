"""What several sources of one request ask for together."""

import hashlib
from pathlib import Path
from typing import Any

import pytest

from airgap.connected import gather as module
from airgap.connected.collected import Carried, Collected, FileSource, Planned
from airgap.connected.gather import gather, survey
from airgap.connected.request import NpmSource, Request
from airgap.core.entries import Loss, Role
from airgap.core.errors import FormatError
from airgap.core.times import parse_duration
from airgap.evidence.npm import purl_of


class Known:
    """A source that was resolved."""

    def __init__(self, *items: Collected | Carried | Loss) -> None:
        self.items = items
        self.losses = [item for item in items if isinstance(item, Loss)]

    def planned(self) -> list[Planned]:
        found = [item for item in self.items if isinstance(item, Collected)]
        return [Planned(item.source.path, item.purl, item.source.size) for item in found]

    def collect(self) -> Any:
        return self.items


def asked(monkeypatch: pytest.MonkeyPatch, *sources: Known) -> Request:
    left = list(sources) * 2
    monkeypatch.setattr(module, "_resolve", lambda *_: left.pop(0))
    wanted = tuple(NpmSource(folder=".") for _ in sources)
    return Request(channel="main", expires=parse_duration("1 day"), destination=None, sources=wanted)


def tarball(folder: Path, name: str = "a", *, kept: str = "x", proof: str | None = None) -> Collected:
    (folder / kept).write_bytes(b"content")
    digest = hashlib.sha256(b"content").digest()
    source = FileSource(f"artifacts/npm/{name}/-/{name}-1.0.0.tgz", str(folder / kept), 7, 0, digest)
    piece = FileSource(f"documents/npm/{proof}", str(folder / kept), 7, 0)
    return Collected(source, purl_of(name, "1.0.0"), ((piece, Role.SIGNATURE, "text/plain"),) if proof else ())


def test_a_file_that_two_sources_ask_for_by_different_digests_travels_once_with_all_evidence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, other = tarball(tmp_path, kept="sha512"), tarball(tmp_path, kept="sha256", proof="a.asc")
    (found,) = gather(asked(monkeypatch, Known(one), Known(other))).artifacts

    assert found.source.file == one.source.file
    assert [source.path for source, _, _ in found.evidence] == ["documents/npm/a.asc"]


def test_what_one_source_leaves_behind_and_another_brings_is_no_loss(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stays, gone = (Loss(purl_of(name, "1.0.0"), "not-selected", "for other platforms") for name in "ab")
    unproven = Loss(purl_of("a", "1.0.0"), "unsigned-upstream", "no signature")
    wanted = asked(monkeypatch, Known(stays, gone), Known(tarball(tmp_path), unproven))

    assert gather(wanted).losses == [gone, unproven]
    assert survey(wanted, None).losses == [gone, unproven]


def test_a_survey_finds_names_that_fall_together(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wanted = asked(monkeypatch, Known(tarball(tmp_path, "JSONStream")), Known(tarball(tmp_path, "jsonstream")))
    with pytest.raises(FormatError, match="expected a name apart from all others"):
        survey(wanted, None)


def test_a_package_that_an_import_would_refuse_by_its_name_is_refused_here(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    item = tarball(tmp_path)
    with pytest.raises(FormatError, match=r"expected pkg:npm/a@1\.0\.0, got pkg:npm/b@1\.0\.0"):
        gather(asked(monkeypatch, Known(item._replace(purl=purl_of("b", "1.0.0")))))
    stranger = Carried(FileSource("documents/npm/b/-/b-1.0.0.tgz.asc", str(tmp_path / "x"), 7, 0), Role.INDEX, "text/plain")
    with pytest.raises(FormatError, match="expected a document beside a package of its bundle"):
        gather(asked(monkeypatch, Known(item, stranger)))
