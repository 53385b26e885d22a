import ctypes
import errno
import os
import stat
from collections.abc import Callable
from typing import Any

import pytest

from airgap.core.errors import PlatformError, StoreError
from airgap.isolated.store import disk as module
from airgap.isolated.store.disk import RealDisk, probe


@pytest.fixture
def folder(tmp_path: object) -> str:
    return str(tmp_path)


def mode(path: str) -> int:
    return stat.S_IMODE(os.lstat(path).st_mode)


def write(folder: str, name: str, content: bytes = b"old") -> str:
    path = os.path.join(folder, name)
    with open(path, "wb") as file:
        file.write(content)
    return path


def read(path: str) -> bytes:
    with open(path, "rb") as file:
        return file.read()


@pytest.fixture(params=[0o000, 0o077])
def _umask(request: pytest.FixtureRequest) -> Any:
    old = os.umask(request.param)
    yield
    os.umask(old)


@pytest.mark.usefixtures("_umask")
def test_modes_are_what_was_asked_for_whatever_the_umask(folder: str) -> None:
    disk = RealDisk()
    disk.make_folder(f"{folder}/open")
    disk.make_folder(f"{folder}/private", 0o700)
    disk.write_file(f"{folder}/key", b"k", 0o600)
    fd = disk.create(f"{folder}/entry")
    assert mode(f"{folder}/entry") == 0o600
    disk.close(fd)

    names = ("open", "private", "key", "entry")
    assert [mode(f"{folder}/{name}") for name in names] == [0o755, 0o700, 0o600, 0o444]


def test_a_short_write_is_finished(folder: str, monkeypatch: pytest.MonkeyPatch) -> None:
    disk = RealDisk()
    monkeypatch.setattr(os, "writev", lambda fd, views: os.write(fd, bytes(views[0])[:1]))
    fd = disk.create(f"{folder}/entry")
    disk.write(fd, [b"ab", memoryview(b"cd")])
    disk.close(fd)
    assert read(f"{folder}/entry") == b"abcd"


def test_a_large_file_starts_its_write_back_along_the_way(folder: str, monkeypatch: pytest.MonkeyPatch) -> None:
    advised: list[tuple[int, int]] = []
    monkeypatch.setattr(os, "posix_fadvise", lambda _fd, offset, length, _advice: advised.append((offset, length)))
    disk = RealDisk()
    fd = disk.create(f"{folder}/entry")
    for _ in range(10):
        disk.write(fd, [bytes(1024 * 1024)])
    disk.close(fd)
    assert advised == [(0, 4 * 1024 * 1024), (0, 8 * 1024 * 1024)]


def test_a_link_never_replaces(folder: str) -> None:
    one, two = write(folder, "one", b"1"), write(folder, "two", b"2")
    assert not RealDisk().link(one, two)
    assert read(two) == b"2"
    assert RealDisk().link(one, f"{folder}/three")
    assert os.path.samefile(one, f"{folder}/three")


def test_a_file_with_as_many_names_as_it_can_have_is_copied(folder: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError(errno.EMLINK, "Too many links")

    one = write(folder, "one", b"1" * 100)
    monkeypatch.setattr(os, "link", refuse)
    assert RealDisk().link(one, f"{folder}/two")
    assert read(f"{folder}/two") == b"1" * 100
    assert mode(f"{folder}/two") == 0o444
    assert not os.path.samefile(one, f"{folder}/two")


def test_appending_and_cutting_keep_the_rest(folder: str) -> None:
    log = write(folder, "log", b"one\n")
    RealDisk().append(log, b"two\n")
    assert read(log) == b"one\ntwo\n"
    RealDisk().truncate(log, 4)
    assert read(log) == b"one\n"


def test_a_pointer_moves_at_once_even_over_what_a_crash_left(folder: str) -> None:
    os.symlink("a", f"{folder}/current")
    os.symlink("half", f"{folder}/current.new")
    RealDisk().point(f"{folder}/current", "b")
    assert os.readlink(f"{folder}/current") == "b"
    assert os.listdir(folder) == ["current"]


def test_removing_a_tree_follows_no_link(folder: str) -> None:
    os.makedirs(f"{folder}/tree/deep")
    outside = write(folder, "outside")
    os.symlink(outside, f"{folder}/tree/deep/link")
    RealDisk().remove_tree(f"{folder}/tree")
    assert os.listdir(folder) == ["outside"]


def test_an_append_follows_no_link(folder: str) -> None:
    os.symlink(write(folder, "outside"), f"{folder}/log")
    with pytest.raises(StoreError, match="log: expected the disk to keep it, got Too many levels of symbolic links"):
        RealDisk().append(f"{folder}/log", b"x")
    assert read(f"{folder}/outside") == b"old"


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda disk, folder: disk.make_folder(f"{folder}/a/b"), "a/b: expected the disk to keep it, got No such file"),
        (lambda disk, folder: disk.create(f"{folder}/here"), "here: expected the disk to keep it, got File exists"),
        (lambda disk, _: disk.write(99_999, [b"x"]), "staging: expected the disk to keep it, got Bad file descriptor"),
        (lambda disk, _: disk.close(99_999), "staging: expected the disk to keep it, got Bad file descriptor"),
        (
            lambda disk, folder: disk.write_file(f"{folder}/here", b"x"),
            "here: expected the disk to keep it, got File exists",
        ),
        (lambda disk, folder: disk.truncate(f"{folder}/none", 0), "none: expected the disk to keep it"),
        (lambda disk, folder: disk.link(f"{folder}/none", f"{folder}/x"), "x: expected the disk to keep it"),
        (lambda disk, folder: disk.rename(f"{folder}/none", f"{folder}/x"), "x: expected the disk to keep it"),
        (lambda disk, folder: disk.unlink(f"{folder}/none"), "none: expected the disk to keep it"),
        (lambda disk, folder: disk.remove_tree(f"{folder}/none"), "none: expected the disk to keep it"),
        (lambda disk, folder: disk.sync(f"{folder}/none"), "none: expected the disk to keep it"),
        (lambda disk, folder: disk.sync_folder(f"{folder}/none"), "none: expected the disk to keep it"),
    ],
)
def test_what_the_system_refuses_is_said_in_one_sentence(
    call: Callable[[RealDisk, str], object], words: str, folder: str
) -> None:
    write(folder, "here")
    with pytest.raises(StoreError, match=words):
        call(RealDisk(), folder)


def test_a_failed_sync_is_an_error_and_not_tried_again(folder: str, monkeypatch: pytest.MonkeyPatch) -> None:
    calls = []

    class Broken:
        def syncfs(self, fd: int) -> int:
            calls.append(fd)
            ctypes.set_errno(errno.EIO)
            return -1

    monkeypatch.setattr(ctypes, "CDLL", lambda *_, **__: Broken())
    with pytest.raises(StoreError, match="expected the disk to keep it, got Input/output error"):
        RealDisk().sync(folder)
    assert len(calls) == 1


def test_an_old_kernel_gets_an_fsync_for_every_file_and_folder(folder: str, monkeypatch: pytest.MonkeyPatch) -> None:
    os.mkdir(f"{folder}/deep")
    write(folder, "deep/file")
    synced = []
    monkeypatch.setattr(module, "_kernel", lambda: (5, 7))
    monkeypatch.setattr(os, "fsync", lambda fd: synced.append(os.path.relpath(os.readlink(f"/proc/self/fd/{fd}"), folder)))
    RealDisk().sync(folder)
    assert sorted(synced) == [".", "deep", "deep/file"]


def test_a_file_system_that_keeps_its_promises_passes_the_probe(folder: str) -> None:
    probe(folder)
    assert os.listdir(folder) == []


@pytest.mark.parametrize(
    ("call", "answer", "words"),
    [
        ("path.lexists", lambda _: True, "expected a file system that tells upper from lower case"),
        ("chmod", lambda *_: None, "expected hard links and modes to hold"),
    ],
)
def test_a_file_system_that_does_not_is_refused(
    call: str, answer: Any, words: str, folder: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(f"os.{call}", answer)
        patch.setattr(os, "unlink", lambda _: None)
        with pytest.raises(PlatformError, match=words):
            probe(folder)


def test_a_file_system_without_links_is_refused_and_left_clean(folder: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(os, "link", refuse)
    with pytest.raises(PlatformError, match="hard and symbolic links, got Operation not permitted"):
        probe(folder)
    assert os.listdir(folder) == []
