"""Evidence for more than one file: signed lists, signed models, archives; keys that anchors name; why there is none."""

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from airgap.connected.collect.files import collect_files
from airgap.connected.collected import Collected
from airgap.connected.request import FilesSource, Request, parse_request
from airgap.core.entries import Loss, Role
from airgap.core.errors import FormatError, UsageError
from tests.connected.exporting import exported, plant, request

A, B = b"alpha\n", b"beta\n"
SUMS = "".join(f"{hashlib.sha256(c).hexdigest()}  {n}\n" for n, c in (("a", A), ("dir/b", B))).encode()
BOTH = "".join(f"{hashlib.sha256(A).hexdigest()}  {name}\n" for name in "ab").encode()
CLEAR = b"-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA512\n\n" + SUMS + b"-----BEGIN PGP SIGNATURE-----\n\nx\n"


def files_of(wanted: Request) -> FilesSource:
    """The one source of a request."""
    (source,) = wanted.sources
    assert isinstance(source, FilesSource)
    return source


def collected(folder: Path, files: Mapping[str, bytes], **source: Any) -> dict[str, list[tuple[str, str]]]:
    """Artifacts by their path, with path and role of each piece of evidence."""
    wanted = request(plant(folder, files), {"path": ".", **source})
    return {
        item.source.path.removeprefix("artifacts/files/"): [
            (source.path.removeprefix("documents/"), role) for source, role, _ in item.evidence
        ]
        for item in collect_files(files_of(wanted))
        if isinstance(item, Collected)
    }


def test_a_signed_list_goes_with_the_files_that_it_names(tmp_path: Path) -> None:
    files = {"a": A, "dir/b": B, "other": b"x", "SHA256SUMS": SUMS, "SHA256SUMS.asc": b"sig"}

    assert collected(tmp_path, files) == {
        "a": [("files/SHA256SUMS", "attestation"), ("files/SHA256SUMS.asc", "signature")],
        "dir/b": [("files/SHA256SUMS", "attestation"), ("files/SHA256SUMS.asc", "signature")],
        "other": [],
    }


def test_a_list_in_a_folder_names_what_is_below_it(tmp_path: Path) -> None:
    files = {"in/a": A, "in/dir/b": B, "a": A, "in/SHA256SUMS": SUMS, "in/SHA256SUMS.minisig": b"sig"}

    found = collected(tmp_path, files)

    assert [path for path, evidence in found.items() if evidence] == ["in/a", "in/dir/b"]


def test_a_clearsigned_list_needs_no_second_file(tmp_path: Path) -> None:
    assert collected(tmp_path, {"a": A, "SHA256SUMS": CLEAR}) == {"a": [("files/SHA256SUMS", "attestation")]}


@pytest.mark.parametrize("name", ["SHA256SUMS", "SHASUMS256.txt", "sha256sum.txt"])
def test_a_clearsigned_list_may_be_named_like_a_signature(tmp_path: Path, name: str) -> None:
    alone = collected(tmp_path / "1", {"a": A, f"{name}.asc": CLEAR})
    beside = collected(tmp_path / "2", {"a": A, f"{name}.asc": CLEAR, name: SUMS})
    stray = collected(tmp_path / "3", {"a": A, f"{name}.asc": b"a signature of a list that is not here"})

    assert alone == {"a": [(f"files/{name}.asc", "signature")]}
    assert beside == {"a": [(f"files/{name}", "attestation"), (f"files/{name}.asc", "signature")]}
    assert stray == {"a": [], f"{name}.asc": []}


@pytest.mark.parametrize(
    "files",
    [
        {"a": A, "SHA256SUMS": SUMS},
        {"other": A, "SHA256SUMS": SUMS, "SHA256SUMS.asc": b"sig"},
        {"a": A, "SHA256SUMS": b"no list\n"},
    ],
    ids=["unsigned", "about others", "no list"],
)
def test_a_list_that_proves_nothing_here_is_a_file_like_any_other(tmp_path: Path, files: Mapping[str, bytes]) -> None:
    assert "SHA256SUMS" in collected(tmp_path, files)


def test_the_signature_of_a_model_goes_with_every_file_of_its_folder(tmp_path: Path) -> None:
    files = {"m/config.json": A, "m/w/1.safetensors": B, "m/model.sig": b"{}", "readme": A}

    assert collected(tmp_path, files) == {
        "m/config.json": [("files/m/model.sig", "signature")],
        "m/w/1.safetensors": [("files/m/model.sig", "signature")],
        "readme": [],
    }


def test_an_archive_s_index_goes_with_every_package(tmp_path: Path) -> None:
    files = {"pool/x.deb": A, "notes": B, "InRelease": b"x", "main/Packages.xz": b"y"}

    found = collected(tmp_path, files)

    assert found["pool/x.deb"] == [("files/InRelease", "attestation"), ("files/main/Packages.xz", "index")]
    assert found["notes"] == []


def test_group_evidence_may_stand_elsewhere(tmp_path: Path) -> None:
    plant(tmp_path / "signed", {"SHA256SUMS": SUMS, "SHA256SUMS.asc": b"sig"})
    found = collected(tmp_path / "files", {"a": A, "dir/b": B}, evidence="../signed")

    assert [path for path, evidence in found.items() if len(evidence) == 2] == ["a", "dir/b"]


def test_keys_travel_with_every_artifact_that_has_evidence(tmp_path: Path) -> None:
    plant(tmp_path / "keys", {"carol.asc": b"key", "root.json": b"{}", "ca.pem": b"pem", "x.crl": b"crl", "plain": b"?"})
    found = collected(tmp_path / "files", {"a": A, "a.asc": b"sig", "b": B}, keys=["../keys"])

    assert found == {
        "a": [
            ("files/a.asc", "signature"),
            ("keys/ca.pem", "key"),
            ("keys/carol.asc", "key"),
            ("keys/plain", "key"),
            ("keys/root.json", "anchor-data"),
            ("keys/x.crl", "anchor-data"),
        ],
        "b": [],
    }


def test_keys_lie_outside_the_view_and_once_in_the_bundle(tmp_path: Path) -> None:
    plant(tmp_path / "keys", {"carol.asc": b"key"})
    folder = plant(tmp_path / "files", {"a": A, "a.asc": b"sig", "b": B, "b.asc": b"sig"})

    done = exported(request(folder, {"path": ".", "keys": "../keys/*.asc"}), tmp_path / "x")

    assert [(d.path, d.role) for d in done.manifest.documents if "keys" in d.path] == [
        ("documents/keys/carol.asc", Role.KEY)
    ]


def test_a_key_that_is_not_there_is_a_mistake_in_the_request(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"expected files at 'none\.asc', got none"):
        collected(tmp_path, {"a": A}, keys="none.asc")


@pytest.mark.parametrize("why", ["unsigned-upstream", "withheld-by-mirror"])
def test_why_there_is_no_evidence_is_said_of_those_that_have_none(tmp_path: Path, why: str) -> None:
    wanted = request(plant(tmp_path, {"a": A, "a.sig": b"sig", "b": B}), {"path": ".", "without_evidence": why})

    losses = [item for item in collect_files(files_of(wanted)) if isinstance(item, Loss)]

    assert losses == [Loss("pkg:generic/b", why, "said by the request")]


def test_another_reason_is_none(tmp_path: Path) -> None:
    source = {"ecosystem": "files", "path": ".", "without_evidence": "forgotten"}
    with pytest.raises(FormatError):
        parse_request({"source": [source]}, folder=str(tmp_path))


@pytest.mark.parametrize("name", ["keys/ca.pem", "SHA256SUMS"])
def test_two_sources_share_a_document_only_where_it_is_the_same(tmp_path: Path, name: str) -> None:
    def sources(one: bytes, two: bytes) -> Any:
        for folder, artifact, content in (("1", "a", one), ("2", "b", two)):
            files = {artifact: A, f"{artifact}.sig": b"signature", "SHA256SUMS.sig": b"signature", "keys/ca.pem": b"one"}
            plant(tmp_path / folder, {**files, "SHA256SUMS": BOTH, name: content})
        return request(
            tmp_path,
            *(
                {
                    "path": f"{n}/{a}",
                    "evidence": [f"{n}/{a}.sig", f"{n}/SHA256SUMS", f"{n}/SHA256SUMS.sig"],
                    "keys": f"{n}/keys",
                }
                for n, a in (("1", "a"), ("2", "b"))
            ),
        )

    done = exported(sources(BOTH, BOTH), tmp_path / "same")
    with pytest.raises(UsageError, match=rf"expected one file as 'documents/(keys|files)/{name.rpartition('/')[2]}'"):
        exported(sources(BOTH, BOTH + b"\n"), tmp_path / "differs")

    assert len([document for document in done.manifest.documents if document.path.endswith(name)]) == 1
