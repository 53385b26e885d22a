"""Where a bundle is written: volumes, names that are taken, disks that fail."""

import os
from pathlib import Path

import pytest

from airgap.bundle.head import Sizes, read_sizes
from airgap.bundle.output import PRESETS, Output, parse_volume_size
from airgap.bundle.tree import TreeWriter
from airgap.core.errors import UsageError
from tests.forge.build import bundle
from tests.forge.caps import MIB


@pytest.mark.parametrize(("text", "size"), [("65536", 65536), *PRESETS.items()])
def test_a_volume_size_is_a_preset_or_a_number(text: str, size: int) -> None:
    assert parse_volume_size(text) == size


@pytest.mark.parametrize("text", ["", "65535", "-65536", "dvd ", "1e6", "64k"])
def test_another_volume_size_is_a_usage_error(text: str) -> None:
    with pytest.raises(UsageError, match="volume size: expected fat32, cd, dvd, bd or bytes from 65536 on"):
        parse_volume_size(text)


def test_buffers_are_cut_at_volume_ends(tmp_path: Path) -> None:
    output = Output(str(tmp_path / "x"), volume_size=10)
    output.seek_start(4)
    output.write([b"0123456", memoryview(b"789abcdefghijklm")])
    output.write_head([b"HE", b"AD"])
    paths = output.commit()

    assert [Path(path).read_bytes() for path in paths] == [b"HEAD012345", b"6789abcdef", b"ghijklm"]
    assert output.size == 27


def test_a_volume_is_not_begun_before_there_is_something_to_put_into_it(tmp_path: Path) -> None:
    output = Output(str(tmp_path / "x"), volume_size=10)
    output.write([b"0123456789"])

    assert output.commit() == [str(tmp_path / "x.001")]


def test_many_buffers_and_short_writes_still_arrive_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real_write, real_pwrite, real_writev = os.write, os.pwrite, os.writev
    monkeypatch.setattr(os, "writev", lambda fd, buffers: real_writev(fd, [b"".join(buffers)[:7]]))
    monkeypatch.setattr(os, "write", lambda fd, view: real_write(fd, view[:5]))
    monkeypatch.setattr(os, "pwrite", lambda fd, view, at: real_pwrite(fd, view[:1], at))
    output = Output(str(tmp_path / "x"))
    output.write([b"%04d" % n for n in range(1100)])
    output.write_head([b"HE", b"AD"])
    (path,) = output.commit()

    assert Path(path).read_bytes() == b"HEAD" + b"".join(b"%04d" % n for n in range(1, 1100))


def test_a_bundle_gets_its_name_when_it_is_whole(tmp_path: Path) -> None:
    output = Output(str(tmp_path / "x"))
    output.write([bytes(5 * MIB)])
    during = os.listdir(tmp_path)
    output.commit()

    assert during == [".x.part"]
    assert os.listdir(tmp_path) == ["x"]


def test_an_abort_removes_every_volume_even_one_that_is_gone(tmp_path: Path) -> None:
    output = Output(str(tmp_path / "x"), volume_size=10)
    output.write([bytes(25)])
    (tmp_path / ".x.002.part").unlink()
    output.abort()

    assert os.listdir(tmp_path) == []


def test_a_name_that_appears_meanwhile_is_not_overwritten(tmp_path: Path) -> None:
    output = Output(str(tmp_path / "x"))
    output.write([b"new"])
    (tmp_path / "x").write_bytes(b"old")
    with pytest.raises((UsageError, FileExistsError)):
        output.commit()

    assert (tmp_path / "x").read_bytes() == b"old"


def test_two_exports_to_one_name_do_not_mix(tmp_path: Path) -> None:
    first = Output(str(tmp_path / "x"))
    with pytest.raises(UsageError, match="expected no such file, got one") as caught:
        Output(str(tmp_path / "x"))
    first.abort()

    assert caught.value.hint == "another export writes here, or one was killed"


def test_a_first_volume_that_exists_is_not_overwritten(tmp_path: Path) -> None:
    (tmp_path / "x.001").write_bytes(b"old")
    with pytest.raises(UsageError, match="expected a new name"):
        Output(str(tmp_path / "x"), volume_size=65536)


@pytest.mark.parametrize("mask", [0o022, 0o077])
def test_a_bundle_is_readable_by_those_the_umask_lets(tmp_path: Path, mask: int) -> None:
    before = os.umask(mask)
    try:
        Output(str(tmp_path / "x")).commit()
    finally:
        os.umask(before)

    assert (tmp_path / "x").stat().st_mode & 0o777 == 0o644 & ~mask


def test_a_tree_that_is_being_written_is_not_written_by_two(tmp_path: Path) -> None:
    TreeWriter(str(tmp_path / "x"))
    with pytest.raises(UsageError, match="got File exists"):
        TreeWriter(str(tmp_path / "x"))


def test_a_tree_is_written_below_the_current_folder_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    tree = TreeWriter("x/")
    tree.write_bytes("a/b", b"1")
    tree.commit()

    assert (tmp_path / "x/a/b").read_bytes() == b"1"


def test_the_sizes_of_a_head_are_read_back() -> None:
    raw = bundle().raw
    sizes = read_sizes(raw[:28])

    assert sizes.prefix() == raw[:28]
    assert raw[sizes.envelope_at :].startswith(b'{"payload"')
    assert Sizes(1, 2, 3).head == 34
