"""The tar stream against the tar programs that have to open it in an emergency."""

import io
import subprocess
import tarfile
from hashlib import sha256
from pathlib import Path

import pytest

from airgap.bundle import tarstream
from airgap.core.entries import Artifact, Entry
from tests.forge.build import sums, tar_stream
from tests.forge.text import CREATED

MTIME = int(CREATED.timestamp())
PATHS = [
    "artifacts/files/a",
    "artifacts/files/" + "x" * 84,  # a path of exactly 100 bytes
    "artifacts/files/" + "x" * 85,  # one more: the path is cut at its last slash
    "artifacts/files/" + "d" * 139 + "/" + "n" * 100,  # the longest that ustar can say: 155 and 100
    "artifacts/files/" + "d" * 140 + "/" + "n" * 100,  # the first that it cannot
    "artifacts/files/" + "n" * 101,
    "artifacts/files/\u00e9t\u00e9/na\u00efve.txt",
    "artifacts/files/" + "/".join(["p" * 200] * 4),
]


def stream(entries: list[tuple[str, bytes]]) -> bytes:
    listed: list[Entry] = [Artifact(path, len(raw), sha256(raw).digest(), "pkg:generic/x") for path, raw in entries]
    contents = dict(entries)
    parts = tarstream.segments(listed, tarstream.sums_size(contents), MTIME)
    return b"".join(part if isinstance(part, bytes) else contents[part.path] for part in parts)


ENTRIES = [(path, path.encode() * size) for path, size in zip(PATHS, (0, 1, 2, 5, 6, 7, 8, 9), strict=True)]


def test_the_stream_is_the_one_that_the_forge_writes_by_another_road() -> None:
    entries = dict(ENTRIES[:2])

    assert stream(ENTRIES[:2]) == tar_stream(entries)


def test_python_reads_every_entry_back_with_nothing_about_people() -> None:
    with tarfile.open(fileobj=io.BytesIO(stream(ENTRIES))) as tar:
        members = tar.getmembers()
        contents = {m.name: tar.extractfile(m).read() for m in members}  # type: ignore[union-attr]

    assert contents == {**dict(ENTRIES), "SHA256SUMS": sums(dict(ENTRIES))}
    assert {(m.mode, m.uid, m.gid, m.uname, m.gname, m.mtime, m.type) for m in members} == {
        (0o644, 0, 0, "", "", MTIME, tarfile.REGTYPE)
    }


def test_stock_tar_and_sha256sum_accept_it(tmp_path: Path) -> None:
    subprocess.run(["tar", "-xf", "-", "-C", tmp_path], input=stream(ENTRIES), check=True)
    done = subprocess.run(["sha256sum", "-c", "--strict", "SHA256SUMS"], cwd=tmp_path, capture_output=True, check=True)

    assert done.stdout.count(b": OK\n") == len(ENTRIES)


def test_the_size_of_the_stream_is_known_before_anything_is_read() -> None:
    assert tarstream.stream_size((path, len(raw)) for path, raw in ENTRIES) == len(stream(ENTRIES))


@pytest.mark.parametrize("size", [0, 8**11 - 1, 8**11, 2**53 - 1])
@pytest.mark.parametrize("path", [PATHS[0], PATHS[5]])
def test_a_header_says_sizes_that_ustar_can_say_and_others_in_pax(path: str, size: int) -> None:
    header = tarstream.entry_header(path, size, MTIME)
    assert len(header) == tarstream.header_size(path, size)
    info = tarfile.TarFile.open(fileobj=io.BytesIO(header + bytes(1024))).next()

    assert info is not None
    assert (info.name, info.size, info.mode) == (path, size, 0o644)
    assert (b" size=" in header) == (size >= 8**11)


def test_a_pax_record_counts_its_own_digits() -> None:
    path = "artifacts/files/" + "n" * 150
    header = tarstream.entry_header(path, 0, 0)
    length = int(header[512:].split(b" ")[0])

    assert header[512 : 512 + length] == f"{length} path={path}\n".encode()


@pytest.mark.parametrize("extra", range(86, 96))
def test_a_pax_record_is_right_where_its_length_gains_a_digit(extra: int) -> None:
    path = "\u00e9" + "n" * extra
    info = tarfile.TarFile.open(fileobj=io.BytesIO(tarstream.entry_header(path, 0, 0) + bytes(1024))).next()

    assert info is not None
    assert info.name == path


def test_the_sums_of_many_entries_are_written_in_pieces() -> None:
    entries = [(f"artifacts/files/{n}", bytes(32)) for n in range(4001)]
    pieces = list(tarstream.sums_lines(entries))

    assert len(pieces) == 3
    assert len(b"".join(pieces)) == tarstream.sums_size(path for path, _ in entries)
