"""Files whose digest is known: what counts as the file, what is said when something else comes."""

import hashlib
import os
import stat
from pathlib import Path
from typing import Any

import pytest

from airgap.connected.web.wanted import MAX_FILE, Download
from airgap.core.errors import FormatError, StoreError, UsageError
from airgap.core.reasons import Reason
from tests.connected.web.fetching import Watch, content_of, failing, parts, patient, promised, sha256
from tests.connected.web.server import Request, body, in_turn, ranged, serving

GOOD = b"what was promised"
EVIL = b"what was not......"


def test_files_come_in_the_order_of_the_wishes_with_both_digests_and_read_only(tmp_path: Path) -> None:
    files = {f"/{n}": os.urandom(100 + n) for n in range(40)}
    watch = Watch()
    with serving({path: body(content) for path, content in files.items()}) as site:
        wanted = [promised(site.url + path, content=content) for path, content in files.items()]
        found = patient(tmp_path, progress=watch).files(wanted)

    assert [content_of(one.file) for one in found] == list(files.values())
    assert [one.sha512 for one in found] == [hashlib.sha512(content).hexdigest() for content in files.values()]
    first, content = found[0], files["/0"]
    status = os.stat(first.file)
    assert first.file == str(tmp_path / "sha256" / sha256(content)[:2] / sha256(content))
    assert (first.size, first.changed, first.sha256) == (100, status.st_mtime_ns, sha256(content))
    assert stat.S_IMODE(status.st_mode) == 0o444
    total = sum(map(len, files.values()))
    assert (watch.told, watch.bytes, watch.files) == ([(40, total)], total, 40)


def test_connections_are_used_again(tmp_path: Path) -> None:
    seen: set[tuple[str, int]] = set()

    def note(request: Request) -> tuple[int, dict[str, str], bytes]:
        seen.add(request.client_address)
        return 200, {}, request.path.encode()

    paths = [f"/{n}" for n in range(60)]
    with serving(dict.fromkeys(paths, note)) as site:
        patient(tmp_path, jobs=3).files([promised(site.url + path, content=path.encode()) for path in paths])

    assert len(seen) <= 3


def test_a_mirror_that_lies_is_named_with_expected_and_got(tmp_path: Path) -> None:
    with serving({"/a/f.whl": body(EVIL)}) as site:
        line = f"f.whl: expected sha256 {sha256(GOOD)}, got {sha256(EVIL)} ({len(EVIL)} bytes) from {site.url}/a/f.whl"
        with failing(FormatError, line) as caught:
            patient(tmp_path).files([promised(f"{site.url}/a/f.whl", content=GOOD, size=None)])

    assert caught[0].reason is Reason.CONTENT_MISMATCH
    assert site.requests["/a/f.whl"] == 1
    assert parts(tmp_path) == {}


def test_a_mirror_that_lies_does_not_keep_the_next_one_from_giving_the_file(tmp_path: Path) -> None:
    with serving({"/lie": body(EVIL), "/good": body(GOOD)}) as site:
        wanted = promised(f"{site.url}/lie", f"{site.url}/gone", f"{site.url}/good", content=GOOD, size=None)
        (found,) = patient(tmp_path).files([wanted])

    assert content_of(found.file) == GOOD


def test_a_lie_is_reported_although_the_next_address_has_nothing(tmp_path: Path) -> None:
    with serving({"/lie": body(EVIL)}) as site, pytest.raises(FormatError, match=r"got .* from .*/lie"):
        patient(tmp_path).files([promised(f"{site.url}/gone", f"{site.url}/lie", content=GOOD, size=None)])


def test_all_digests_have_to_hold(tmp_path: Path) -> None:
    sha512 = hashlib.sha512(EVIL).hexdigest()
    with serving({"/f": body(GOOD)}) as site:
        line = f"f.whl: expected sha512 {sha512}, got {hashlib.sha512(GOOD).hexdigest()} (17 bytes) from {site.url}/f"
        with failing(FormatError, line):
            patient(tmp_path).files([promised(f"{site.url}/f", content=GOOD, sha256=sha256(GOOD), sha512=sha512)])


@pytest.mark.parametrize("algorithm", ["sha512", "sha384", "sha1", "blake2b"])
def test_a_file_is_kept_under_the_digest_that_is_known(tmp_path: Path, algorithm: str) -> None:
    digest: Any = hashlib.new(algorithm, GOOD).hexdigest()
    with serving({"/f": body(GOOD)}) as site:
        wanted = promised(f"{site.url}/f", content=GOOD, **{algorithm: digest})
        (found,) = patient(tmp_path).files([wanted])
        (again,) = patient(tmp_path).files([wanted])

    assert found.file == str(tmp_path / algorithm / digest[:2] / digest)
    assert (found.sha256, again) == (sha256(GOOD), found)
    assert site.requests["/f"] == 1


@pytest.mark.parametrize(
    ("size", "line"),
    [(10, "f.whl: expected 10 bytes, got more from"), (20, "f.whl: expected 20 bytes, got 17 from")],
)
def test_a_size_that_was_promised_has_to_hold(tmp_path: Path, size: int, line: str) -> None:
    with serving({"/f": body(GOOD)}) as site, failing(FormatError, f"{line} {site.url}/f"):
        patient(tmp_path).files([promised(f"{site.url}/f", content=GOOD, size=size)])


def test_a_server_that_never_ends_is_stopped_at_the_promised_size(tmp_path: Path) -> None:
    def endless(request: Request) -> None:
        request.say(200, {}, b"", length=10**12)
        while not request.server.site.closing.is_set():
            request.send(bytes(100_000))

    with serving({"/f": endless}) as site, failing(FormatError, f"f.whl: expected 17 bytes, got more from {site.url}/f"):
        patient(tmp_path).files([promised(f"{site.url}/f", content=GOOD)])

    assert parts(tmp_path) == {}
    assert site.sent["/f"] < 50_000_000


def test_every_failure_is_on_a_line_of_its_own_and_the_lie_decides(tmp_path: Path) -> None:
    with serving({"/lie": body(EVIL), "/good": body(GOOD), "/no": (403, {}, b"")}) as site:
        wanted = [
            promised(f"{site.url}/gone", content=b"1", name="one.whl"),
            promised(f"{site.url}/good", content=GOOD, name="two.whl"),
            promised(f"{site.url}/lie", content=GOOD + b"!", size=None, name="three.whl"),
            promised(f"{site.url}/no", content=b"4", name="four.whl"),
        ]
        with failing(
            FormatError,
            f"three.whl: expected sha256 {sha256(GOOD + b'!')}, got {sha256(EVIL)} (18 bytes) from {site.url}/lie",
            f"one.whl: expected to download it from {site.url}/gone, got status 404 not found",
            f"four.whl: expected to download it from {site.url}/no, got status 403 forbidden",
        ) as caught:
            patient(tmp_path).files(wanted)

    assert caught[0].reason is Reason.CONTENT_MISMATCH
    assert list(tmp_path.rglob(sha256(GOOD)))


def test_what_is_merely_missing_is_a_usage_error_with_a_hint(tmp_path: Path) -> None:
    with serving() as site, pytest.raises(UsageError, match="got status 404") as caught:
        patient(tmp_path).files([promised(f"{site.url}/f", content=GOOD)])

    assert "check the lock file" in str(caught.value.hint)


def test_a_long_list_of_failures_is_cut(tmp_path: Path) -> None:
    with serving() as site, pytest.raises(UsageError) as caught:
        patient(tmp_path).files([promised(f"{site.url}/f", content=b"%d" % n, name=f"{n}.whl") for n in range(23)])

    lines = [caught.value.message, *caught.value.others]
    assert (len(lines), lines[0][:7], lines[-1]) == (21, "0.whl: ", "and 3 more")


def test_a_name_that_somebody_else_wrote_cannot_write_to_the_terminal(tmp_path: Path) -> None:
    with serving() as site, pytest.raises(UsageError, match=r"^a\\u\{a\}b\\u\{1b\}: expected"):
        patient(tmp_path).files([promised(f"{site.url}/f", content=GOOD, name="a\nb\x1b")])


def test_credentials_in_a_url_are_neither_sent_nor_shown(tmp_path: Path) -> None:
    with serving() as site:
        url = site.url.replace("//", "//user:pass@") + "/f?token=s3cret"
        with pytest.raises(UsageError) as caught:
            patient(tmp_path).files([promised(url, content=GOOD)])

    assert f"from {site.url}/f, got" in caught.value.message
    assert "authorization" not in site.log[0].headers


@pytest.mark.parametrize(
    "url", ["ftp://a.invalid/f", "data:,x", "//a.invalid/f", "http:///f", "http://a.invalid:0x1/f", "/f"]
)
def test_an_address_of_another_kind_is_refused(tmp_path: Path, url: str) -> None:
    with pytest.raises(UsageError, match="got no URL of a kind that is known"):
        patient(tmp_path).files([promised(url, content=GOOD)])


def test_a_file_without_an_address_may_only_come_from_the_cache(tmp_path: Path) -> None:
    wanted = promised(content=GOOD)
    with failing(UsageError, "f.whl: expected an address to get it from, got none"):
        patient(tmp_path).files([wanted])
    kept = patient(tmp_path).keep(GOOD)

    assert patient(tmp_path).files([wanted]) == [kept]


@pytest.mark.parametrize(
    ("digests", "got"),
    [
        ({}, "expected a digest, got none"),
        ({"shake_128": "00"}, "expected a digest that is known, got 'shake_128'"),
        ({"sha256": "../../../etc/passwd"}, "expected 64 lower-case hex digits of sha256, got '../../../etc/passwd'"),
        ({"sha256": "A" * 64}, "expected 64 lower-case hex digits of sha256"),
        ({"sha1": "0" * 64}, "expected 40 lower-case hex digits of sha1"),
    ],
)
def test_only_a_digest_of_a_known_kind_becomes_a_file_name(digests: dict[str, str], got: str) -> None:
    with pytest.raises(FormatError, match=f"f.whl: {got}"):
        Download(urls=("http://a.invalid/",), digests=digests, size=None, name="f.whl")


@pytest.mark.parametrize("size", [-1, MAX_FILE + 1])
def test_a_size_beyond_all_files_is_refused(size: int) -> None:
    with pytest.raises(FormatError, match="expected at most 68719476736 bytes, got"):
        Download(urls=(), digests={"sha256": "0" * 64}, size=size, name="f.whl")


def test_what_a_server_packs_without_being_asked_is_taken_as_it_is(tmp_path: Path) -> None:
    """A .tar.gz is often served with this header, and its digest is that of the packed bytes."""
    packed = b"\x1f\x8b not even gzip"
    with serving({"/f": body(packed, Content_Encoding="gzip")}) as site:
        (found,) = patient(tmp_path).files([promised(f"{site.url}/f", content=packed)])

    assert content_of(found.file) == packed
    assert site.log[0].headers["accept-encoding"] == "identity"
    assert site.log[0].headers["user-agent"].startswith("airgap/")


def test_an_empty_file_is_a_file(tmp_path: Path) -> None:
    with serving({"/f": body(b"")}) as site:
        (found,) = patient(tmp_path).files([promised(f"{site.url}/f", content=b"")])

    assert (found.size, content_of(found.file)) == (0, b"")


def test_no_files_are_no_work(tmp_path: Path) -> None:
    watch = Watch()

    assert patient(tmp_path, progress=watch).files([]) == []
    assert watch.told == [(0, 0)]


def test_the_sum_of_sizes_is_unknown_when_one_is(tmp_path: Path) -> None:
    watch = Watch()
    with serving({"/f": body(GOOD)}) as site:
        wanted = [promised(f"{site.url}/f", content=GOOD), promised(f"{site.url}/f", content=GOOD, size=None)]
        one, two = patient(tmp_path, progress=watch).files(wanted)

    assert (watch.told, one, site.requests["/f"]) == ([(2, None)], two, 1)


def test_a_body_without_length_or_chunks_gets_a_second_chance(tmp_path: Path) -> None:
    """Where nothing tells the end, a connection that breaks looks like one."""

    def half(request: Request) -> None:
        request.say(200, {}, GOOD[:5], length=-1)

    with serving({"/f": in_turn(half, body(GOOD))}) as site:
        (found,) = patient(tmp_path).files([promised(f"{site.url}/f", content=GOOD)])

    assert content_of(found.file) == GOOD


def test_a_body_in_chunks_is_a_file(tmp_path: Path) -> None:
    def chunked(request: Request) -> None:
        request.say(200, {"Transfer-Encoding": "chunked"}, b"", length=-1)
        for start in range(0, len(GOOD), 4):
            piece = GOOD[start : start + 4]
            request.send(b"%x\r\n%b\r\n" % (len(piece), piece))
        request.send(b"0\r\n\r\n")

    with serving({"/f": chunked}) as site:
        (found,) = patient(tmp_path).files([promised(f"{site.url}/f", content=GOOD)])

    assert content_of(found.file) == GOOD


def test_a_disk_that_takes_nothing_ends_the_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> int:
        raise OSError(28, "No space left on device")

    with serving({"/f": ranged(GOOD)}) as site:
        monkeypatch.setattr("airgap.connected.web.part.os.write", full)
        with pytest.raises(StoreError, match="download cache: expected to use it, got No space left on device"):
            patient(tmp_path).files([promised(f"{site.url}/f", content=GOOD)])


def test_sizes_are_asked_for_only_where_nobody_knows_them(tmp_path: Path) -> None:
    local = tmp_path / "f"
    local.write_bytes(bytes(7))
    with serving({"/f": body(GOOD), "/kept": body(b"kept")}) as site:
        fetcher = patient(tmp_path / "cache")
        fetcher.files([promised(f"{site.url}/kept", content=b"kept")])
        wanted = [
            promised(f"{site.url}/f", content=GOOD, size=None),
            promised(f"{site.url}/gone", content=b"1", size=None),
            promised(f"{site.url}/gone", f"{site.url}/f", content=b"2", size=None),
            promised(f"{site.url}/kept", content=b"kept", size=None),
            promised(f"{site.url}/no", content=b"123"),
            promised(f"file://{local}", content=b"3", size=None),
        ]

        assert fetcher.sizes(wanted) == [17, None, 17, 4, 3, 7]
    assert [one.method for one in site.log[1:]] == ["HEAD"] * 4
    assert site.requests["/no"] == 0


def test_a_length_that_is_no_number_is_no_size(tmp_path: Path) -> None:
    def strange(request: Request) -> None:
        request.say(200, {"Content-Length": "1" * 30}, b"", length=-1)

    with serving({"/f": strange}) as site:
        assert patient(tmp_path).sizes([promised(f"{site.url}/f", content=GOOD, size=None)]) == [None]
