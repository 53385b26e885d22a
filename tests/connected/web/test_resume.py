"""Interrupted downloads: what was finished is downloaded once, what was begun is continued, and damage starts over."""

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from airgap.connected.web.download import _continues
from airgap.connected.web.reply import Reply
from airgap.core.errors import FormatError
from tests.connected.web.fetching import Watch, content_of, failing, parts, patient, promised, sha256
from tests.connected.web.server import Behave, Canned, Request, Site, body, cutting, in_turn, ranged, serving

BIG = bytes(range(256)) * 40_000


def part_of(cache: Path, content: bytes, begun: bytes) -> Path:
    """Leave the beginning of a file, as an interrupted run does."""
    path = cache / "sha256" / sha256(content)[:2] / f"{sha256(content)}.part"
    path.parent.mkdir(parents=True)
    path.write_bytes(begun)
    return path


def slowly(content: bytes, step: int = 64 * 1024) -> Behave:
    """A file that can be continued and takes its time."""
    whole = ranged(content)

    def answer(request: Request) -> None:
        status, headers, rest = whole(request) or (500, {}, b"")
        request.say(status, headers, b"", length=len(rest))
        for start in range(0, len(rest), step):
            request.send(rest[start : start + step])
            if request.server.site.closing.wait(0.002):
                return

    return answer


def ranges(site: Site) -> list[str | None]:
    return [one.headers.get("range") for one in site.log]


def test_an_interrupted_run_downloads_no_byte_twice_that_was_finished(tmp_path: Path) -> None:
    files = {f"/{n}": os.urandom(300_000) for n in range(12)}
    with serving({path: slowly(content) for path, content in files.items()}) as site:
        wanted = [promised(site.url + path, content=content, name=path) for path, content in files.items()]
        with pytest.raises(KeyboardInterrupt):
            patient(tmp_path, progress=Watch(interrupt_at=1_500_000), jobs=4).files(wanted)
        finished = {path.name for path in tmp_path.glob("sha256/*/*") if re.fullmatch("[0-9a-f]{64}", path.name)}
        begun = {name.removesuffix(".part"): len(content) for name, content in parts(tmp_path).items()}
        first = dict(site.requests)
        site.log.clear()
        found = patient(tmp_path).files(wanted)

    assert 1 <= len(finished) < 12
    assert sum(begun.values()) > 0
    assert [content_of(one.file) for one in found] == list(files.values())
    for path, content in files.items():
        asked = [one.headers.get("range") for one in site.log if one.path == path]
        digest = sha256(content)
        if digest in finished:
            assert asked == [], f"{path} was finished and asked for {first[path]} + 1 times"
        else:
            assert asked == [f"bytes={begun[digest]}-" if begun.get(digest) else None]
    assert parts(tmp_path) == {}


SCRIPT = """
import sys
from airgap.connected.web.access import Access
from airgap.connected.web.fetcher import Fetcher
from airgap.connected.web.wanted import Download

cache, digest, *urls = sys.argv[1:]
print("begun", flush=True)
Fetcher(cache, Access()).files([Download(urls=(url,), digests={"sha256": digest}, size=None, name=url) for url in urls])
"""


@pytest.mark.parametrize("server", ["slow", "silent"])
def test_ctrl_c_ends_the_program_at_once_whatever_the_server_does(tmp_path: Path, server: str) -> None:
    def silent(request: Request) -> None:
        request.server.site.closing.wait(30)
        request.cut()

    answers: dict[str, dict[str, Canned | Behave]] = {"slow": {"/f": slowly(BIG, 1024)}, "silent": {"/f": silent}}
    with serving(answers[server]) as site:
        command = [sys.executable, "-c", SCRIPT, str(tmp_path), sha256(BIG), f"{site.url}/f"]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as program:
            assert program.stdout
            program.stdout.readline()
            while not site.requests["/f"]:
                time.sleep(0.01)
            time.sleep(0.2)
            start = time.monotonic()
            program.send_signal(signal.SIGINT)
            _, errors = program.communicate(timeout=20)
            took = time.monotonic() - start

    assert b"KeyboardInterrupt" in errors
    assert took < 4
    if server == "slow":
        (begun,) = parts(tmp_path).values()
        assert begun
        assert begun == BIG[: len(begun)]


def test_a_connection_that_is_cut_is_continued_where_it_ended(tmp_path: Path) -> None:
    watch = Watch()
    with serving({"/f": cutting(BIG, after=3_000_000, times=2)}) as site:
        (found,) = patient(tmp_path, progress=watch).files([promised(f"{site.url}/f", content=BIG)])

    assert content_of(found.file) == BIG
    assert ranges(site) == [None, "bytes=3000000-", "bytes=6000000-"]
    assert [one.headers.get("if-range") for one in site.log] == [None, '"one"', '"one"']
    assert site.sent["/f"] == len(BIG) == watch.bytes


def test_a_bad_line_that_brings_a_megabyte_at_a_time_brings_everything(tmp_path: Path) -> None:
    with serving({"/f": cutting(BIG, after=1_200_000, times=99)}) as site:
        (found,) = patient(tmp_path).files([promised(f"{site.url}/f", content=BIG)])

    assert (content_of(found.file), site.requests["/f"]) == (BIG, 9)


def test_a_part_of_an_earlier_run_is_continued_and_counts_as_progress(tmp_path: Path) -> None:
    part_of(tmp_path, BIG, BIG[:5_000_000])
    watch = Watch()
    with serving({"/f": ranged(BIG)}) as site:
        patient(tmp_path, progress=watch).files([promised(f"{site.url}/f", content=BIG)])

    assert ranges(site) == ["bytes=5000000-"]
    assert watch.bytes == len(BIG)


def test_a_part_that_is_the_whole_file_needs_no_server(tmp_path: Path) -> None:
    part_of(tmp_path, BIG, BIG)
    with serving() as site:
        (found,) = patient(tmp_path).files([promised(f"{site.url}/f", content=BIG, size=None)])

    assert (content_of(found.file), site.log) == (BIG, [])


def test_a_part_as_long_as_the_file_that_does_not_hold_starts_over(tmp_path: Path) -> None:
    part_of(tmp_path, BIG, bytes(len(BIG)))
    watch = Watch()
    with serving({"/f": ranged(BIG)}) as site:
        (found,) = patient(tmp_path, progress=watch).files([promised(f"{site.url}/f", content=BIG)])

    assert (content_of(found.file), ranges(site), watch.bytes) == (BIG, [None], len(BIG))


def test_a_server_that_ignores_the_range_starts_over_in_the_same_answer(tmp_path: Path) -> None:
    part_of(tmp_path, BIG, BIG[:1000])
    with serving({"/f": body(BIG)}) as site:
        (found,) = patient(tmp_path).files([promised(f"{site.url}/f", content=BIG)])

    assert (content_of(found.file), ranges(site)) == (BIG, ["bytes=1000-"])


@pytest.mark.parametrize(
    "answer",
    [
        (206, {"Content-Range": f"bytes 0-{len(BIG) - 1}/{len(BIG)}"}, BIG),
        (206, {"Content-Range": f"bytes 1000-{len(BIG) - 2}/{len(BIG) - 1}"}, BIG[1000:-1]),
        (206, {"Content-Range": f"lines 1000-{len(BIG) - 1}/{len(BIG)}"}, BIG[1000:]),
        (206, {"Content-Type": "multipart/byteranges; boundary=x"}, b"--x\r\n\r\n--x--"),
        (416, {"Content-Range": "bytes */7"}, b""),
    ],
)
def test_an_answer_that_is_not_the_rest_starts_over(tmp_path: Path, answer: Canned) -> None:
    part_of(tmp_path, BIG, BIG[:1000])
    with serving({"/f": in_turn(answer, body(BIG))}) as site:
        (found,) = patient(tmp_path).files([promised(f"{site.url}/f", content=BIG)])

    assert (content_of(found.file), ranges(site)) == (BIG, ["bytes=1000-", None])


@pytest.mark.parametrize(
    ("content_range", "is_rest"),
    [
        ("bytes 1000-1999/2000", True),
        ("Bytes 1000-1499/2000", True),
        ("bytes 1000-1999/*", True),
        ("bytes 999-1999/2000", False),
        ("bytes 01000-1999/2000", False),
        ("bytes 1000-1999/2001", False),
        ("bytes */2000", False),
        ("1000-1999/2000", False),
        ("", False),
    ],
)
def test_the_rest_begins_where_the_part_ends_and_belongs_to_a_file_of_that_size(content_range: str, is_rest: bool) -> None:
    def reply(status: int) -> Reply:
        return Reply("http://a.invalid/", status, {"content-range": content_range}, lambda _: b"", lambda: None)

    assert _continues(reply(206), 1000, 2000) is is_rest
    assert not _continues(reply(200), 1000, 2000)
    assert _continues(reply(206), 1000, None) is (is_rest or content_range.endswith("/2001"))


def test_a_total_that_a_server_does_not_know_is_no_contradiction(tmp_path: Path) -> None:
    part_of(tmp_path, BIG, BIG[:1000])
    with serving({"/f": (206, {"Content-Range": f"bytes 1000-{len(BIG) - 1}/*"}, BIG[1000:])}) as site:
        (found,) = patient(tmp_path).files([promised(f"{site.url}/f", content=BIG)])

    assert content_of(found.file) == BIG


def test_a_continued_file_that_does_not_hold_is_downloaded_once_more_from_the_beginning(tmp_path: Path) -> None:
    part_of(tmp_path, BIG, b"rotten" * 100)
    watch = Watch()
    with serving({"/f": ranged(BIG)}) as site:
        (found,) = patient(tmp_path, progress=watch).files([promised(f"{site.url}/f", content=BIG)])

    assert (content_of(found.file), ranges(site), watch.bytes) == (BIG, ["bytes=600-", None], len(BIG))


def test_a_continued_file_that_does_not_hold_twice_is_a_lie(tmp_path: Path) -> None:
    part_of(tmp_path, BIG, BIG[:600])
    evil = bytes(len(BIG))
    with serving({"/f": ranged(evil)}) as site:
        line = f"f.whl: expected sha256 {sha256(BIG)}, got {sha256(evil)} ({len(evil)} bytes) from {site.url}/f"
        with failing(FormatError, line):
            patient(tmp_path).files([promised(f"{site.url}/f", content=BIG)])

    assert ranges(site) == ["bytes=600-", None]
    assert parts(tmp_path) == {}


def test_a_file_that_changed_on_the_server_is_not_mixed(tmp_path: Path) -> None:
    """The first version is cut off; the second one has another entity tag, so its server sends all of it."""
    old = b"old" + BIG
    with serving({"/f": in_turn(cutting(old, after=2_000_000), ranged(BIG, etag='"two"'))}) as site:
        (found,) = patient(tmp_path).files([promised(f"{site.url}/f", content=BIG, size=None)])

    assert content_of(found.file) == BIG
    assert ranges(site) == [None, "bytes=2000000-"]


def test_the_entity_tag_of_one_server_is_not_told_to_another(tmp_path: Path) -> None:
    other = ranged(BIG, etag='"other"')
    broken = cutting(BIG, after=500_000, times=99)
    with serving({"/a": in_turn(broken, (404, {}, b"")), "/b": other}) as site:
        (found,) = patient(tmp_path).files([promised(f"{site.url}/a", f"{site.url}/b", content=BIG)])

    assert content_of(found.file) == BIG
    assert ("range", "bytes=500000-") in site.log[-1].headers.items()
    assert "if-range" not in site.log[-1].headers


@pytest.mark.parametrize("tag", ['W/"weak"', "", '"' + "x" * 5000 + '"'])
def test_a_weak_or_overlong_entity_tag_is_not_used_to_continue(tmp_path: Path, tag: str) -> None:
    def cut(request: Request) -> None:
        request.say(200, {"ETag": tag}, BIG[:2000], length=len(BIG))
        request.cut()

    with serving({"/f": in_turn(cut, ranged(BIG))}) as site:
        patient(tmp_path).files([promised(f"{site.url}/f", content=BIG)])

    assert ranges(site) == [None, "bytes=2000-"]
    assert "if-range" not in site.log[1].headers


def test_nothing_but_files_stays_after_a_download(tmp_path: Path) -> None:
    with serving({"/f": cutting(BIG, after=1000), "/lie": body(b"lie")}) as site:
        fetcher = patient(tmp_path)
        fetcher.files([promised(f"{site.url}/f", content=BIG)])
        with pytest.raises(FormatError):
            fetcher.files([promised(f"{site.url}/lie", content=b"truth", size=None)])

    assert [path.name for path in tmp_path.glob("sha256/*/*")] == [sha256(BIG)]
