"""Requests: what people ask for, in TOML or as a folder."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from airgap.connected.request import FilesSource, Request, parse_request, read_request
from airgap.core.errors import AirgapError, FormatError, UsageError
from airgap.core.reasons import Reason

FILES = {"ecosystem": "files", "path": "x"}


def parsed(*sources: dict[str, Any], **bundle: Any) -> Request:
    return parse_request({"bundle": bundle, "source": list(sources)}, folder="folder")


def test_a_folder_is_a_request_for_everything_in_it(tmp_path: Path) -> None:
    wanted = read_request(str(tmp_path))

    assert (wanted.channel, wanted.expires, wanted.destination) == ("main", timedelta(days=90), None)
    assert wanted.sources == (FilesSource(folder=str(tmp_path), paths=(".",)),)


def test_a_request_says_channel_expiry_and_destination(tmp_path: Path) -> None:
    (tmp_path / "r.toml").write_text(
        '[bundle]\nchannel = "nightly"\nexpires = "2 weeks"\ndestination = "plant-7"\n'
        '[[source]]\necosystem = "files"\npaths = ["a", "b/*"]\nevidence = "sigs"\ninto = "in"\n'
    )
    wanted = read_request(str(tmp_path / "r.toml"))

    assert (wanted.channel, wanted.expires, wanted.destination) == ("nightly", timedelta(weeks=2), "plant-7")
    assert wanted.sources == (FilesSource(folder=str(tmp_path), paths=("a", "b/*"), evidence=("sigs",), into="in"),)


def test_paths_of_a_request_in_the_current_folder_are_relative_to_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "r.toml").write_text('[[source]]\necosystem = "files"\npath = "a"\n')
    monkeypatch.chdir(tmp_path)

    assert read_request("r.toml").sources[0].folder == "."


@pytest.mark.parametrize(
    ("said", "hop"),
    [
        ("agent:bot", {"kind": "agent", "name": "bot"}),
        ("person:alice", {"kind": "exporter", "name": "alice"}),
        ("mirror:m:1", {"kind": "mirror", "name": "m:1"}),
    ],
)
def test_who_asked_becomes_a_hop_of_the_custody(said: str, hop: dict[str, str]) -> None:
    assert parsed({**FILES, "requested_by": said}).sources[0].requested_by == hop


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ({"ecosystem": "files"}, "expected anyOf"),
        ({"ecosystem": "files", "paths": []}, "expected minItems"),
        ({**FILES, "unknown": 1}, "additionalProperties"),
        ({"path": "x"}, "expected required"),
        ({**FILES, "requested_by": "ghost:x"}, "expected pattern"),
        ({**FILES, "into": "../x"}, "expected a portable relative path"),
        ({**FILES, "purl": "pkg:"}, "expected pkg:type/name@version"),
    ],
)
def test_a_source_that_is_none_is_refused(source: dict[str, Any], words: str) -> None:
    with pytest.raises(FormatError) as caught:
        parsed(source)

    assert words in caught.value.message


def test_another_ecosystem_is_answered_with_a_way_out() -> None:
    with pytest.raises(UsageError, match="expected ecosystem files, pypi, npm, got 'maven'") as caught:
        parsed({"ecosystem": "maven", "packages": ["x"]})

    assert caught.value.hint == "download the artifacts with their own client and export the folder"


@pytest.mark.parametrize(
    "bundle", [{"channel": "../x"}, {"expires": "1 century"}, {"destination": "A"}, {"channel": "a..b"}]
)
def test_a_bundle_that_is_none_is_refused(bundle: dict[str, str]) -> None:
    with pytest.raises(FormatError) as caught:
        parsed(FILES, **bundle)

    assert caught.value.reason in {Reason.MALFORMED, Reason.BAD_NAME}


@pytest.mark.parametrize(
    "raw", [b"[", b"\xff", b"x = 1", b"source = 5", b"source = [5]", b"x = " + b"1" * 5000, b"x = " + b"[" * 9999]
)
def test_a_file_that_is_no_request_is_refused(tmp_path: Path, raw: bytes) -> None:
    (tmp_path / "r.toml").write_bytes(raw)
    with pytest.raises(FormatError):
        read_request(str(tmp_path / "r.toml"))


def test_a_request_that_cannot_be_read_is_a_usage_error(tmp_path: Path) -> None:
    for path, words in ((tmp_path / "none", "no such file"), (tmp_path / "x" / "y", "Not a directory")):
        (tmp_path / "x").write_bytes(b"")
        with pytest.raises(AirgapError, match=words):
            read_request(str(path))
