"""Exports: what leaves is what was asked for, the importer accepts it, and a failure leaves nothing."""

import errno
import os
import subprocess
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from airgap.bundle.argument import examine
from airgap.bundle.claims import read_claims
from airgap.bundle.countersign import countersign
from airgap.connected.collected import FileSource
from airgap.connected.export import Options, export
from airgap.connected.gather import Gathered, gather
from airgap.connected.request import Request
from airgap.connected.seal import Sealed
from airgap.core.digest import sha256
from airgap.core.envelope import Envelope
from airgap.core.errors import FormatError, StoreError, UsageError
from airgap.core.keys import Algorithm
from airgap.core.reasons import Reason
from airgap.core.statement import Container
from airgap.core.verdict import Standing
from tests.connected.exporting import TREE, exported, plant, request
from tests.forge.caps import MIB
from tests.forge.keys import ALICE, BOB, MALLORY, hybrid, key
from tests.forge.site import asker, look_at, make_store, take, tree
from tests.forge.text import CREATED
from tests.forge.trust import SIGNERS, document, trust_envelope, trust_file

APPROVED = '[[require]]\nartifacts = "pkg:*"\nevidence = "exporter-only"\napprovals = 1\n'
EVERY = [*Algorithm, "hybrid"]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return plant(tmp_path / "in")


def is_accepted(*paths: str, **asked: Any) -> None:
    verdict = look_at(*paths, **asked).verdict
    assert verdict.standing is Standing.ACCEPTED, verdict


def shown(store: Path) -> dict[str, bytes]:
    root = store / "current/files"
    return {str(p.relative_to(root)): p.read_bytes() for p in root.rglob("*") if p.is_file()}


@pytest.mark.parametrize("container", Container)
def test_what_is_exported_is_what_is_imported(tmp_path: Path, folder: Path, container: Container) -> None:
    sealed = exported(request(folder), tmp_path / "x", container=container)
    outcome = take(make_store(tmp_path / "store"), *sealed.paths)

    assert outcome.verdict.standing is Standing.ACCEPTED
    assert shown(tmp_path / "store") == TREE


@pytest.mark.parametrize("container", Container)
def test_the_same_inputs_give_the_same_bytes(tmp_path: Path, folder: Path, container: Container) -> None:
    for name in ("x", "y"):
        exported(request(folder), tmp_path / name, container=container)
        for path in folder.rglob("*"):
            os.utime(path, (1, 1))  # nothing about the files but name and content counts

    if container is Container.ARCHIVE:
        assert (tmp_path / "x").read_bytes() == (tmp_path / "y").read_bytes()
    else:
        assert tree(str(tmp_path / "x")) == tree(str(tmp_path / "y"))


def test_stock_tools_open_a_bundle_and_check_its_sums(tmp_path: Path, folder: Path) -> None:
    (path,) = exported(request(folder), tmp_path / "x.airgap").paths
    out = tmp_path / "out"
    out.mkdir()
    subprocess.run(["tar", "--zstd", "-xf", path, "-C", out], check=True)
    done = subprocess.run(["sha256sum", "-c", "--strict", "SHA256SUMS"], cwd=out, capture_output=True, check=True)

    assert done.stdout.count(b": OK\n") == len(TREE)
    assert (out / "artifacts/files/a.txt").read_bytes() == TREE["a.txt"]
    assert (out / "documents/files/a.txt.sig").read_bytes() == TREE["a.txt.sig"]


def test_sha256sum_checks_a_directory_bundle(tmp_path: Path, folder: Path) -> None:
    (path,) = exported(request(folder), tmp_path / "x", container=Container.DIRECTORY).paths
    done = subprocess.run(["sha256sum", "-c", "--strict", "SHA256SUMS"], cwd=path, capture_output=True, check=True)

    assert done.stdout.count(b": OK\n") == len(TREE)


@pytest.mark.parametrize("algorithm", EVERY)
def test_every_kind_of_signer_signs_and_is_believed(tmp_path: Path, folder: Path, algorithm: str) -> None:
    keys = hybrid("alice") if algorithm == "hybrid" else (key("alice", Algorithm(algorithm)),)
    trust = trust_file(document(signers={**SIGNERS, "alice": keys}))

    is_accepted(*exported(request(folder), tmp_path / "x", keys=keys).paths, trust=trust)


@pytest.mark.parametrize("level", [1, 2, 3, 9, 19])
def test_every_level_gives_a_bundle_that_is_accepted(tmp_path: Path, level: int) -> None:
    plant(tmp_path / "in", {"zeros": bytes(2 * MIB + 5), "text": TREE["dir/b.bin"] * 4})

    is_accepted(*exported(request(tmp_path / "in"), tmp_path / "x", level=level).paths)


@pytest.mark.parametrize("size", [0, 1, 262_143, 262_144, MIB - 513, MIB - 512, MIB - 511, MIB, 3 * MIB + 1])
@pytest.mark.parametrize("byte", [b"\0", None])
def test_files_of_every_size_survive_the_frames(tmp_path: Path, size: int, byte: bytes | None) -> None:
    content = byte * size if byte else (TREE["dir/b.bin"] * (size // 100_000 + 1))[:size]
    plant(tmp_path / "in", {"a": b"x", "b": content, "c": b"y"})
    sealed = exported(request(tmp_path / "in"), tmp_path / "x")

    is_accepted(*sealed.paths)
    assert [a.size for a in sealed.manifest.artifacts] == [1, size, 1]


@pytest.mark.parametrize("volume", [65536, 100_000, 10**9])
def test_volumes_are_slices_of_the_one_file(tmp_path: Path, folder: Path, volume: int) -> None:
    (whole,) = exported(request(folder), tmp_path / "whole").paths
    paths = exported(request(folder), tmp_path / "x.airgap", volume_size=volume).paths
    slices = [Path(path).read_bytes() for path in paths]

    assert b"".join(slices) == Path(whole).read_bytes()
    assert {len(part) for part in slices[:-1]} <= {volume}
    assert [os.path.basename(path) for path in paths] == [f"x.airgap.{n:03d}" for n in range(1, len(paths) + 1)]
    is_accepted(paths[-1])


def test_a_head_that_is_larger_than_a_volume_spans_several(tmp_path: Path) -> None:
    plant(tmp_path / "in", {f"{n:04d}": b"" for n in range(700)})
    paths = exported(request(tmp_path / "in"), tmp_path / "x", volume_size=65536).paths

    assert len(paths) > 2
    is_accepted(*paths)


def test_files_that_cannot_travel_are_said_in_the_bundle(tmp_path: Path, folder: Path) -> None:
    (folder / "link").symlink_to("a.txt")
    sealed = exported(request(folder), tmp_path / "x")

    assert [(loss.purl, loss.what, loss.detail) for loss in sealed.manifest.losses] == [
        ("pkg:generic/link", "not-selected", "a symbolic link")
    ]
    is_accepted(*sealed.paths)


def test_a_request_is_repeated_in_the_statement(tmp_path: Path, folder: Path) -> None:
    wanted = request(folder, channel="main", expires="2 weeks", destination="plant-7")
    statement = exported(wanted, tmp_path / "x").statement

    assert (statement.sequence, statement.previous, statement.destination) == (1, None, "plant-7")
    assert (statement.created, statement.expires) == (CREATED, CREATED + timedelta(weeks=2))
    assert (statement.artifacts, statement.content) == (len(TREE) - 1, sum(map(len, TREE.values())))
    assert statement.size == os.path.getsize(tmp_path / "x")


def test_a_bundle_after_another_is_its_successor_and_both_are_admitted(tmp_path: Path, folder: Path) -> None:
    first = exported(request(folder), tmp_path / "1")
    plant(folder, {"new": b"new"})
    second = exported(request(folder), tmp_path / "2", after=first.paths)
    store = make_store(tmp_path / "store")

    assert (second.statement.sequence, second.statement.previous) == (2, first.statement.manifest)
    for sealed in (first, second):
        assert take(store, *sealed.paths).verdict.standing is Standing.ACCEPTED
    assert shown(tmp_path / "store") == {**TREE, "new": b"new"}


def test_a_bundle_does_not_follow_one_that_others_signed_or_of_another_channel(tmp_path: Path, folder: Path) -> None:
    first = exported(request(folder), tmp_path / "1")
    with pytest.raises(UsageError, match="expected a bundle that one of these keys signed, got one by others"):
        exported(request(folder), tmp_path / "2", after=first.paths, keys=[BOB])
    with pytest.raises(UsageError, match="expected channel nightly, got main"):
        exported(request(folder, channel="nightly"), tmp_path / "2", after=first.paths)


def test_a_bundle_does_not_follow_one_that_was_forged(tmp_path: Path, folder: Path) -> None:
    first = exported(request(folder), tmp_path / "1", keys=[MALLORY])
    raw = Path(first.paths[0]).read_bytes()
    Path(first.paths[0]).write_bytes(raw.replace(MALLORY.public.key_id.encode(), ALICE.public.key_id.encode()))
    with pytest.raises(FormatError) as caught:
        exported(request(folder), tmp_path / "2", after=first.paths)

    assert caught.value.reason is Reason.BAD_SIGNATURE


@pytest.mark.parametrize("volume", [None, 65536])
@pytest.mark.parametrize("container", Container)
def test_another_signer_signs_in_place(tmp_path: Path, folder: Path, container: Container, volume: int | None) -> None:
    sealed = exported(request(folder), tmp_path / "x", container=container, volume_size=volume)
    size = sum(os.path.getsize(path) for path in sealed.paths)
    for name in ("bob", "carol", "dave"):
        countersign(sealed.paths, hybrid(name))
    signers = {"root": SIGNERS["root"], "alice": SIGNERS["alice"], **{n: hybrid(n) for n in ("bob", "carol", "dave")}}
    value = document(signers=signers)
    value["channels"]["main"] |= {"signers": ["alice", "bob", "carol", "dave"], "threshold": 4}

    is_accepted(*sealed.paths, trust=trust_file(value))
    assert sum(os.path.getsize(path) for path in sealed.paths) == size


def test_volumes_in_several_folders_are_signed_where_they_lie(tmp_path: Path, folder: Path) -> None:
    anchors = [
        {"name": f"a{number}", "kind": "x509", "pin": "x" * 8000, "artifacts": ["pkg:*"], "settings": {}}
        for number in range(8)
    ]
    # updates of 85 kB push the envelope area across the end of the first volume
    update = Envelope.from_value(trust_envelope(document(2, anchors=anchors)))
    first, *others = exported(request(folder), tmp_path / "x", volume_size=90_000, updates=[update]).paths
    (tmp_path / "elsewhere").mkdir()
    moved = [os.path.join(tmp_path, "elsewhere", os.path.basename(path)) for path in others]
    for old, new in zip(others, moved, strict=True):
        os.rename(old, new)
    countersign([*moved[::-1], first], [BOB])

    assert {s.key_id for s in read_claims([first, *moved]).envelope.signatures} == {k.public.key_id for k in (ALICE, BOB)}
    assert not any(os.path.exists(path) for path in others)
    is_accepted(first, *moved, policy=APPROVED)


def test_a_signer_signs_once_and_only_where_there_is_room(tmp_path: Path, folder: Path) -> None:
    paths = exported(request(folder), tmp_path / "x").paths
    before = Path(paths[0]).read_bytes()
    with pytest.raises(FormatError, match="expected a key that has not signed yet"):
        countersign(paths, [ALICE])
    with pytest.raises(FormatError, match="envelope area: expected at most"):
        countersign(paths, [k for n in range(6) for k in hybrid(f"signer{n}")])

    assert Path(paths[0]).read_bytes() == before


def test_a_bundle_on_a_medium_that_cannot_be_written_is_not_signed(
    tmp_path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    paths = exported(request(folder), tmp_path / "x").paths
    real = os.open

    def read_only(path: Any, flags: int, *more: Any, **other: Any) -> int:
        if flags & os.O_WRONLY:
            raise OSError(30, "")
        return real(path, flags, *more, **other)

    monkeypatch.setattr(os, "open", read_only)
    with pytest.raises(UsageError, match="expected to write to it, got Read-only file system"):
        countersign(paths, [BOB])


def test_a_short_write_of_a_signature_is_no_success(tmp_path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    paths = exported(request(folder), tmp_path / "x").paths
    monkeypatch.setattr(os, "pwrite", lambda *_: 1)
    with pytest.raises(FormatError, match="got a short write"):
        countersign(paths, [BOB])


def test_trust_updates_travel_and_are_applied(tmp_path: Path, folder: Path) -> None:
    update = Envelope.from_value(trust_envelope(document(2)))
    sealed = exported(request(folder), tmp_path / "x", updates=[update])
    store = make_store(tmp_path / "store")
    take(store, *sealed.paths)

    assert store.state().trust == 2


def spoil_size(path: Path) -> None:
    path.write_bytes(path.read_bytes() + b"x")


def spoil_shorter(path: Path) -> None:
    os.truncate(path, 3)


def spoil_time(path: Path) -> None:
    os.utime(path, (5, 5))


def spoil_gone(path: Path) -> None:
    path.unlink()


def spoil_link(path: Path) -> None:
    path.rename(path.with_name("moved"))
    path.symlink_to("moved")


@pytest.mark.parametrize("spoil", [spoil_size, spoil_shorter, spoil_time, spoil_gone, spoil_link])
@pytest.mark.parametrize("container", Container)
@pytest.mark.parametrize("name", ["a.txt", "large"])
def test_a_file_that_changed_since_it_was_found_stops_the_export_and_nothing_is_left(
    tmp_path: Path, folder: Path, spoil: Callable[[Path], None], container: Container, name: str
) -> None:
    plant(folder, {"large": TREE["dir/b.bin"] * 9})
    wanted = request(folder)
    gathered = gather(wanted)
    spoil(folder / name)
    options = Options(keys=[ALICE], created=CREATED, version="1", container=container)
    with pytest.raises(UsageError, match=r"changed meanwhile|expected to read it"):
        export(wanted, gathered, str(tmp_path / "x"), options, progress=lambda _: None)

    assert os.listdir(tmp_path) == ["in"]


@pytest.mark.parametrize("container", Container)
def test_an_existing_bundle_is_never_overwritten(tmp_path: Path, folder: Path, container: Container) -> None:
    (tmp_path / "x").write_bytes(b"the only copy")
    with pytest.raises(UsageError, match="expected a new name"):
        exported(request(folder), tmp_path / "x", container=container)

    assert (tmp_path / "x").read_bytes() == b"the only copy"


@pytest.mark.parametrize("container", Container)
def test_an_interruption_leaves_nothing(
    tmp_path: Path, folder: Path, container: Container, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(_: int) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "fsync", interrupt)
    with pytest.raises(KeyboardInterrupt):
        exported(request(folder), tmp_path / "x", container=container)

    assert os.listdir(tmp_path) == ["in"]


@pytest.mark.parametrize("container", Container)
def test_a_full_disk_is_said_and_nothing_is_left(
    tmp_path: Path, folder: Path, container: Container, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fill(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", fill)
    with pytest.raises(StoreError, match=r"x: expected to .* write the bundle, got No space left on device"):
        exported(request(folder), tmp_path / "x", container=container)

    assert os.listdir(tmp_path) == ["in"]


@pytest.mark.parametrize("container", Container)
def test_a_folder_that_is_not_there_is_a_usage_error(tmp_path: Path, folder: Path, container: Container) -> None:
    with pytest.raises(UsageError, match="got No such file or directory"):
        exported(request(folder), tmp_path / "none/x", container=container)


@pytest.mark.parametrize("container", Container)
def test_a_download_that_changed_after_it_was_verified_is_never_sealed(tmp_path: Path, container: Container) -> None:
    plant(tmp_path / "in", {"a": b"evil"})
    wanted = request(tmp_path / "in")
    found = gather(wanted)
    (item,) = found.artifacts
    verified = item._replace(source=item.source._replace(sha256=sha256(b"good")))
    with pytest.raises(
        FormatError, match=f"files/a: expected {sha256(b'good').hex()}.* got {sha256(b'evil').hex()}"
    ) as caught:
        seal_gathered(wanted, replace(found, artifacts=[verified]), tmp_path / "x", container)

    assert caught.value.reason is Reason.CONTENT_MISMATCH
    assert os.listdir(tmp_path) == ["in"]


@pytest.mark.parametrize("container", Container)
@pytest.mark.parametrize(
    ("said", "message"),
    [
        ({"metadata": {"requires-python": "3" * 2**20}}, "expected metadata with ASCII names"),
        ({"custody": ({"kind": "registry", "name": "x" * 201},)}, "expected a known hop"),
        ({"purl": "pkg:pypi/A b@1"}, "purl: expected"),
    ],
)
def test_what_no_import_would_read_is_never_sealed(
    tmp_path: Path, container: Container, said: dict[str, Any], message: str
) -> None:
    plant(tmp_path / "in", {"a": b"x"})
    wanted = request(tmp_path / "in")
    found = gather(wanted)
    with pytest.raises(FormatError, match=message):
        seal_gathered(wanted, replace(found, artifacts=[found.artifacts[0]._replace(**said)]), tmp_path / "x", container)

    assert os.listdir(tmp_path) == ["in"]


def seal_gathered(wanted: Request, found: Gathered, out: Path, container: Container) -> Sealed:
    options = Options(keys=[ALICE], created=CREATED, version="1", container=container)
    return export(wanted, found, str(out), options, progress=lambda _: None)


def test_an_export_of_nothing_is_a_usage_error(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in/link").symlink_to("nowhere")
    with pytest.raises(UsageError, match="expected at least one file, got none"):
        exported(request(tmp_path / "in"), tmp_path / "x")


def test_names_that_fall_together_are_refused_at_the_export(tmp_path: Path) -> None:
    plant(tmp_path / "in", {"A": b"1", "a": b"2"})
    with pytest.raises(FormatError) as caught:
        exported(request(tmp_path / "in"), tmp_path / "x")

    assert caught.value.reason is Reason.NAME_CLASH
    assert os.listdir(tmp_path) == ["in"]


def test_evidence_of_one_name_from_two_folders_is_refused_at_the_export(tmp_path: Path) -> None:
    plant(tmp_path, {"in/a": b"1", "sigs/x/a.asc": b"2", "sigs/y/a.asc": b"3"})
    with pytest.raises((UsageError, FormatError)):
        exported(request(tmp_path, {"path": "in", "evidence": "sigs"}), tmp_path / "x")


def test_more_updates_than_a_head_can_hold_are_refused(tmp_path: Path, folder: Path) -> None:
    updates = [Envelope("x", bytes(200_000), ())] * 6
    with pytest.raises(UsageError, match="more than a head has room for"):
        exported(request(folder), tmp_path / "x", updates=updates)


def test_a_directory_warns_of_names_that_other_media_do_not_know(tmp_path: Path) -> None:
    plant(tmp_path, {"a?b": b"1", "/".join(["d" * 90] * 3): b"2"})
    os.truncate(tmp_path / "a?b", 4 * 1024 * MIB)

    assert [warning.split(": ")[1][:20] for warning in gather(request(tmp_path)).warnings] == [
        "FAT32 holds no file ",
        "FAT32 knows no name ",
        "ISO 9660 with Joliet",
    ]


def test_what_was_gathered_counts_evidence_once(tmp_path: Path) -> None:
    plant(tmp_path, {"a": b"12", "a.sig": b"345"})

    assert gather(request(tmp_path)).content == 5


def test_a_large_source_lets_go_of_the_cache_behind_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "x"
    path.write_bytes(b"")
    os.truncate(path, 40 * MIB)
    status = path.stat()
    told = []
    monkeypatch.setattr(os, "posix_fadvise", lambda _, start, size, __: told.append((start, size)))
    buffer = memoryview(bytearray(MIB))
    FileSource("x", str(path), status.st_size, status.st_mtime_ns).read(lambda: buffer, lambda _: None)

    assert told == [(0, 32 * MIB)]


def test_the_importer_accepts_the_exporters_own_bundle_again_and_again(tmp_path: Path, folder: Path) -> None:
    (path,) = exported(request(folder), tmp_path / "x").paths
    one, two = (examine([path], asker()).verdict for _ in range(2))

    assert one == two
