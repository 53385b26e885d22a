"""The medium: one file or its volumes, from front to back. Its attacks are in tests/attacks/test_1h_medium.py."""

import os
from pathlib import Path

import pytest

from airgap.bundle.head import PREFIX, read_head
from airgap.bundle.medium import Medium, Volume, is_directory, open_medium
from airgap.core.errors import FormatError, UsageError
from airgap.core.reasons import Reason
from tests.forge.build import bundle
from tests.forge.caps import MIB


def write(folder: Path, **volumes: bytes) -> list[str]:
    paths = []
    for name, content in volumes.items():
        (folder / f"x.airgap.{name[1:]}").write_bytes(content)
        paths.append(str(folder / f"x.airgap.{name[1:]}"))
    return paths


def test_volumes_read_like_one_file(tmp_path: Path) -> None:
    paths = write(tmp_path, v001=b"abc", v002=b"", v003=b"defg")
    with open_medium([paths[0]]) as medium:
        parts = [medium.read(2), medium.read(4), medium.read(9), medium.read(1)]

    assert parts == [b"ab", b"cdef", b"g", b""]
    assert medium.length == 7


def test_a_byte_is_found_in_its_volume(tmp_path: Path) -> None:
    with open_medium(write(tmp_path, v001=b"abc", v002=b"defg")) as medium:
        names = [medium.volume_at(at) for at in (0, 2, 3, 6, 7)]

    assert names == ["x.airgap.001"] * 2 + ["x.airgap.002"] * 3


def test_more_than_999_volumes_are_in_the_order_of_their_numbers(tmp_path: Path) -> None:
    for number in range(1, 1002):
        (tmp_path / f"x.{number:03d}").write_bytes(b"%d," % number)
    with open_medium([str(tmp_path / "x")]) as medium:
        content = medium.read(10_000)

    assert content == b"".join(b"%d," % number for number in range(1, 1002))


def test_volumes_are_found_in_the_current_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, v001=b"abc", v002=b"de")
    monkeypatch.chdir(tmp_path)
    with open_medium(["x.airgap.002"]) as medium:
        assert medium.length == 5


@pytest.mark.parametrize("name", ["none", "none.001", "no/such/folder/x.001"])
def test_what_is_not_there_is_a_usage_error(tmp_path: Path, name: str) -> None:
    with pytest.raises(UsageError, match="expected a bundle, got no such file"), open_medium([str(tmp_path / name)]):
        pass


def test_a_bundle_without_a_number_is_taken_even_when_volumes_lie_beside_it(tmp_path: Path) -> None:
    write(tmp_path, v001=b"abc")
    (tmp_path / "x.airgap").write_bytes(b"whole")
    with open_medium([str(tmp_path / "x.airgap")]) as medium:
        assert medium.read(9) == b"whole"


def test_nothing_stays_open(tmp_path: Path) -> None:
    paths = write(tmp_path, v001=b"abc", v003=b"d")
    before = os.listdir("/proc/self/fd")
    with pytest.raises(FormatError, match="volume 002"), open_medium(paths):
        pass
    (tmp_path / "x.airgap.002").symlink_to("x.airgap.001")
    with pytest.raises(FormatError, match="got a symbolic link"), open_medium([paths[0]]):
        pass

    assert os.listdir("/proc/self/fd") == before


def test_the_cache_behind_a_long_read_is_dropped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "x"
    path.write_bytes(b"")
    os.truncate(path, 80 * MIB)
    told = []
    monkeypatch.setattr(os, "posix_fadvise", lambda _, start, size, advice: told.append((start, size, advice)))
    with open_medium([str(path)]) as medium:
        while medium.read(MIB):
            pass

    assert told[1:] == [(0, size * MIB, os.POSIX_FADV_DONTNEED) for size in (32, 64)]


def test_a_file_that_became_shorter_ends_the_head(tmp_path: Path) -> None:
    raw = bundle().raw
    (tmp_path / "x").write_bytes(raw[: PREFIX.size + 10])
    fd = os.open(tmp_path / "x", os.O_RDONLY)
    try:
        medium = Medium([Volume("x", "x", fd, len(raw), 0)])
        with pytest.raises(FormatError, match="got the end of the file") as caught:
            read_head(medium, max_manifest=MIB)
    finally:
        os.close(fd)

    assert caught.value.reason is Reason.WRONG_SIZE


def test_what_cannot_be_asked_for_its_kind_is_no_directory(tmp_path: Path) -> None:
    assert is_directory(str(tmp_path))
    assert not is_directory(str(tmp_path / "none"))
