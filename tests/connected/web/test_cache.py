"""The cache: no hit is believed unread, and nobody who shares it does harm."""

import fcntl
import os
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from airgap.connected.web.cache import Cache
from airgap.connected.web.crew import Run, Stopped
from airgap.core.errors import StoreError, UsageError
from tests.connected.web.fetching import Watch, content_of, parts, patient, promised, sha256
from tests.connected.web.server import Request, body, serving
from tests.connected.web.test_resume import SCRIPT

GOOD = b"what was promised"


def test_a_hit_asks_nobody_and_counts_as_progress(tmp_path: Path) -> None:
    watch = Watch()
    with serving({"/f": body(GOOD)}) as site:
        wanted = promised(f"{site.url}/f", content=GOOD)
        first = patient(tmp_path).files([wanted])
        again = patient(tmp_path, progress=watch).files([wanted])

    assert (again, site.requests["/f"], watch.bytes) == (first, 1, len(GOOD))


@pytest.mark.parametrize("damage", [b"what was promisee", b"", GOOD + b"!"])
def test_a_damaged_hit_is_downloaded_anew(tmp_path: Path, damage: bytes) -> None:
    with serving({"/f": body(GOOD)}) as site:
        wanted = promised(f"{site.url}/f", content=GOOD, size=None)
        (first,) = patient(tmp_path).files([wanted])
        os.chmod(first.file, 0o644)
        Path(first.file).write_bytes(damage)
        (again,) = patient(tmp_path).files([wanted])

    assert (content_of(again.file), site.requests["/f"]) == (GOOD, 2)
    assert stat.S_IMODE(os.stat(again.file).st_mode) == 0o444


def test_a_link_in_the_cache_is_not_followed(tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.write_bytes(GOOD)
    digest = sha256(GOOD)
    place = tmp_path / "cache/sha256" / digest[:2] / digest
    place.parent.mkdir(parents=True)
    place.symlink_to(elsewhere)
    with serving({"/f": body(GOOD)}) as site:
        patient(tmp_path / "cache").files([promised(f"{site.url}/f", content=GOOD)])

    assert not place.is_symlink()
    assert site.requests["/f"] == 1


@pytest.mark.parametrize("mode", [0o770, 0o702])
def test_a_cache_that_others_can_write_to_is_refused(tmp_path: Path, mode: int) -> None:
    (tmp_path / "cache").mkdir()
    (tmp_path / "cache").chmod(mode)
    with pytest.raises(UsageError, match="cache: expected a folder that belongs to you"):
        Cache(str(tmp_path / "cache"))


def test_a_cache_of_somebody_else_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: os.getuid() + 1)
    with pytest.raises(UsageError, match="cache: expected a folder that belongs to you"):
        Cache(str(tmp_path / "cache"))


def test_a_cache_that_cannot_be_asked_for_a_size_is_said(tmp_path: Path) -> None:
    cache = patient(tmp_path / "cache")
    (tmp_path / "cache/sha256").write_bytes(b"no folder")
    with pytest.raises(StoreError, match="download cache: expected to use it, got Not a directory"):
        cache.sizes([promised("https://index.invalid/f", content=GOOD, size=None)])


def test_bytes_made_here_are_files_among_the_others(tmp_path: Path) -> None:
    fetcher = patient(tmp_path)
    one, two = fetcher.keep(GOOD), fetcher.keep(GOOD)

    assert one == two
    assert (one.size, one.sha256, content_of(one.file)) == (len(GOOD), sha256(GOOD), GOOD)
    assert one.file == str(tmp_path / "sha256" / one.sha256[:2] / one.sha256)
    assert fetcher.keep(b"").size == 0
    assert parts(tmp_path) == {}


def test_the_folder_is_its_owners_alone(tmp_path: Path) -> None:
    patient(tmp_path / "a" / "cache")

    assert stat.S_IMODE(os.stat(tmp_path / "a" / "cache").st_mode) == 0o700


@pytest.mark.parametrize("taken", ["cache", "cache/pages"])
def test_a_folder_that_cannot_be_made_is_a_usage_error(tmp_path: Path, taken: str) -> None:
    (tmp_path / taken).parent.mkdir(exist_ok=True)
    (tmp_path / taken).write_bytes(b"a file")
    with pytest.raises(UsageError, match=f"{taken}: expected a folder for .*, got File exists"):
        patient(tmp_path / "cache")


def test_a_file_that_two_threads_want_is_downloaded_once(tmp_path: Path) -> None:
    watch = Watch()
    with serving({"/f": body(GOOD)}) as site:
        found = patient(tmp_path, progress=watch).files([promised(f"{site.url}/f", content=GOOD)] * 8)

    assert (len(set(found)), site.requests["/f"], watch.bytes) == (1, 1, 8 * len(GOOD))


def test_a_file_that_another_program_downloads_is_waited_for(tmp_path: Path) -> None:
    wait = threading.Event()

    def late(request: Request) -> tuple[int, dict[str, str], bytes]:
        wait.wait(20)
        return 200, {}, GOOD

    with serving({"/f": late}) as site:
        command = [sys.executable, "-c", SCRIPT, str(tmp_path), sha256(GOOD), f"{site.url}/f"]
        programs = [subprocess.Popen(command, stdout=subprocess.DEVNULL) for _ in range(3)]
        while not site.requests["/f"]:
            wait.wait(0.01)
        wait.wait(0.5)
        wait.set()
        codes = [program.wait(20) for program in programs]

    assert (codes, site.requests["/f"]) == ([0, 0, 0], 1)
    assert [path.name for path in tmp_path.glob("sha256/*/*")] == [sha256(GOOD)]


def test_who_waits_for_another_program_can_be_interrupted(tmp_path: Path) -> None:
    wanted = promised(content=GOOD)
    cache, run = Cache(str(tmp_path)), Run()
    with cache.part(wanted, Run()):
        threading.Timer(0.05, run.stop).start()
        with pytest.raises(Stopped), cache.part(wanted, run):
            pytest.fail("two had the same part")


def test_a_part_that_was_finished_while_somebody_waited_is_not_written_to(tmp_path: Path) -> None:
    wanted = promised(content=GOOD)
    cache = Cache(str(tmp_path))
    kept = cache.keep(GOOD)
    path = f"{kept.file}.part"
    os.rename(kept.file, path)
    os.chmod(path, 0o644)
    holder = os.open(path, os.O_RDWR)
    fcntl.flock(holder, fcntl.LOCK_EX)

    def finish() -> None:
        os.rename(path, kept.file)
        os.close(holder)

    threading.Timer(0.05, finish).start()
    with cache.part(wanted, Run()) as part:
        assert part.size == 0
        part.write(b"something else")

    assert content_of(kept.file) == GOOD
