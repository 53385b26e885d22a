"""Payloads above 2 and 4 GiB, where offsets stop fitting into 31 and 32 bits; needs 20 GB in the temporary folder."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import pytest

from tests.clients.two_hosts import Hosts, airgap

pytestmark = pytest.mark.large

MIB = 1024 * 1024
GIB = 1024 * MIB


@pytest.fixture(scope="module")
def hosts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hosts]:
    """A bundle with a file of 2 GiB that compresses and one above 4 GiB that does not, imported."""
    root = tmp_path_factory.mktemp("large")
    folder = root / "folder"
    folder.mkdir()
    with open(folder / "sparse.img", "wb") as file:
        file.truncate(2 * GIB + 17)
        file.seek(GIB)
        file.write(b"in the middle")
    with open(folder / "noise.bin", "wb") as file:
        noise = bytearray(os.urandom(MIB))
        for number in range(4 * 1024 + 300):
            noise[:8] = number.to_bytes(8, "big")
            file.write(noise)
        file.write(b"the end")
    hosts = Hosts(root)
    hosts.meet()
    airgap("export", folder, "-o", root / "x.airgap", "--key", hosts.key)
    said = airgap("import", root / "x.airgap", "--store", hosts.store)
    assert said["result"] == "accepted"
    yield hosts
    subprocess.run(["rm", "-rf", root], check=True)


def test_files_above_2_and_4_gib_cross_and_equal_their_source(hosts: Hosts) -> None:
    assert (hosts.root / "x.airgap").stat().st_size > 4 * GIB
    for name in ("sparse.img", "noise.bin"):
        assert subprocess.run(["cmp", hosts.root / "folder" / name, hosts.shown / name], check=False).returncode == 0


def test_stock_tools_recover_them(hosts: Hosts) -> None:
    out = hosts.root / "recovered"
    out.mkdir()
    subprocess.run(["tar", "--zstd", "-xf", hosts.root / "x.airgap", "-C", out], check=True)
    subprocess.run(["sha256sum", "--quiet", "-c", "SHA256SUMS"], cwd=out, check=True)


@pytest.mark.parametrize(
    ("at", "reason"),
    [(17, "malformed"), (2 * GIB + 5, "content-mismatch"), (4 * GIB + 5, "content-mismatch"), (-100_000, "frame-damaged")],
)
def test_one_changed_byte_is_found_wherever_it_lies(hosts: Hosts, at: int, reason: str) -> None:
    bundle = hosts.root / "x.airgap"
    with _flipped(bundle, at):
        said = airgap("verify", bundle, "--trust", hosts.root / "trust.json", expected=3)

    assert said["reason"] == reason


@pytest.mark.parametrize("size", [2 * GIB, 4 * GIB, 4 * GIB + 1])
def test_a_bundle_that_was_cut_is_refused(hosts: Hosts, size: int) -> None:
    cut = hosts.root / "cut.airgap"
    with open(hosts.root / "x.airgap", "rb") as whole, open(cut, "wb") as file:
        file.write(whole.read(64 * MIB))
        file.truncate(size)

    said = airgap("verify", cut, "--trust", hosts.root / "trust.json", expected=3)

    assert said["reason"] == "wrong-size"


def test_one_changed_byte_above_4_gib_of_an_object_is_found(hosts: Hosts) -> None:
    shown = hosts.shown / "noise.bin"
    os.chmod(shown, 0o644)
    with open(shown, "r+b") as file:
        _flip(file, 4 * GIB + 5)
    os.chmod(shown, 0o444)

    said = airgap("check", "--store", hosts.store, expected=4)

    (found,) = [finding for finding in said["findings"] if finding["result"] == "failed"]
    assert found["reason"] in {"object-changed", "object-rotten"}
    assert "artifacts/files/noise.bin" in found["expected"]
    assert not shown.exists()


@contextmanager
def _flipped(path: Path, at: int) -> Iterator[None]:
    """A file with one byte changed for as long as the block runs."""
    for is_changed in (True, False):
        with open(path, "r+b") as file:
            _flip(file, at)
        if is_changed:
            yield


def _flip(file: BinaryIO, at: int) -> None:
    file.seek(at, os.SEEK_SET if at >= 0 else os.SEEK_END)
    byte = file.read(1)[0]
    file.seek(-1, os.SEEK_CUR)
    file.write(bytes([byte ^ 1]))
