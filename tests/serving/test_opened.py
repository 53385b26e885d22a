"""Digests of what is served: of the bytes, computed once, and anew when somebody wrote."""

import os
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from pathlib import Path

import pytest

from airgap.isolated.store.layout import Layout
from airgap.serving import opened
from airgap.serving.opened import Digests, Generation
from tests.isolated.scene import Scene


def _ask(digests: Digests, path: Path) -> str:
    with path.open("rb") as file:
        return digests.of(file.fileno(), os.fstat(file.fileno()))


@pytest.fixture
def passes(monkeypatch: pytest.MonkeyPatch) -> Sequence[int]:
    """One item for each time that a file is read to its end."""
    seen: list[int] = []
    real = opened._hash

    def noted(fd: int) -> str:
        seen.append(fd)
        return real(fd)

    monkeypatch.setattr(opened, "_hash", noted)
    return seen


def test_a_file_is_read_once(tmp_path: Path, passes: Sequence[int]) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"a")
    digests = Digests()

    assert {_ask(digests, path) for _ in range(3)} == {sha256(b"a").hexdigest()}
    assert len(passes) == 1


def test_many_who_ask_at_once_cost_one_pass(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"a")
    digests, go, passes = Digests(), threading.Event(), []

    def slow(fd: int) -> str:
        passes.append(fd)
        assert go.wait(20)
        return "digest"

    monkeypatch.setattr(opened, "_hash", slow)
    with ThreadPoolExecutor(8) as pool:
        asked = [pool.submit(_ask, digests, path) for _ in range(8)]
        go.set()
        assert {one.result() for one in asked} == {"digest"}
    assert len(passes) == 1


def test_a_write_that_hides_its_time_is_seen(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"old")
    before = path.stat()
    digests = Digests()
    _ask(digests, path)
    while path.stat().st_ctime_ns == before.st_ctime_ns:  # the kernel's clock has steps
        time.sleep(0.001)
        path.write_bytes(b"new")
        os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))

    assert path.stat().st_mtime_ns == before.st_mtime_ns
    assert _ask(digests, path) == sha256(b"new").hexdigest()


def test_a_disk_that_failed_is_asked_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_: int) -> str:
        raise OSError(5, "Input/output error")

    path = tmp_path / "a"
    path.write_bytes(b"a")
    digests = Digests()
    with monkeypatch.context() as patch:
        patch.setattr(opened, "_hash", fail)
        with pytest.raises(OSError, match="Input/output"):
            _ask(digests, path)

    assert _ask(digests, path) == sha256(b"a").hexdigest()


def test_a_failure_leaves_nothing_open(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> str:
        raise OSError(5, "Input/output error")

    scene = Scene(str(tmp_path))
    scene.set_up()
    scene.take_in(scene.export({"a": b"a"}))
    layout = Layout(scene.store_path)
    held = len(os.listdir("/proc/self/fd"))
    with monkeypatch.context() as patch:
        patch.setattr(opened, "_hash", fail)
        with Generation(layout, Digests()) as generation, pytest.raises(OSError, match="Input/output"):
            generation.file(["files", "a"])
    with monkeypatch.context() as patch, Generation(layout, Digests()) as generation:
        patch.setattr(os, "open", fail)
        with pytest.raises(OSError, match="Input/output"):
            generation.file(["files", "a"])

    assert len(os.listdir("/proc/self/fd")) == held


def test_only_so_many_are_remembered(tmp_path: Path, passes: Sequence[int], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(opened, "_REMEMBERED", 2)
    digests = Digests()
    paths = [tmp_path / name for name in "abc"]
    for path in paths:
        path.write_bytes(path.name.encode())
        _ask(digests, path)
    _ask(digests, paths[2])
    _ask(digests, paths[0])

    assert len(passes) == 4
