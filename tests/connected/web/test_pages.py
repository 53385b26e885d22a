"""Index pages: how long they are believed, how large they may be, and what is asked again."""

import gzip
import time
import zlib
from pathlib import Path
from typing import Any

import pytest

from airgap.connected.web.wanted import Answer, Page
from airgap.core.errors import FormatError, StoreError, UsageError
from airgap.core.reasons import Reason
from tests.connected.web.fetching import failing, page, patient
from tests.connected.web.server import Canned, Request, body, in_turn, serving

INDEX = b'{"name": "f"}'
JSON = "application/json"


class Clock:
    """Seconds that pass when a test says so."""

    def __init__(self) -> None:
        self.now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


def test_an_answer_says_what_came_and_from_where(tmp_path: Path) -> None:
    with serving({"/f": body(INDEX, JSON)}) as site:
        found = patient(tmp_path).pages([page(f"{site.url}/f"), page(f"{site.url}/none", is_optional=True)])

    assert found == [Answer(200, JSON, INDEX, f"{site.url}/f"), Answer(404, "", b"not here", f"{site.url}/none")]
    assert site.log[0].headers["accept"] == "application/json"


@pytest.mark.parametrize("status", [404, 410])
def test_a_page_that_has_to_be_there_is_missed(tmp_path: Path, status: int) -> None:
    with serving({"/f": (status, {}, b"")}) as site:
        fetcher = patient(tmp_path)
        assert fetcher.pages([page(f"{site.url}/f", is_optional=True)])[0].status == status
        with pytest.raises(UsageError, match=f"^index of f: expected to read {site.url}/f, got status {status}"):
            fetcher.pages([page(f"{site.url}/f")])


def test_an_optional_page_may_be_missing_but_not_forbidden(tmp_path: Path) -> None:
    with serving({"/f": (403, {}, b"")}) as site, pytest.raises(UsageError, match="got status 403 forbidden"):
        patient(tmp_path).pages([page(f"{site.url}/f", is_optional=True)])


def test_every_page_that_fails_is_named(tmp_path: Path) -> None:
    with (
        serving({"/b": body(bytes(101))}) as site,
        failing(
            FormatError,
            f"index of f: expected at most 100 bytes from {site.url}/b, got more",
            f"index of f: expected to read {site.url}/a, got status 404 not found",
        ) as caught,
    ):
        patient(tmp_path).pages([page(f"{site.url}/a"), page(f"{site.url}/b", limit=100)])

    assert caught[0].reason is Reason.TOO_LARGE


def test_a_page_is_believed_for_ten_minutes(tmp_path: Path) -> None:
    clock = Clock()
    with serving({"/f": in_turn(body(INDEX, JSON), body(b"{}", JSON))}) as site:
        wanted = [page(f"{site.url}/f")]
        first = patient(tmp_path, clock=clock).pages(wanted)
        clock.now += 599
        again = patient(tmp_path, clock=clock).pages(wanted)
        clock.now += 2
        later = patient(tmp_path, clock=clock).pages(wanted)

    assert again == first
    assert later[0].content == b"{}"
    assert site.requests["/f"] == 2


def test_that_a_page_is_missing_is_believed_as_long(tmp_path: Path) -> None:
    with serving() as site:
        first, again = (patient(tmp_path).pages([page(f"{site.url}/f", is_optional=True)]) for _ in range(2))

    assert (again, site.requests["/f"]) == (first, 1)


@pytest.mark.parametrize("step", [-1.0, 1.0])
def test_neither_a_clock_set_back_nor_a_freshness_of_nothing_believes_a_page(tmp_path: Path, step: float) -> None:
    clock = Clock()
    with serving({"/f": body(INDEX)}) as site:
        patient(tmp_path, clock=clock).pages([page(f"{site.url}/f")])
        clock.now += step
        patient(tmp_path, clock=clock, fresh=1.0).pages([page(f"{site.url}/f")])

    assert site.requests["/f"] == 2


def test_what_other_media_types_were_asked_for_is_another_page(tmp_path: Path) -> None:
    with serving({"/f": body(INDEX)}) as site:
        fetcher = patient(tmp_path)
        for accept in ("text/html", "application/json"):
            fetcher.pages([Page(url=f"{site.url}/f", accept=accept, name="f")])

    assert [one.headers["accept"] for one in site.log] == ["text/html", "application/json"]


def test_an_old_page_that_did_not_change_is_not_sent_again(tmp_path: Path) -> None:
    clock = Clock()
    dated = "Mon, 02 Nov 2026 08:00:00 GMT"
    first = body(INDEX, JSON, ETag='W/"1"', Last_Modified=dated)
    with serving({"/f": in_turn(first, (304, {}, b""))}) as site:
        wanted = [page(f"{site.url}/f")]
        answers = [patient(tmp_path, clock=clock).pages(wanted)]
        for _ in range(3):
            clock.now += 400
            answers.append(patient(tmp_path, clock=clock).pages(wanted))

    assert answers == [[Answer(200, JSON, INDEX, f"{site.url}/f")]] * 4
    assert site.requests["/f"] == 2, "an answer 304 makes a page fresh again"
    assert site.log[1].headers["if-none-match"] == 'W/"1"'
    assert site.log[1].headers["if-modified-since"] == dated


def test_an_answer_not_modified_to_no_condition_is_refused(tmp_path: Path) -> None:
    with serving({"/f": (304, {}, b"")}) as site, pytest.raises(UsageError, match="got status 304 not modified"):
        patient(tmp_path).pages([page(f"{site.url}/f")])


@pytest.mark.parametrize("damage", [b"", b"{}\n", b"no json\nx", b"[]\n", b"[" * 100_000])
def test_a_damaged_page_is_read_anew(tmp_path: Path, damage: bytes) -> None:
    with serving({"/f": body(INDEX)}) as site:
        patient(tmp_path).pages([page(f"{site.url}/f")])
        (kept,) = (tmp_path / "pages").iterdir()
        kept.write_bytes(damage)
        (found,) = patient(tmp_path).pages([page(f"{site.url}/f")])

    assert (found.content, site.requests["/f"]) == (INDEX, 2)


def test_a_page_with_changed_content_is_read_anew(tmp_path: Path) -> None:
    with serving({"/f": body(INDEX)}) as site:
        patient(tmp_path).pages([page(f"{site.url}/f")])
        (kept,) = (tmp_path / "pages").iterdir()
        kept.write_bytes(kept.read_bytes().replace(b'"f"', b'"g"'))
        (found,) = patient(tmp_path).pages([page(f"{site.url}/f")])

    assert found.content == INDEX


def test_a_page_that_cannot_be_kept_leaves_nothing_behind(tmp_path: Path) -> None:
    with serving({"/f": body(INDEX)}) as site:
        patient(tmp_path).pages([page(f"{site.url}/f")])
        (kept,) = (tmp_path / "pages").iterdir()
        kept.unlink()
        kept.mkdir()
        with pytest.raises(StoreError, match="download cache: expected to use it, got Is a directory"):
            patient(tmp_path).pages([page(f"{site.url}/f")])

    assert list((tmp_path / "pages").iterdir()) == [kept]


def test_a_kept_page_larger_than_is_allowed_now_is_not_used(tmp_path: Path) -> None:
    with serving({"/f": body(INDEX)}) as site:
        patient(tmp_path).pages([page(f"{site.url}/f")])
        with pytest.raises(FormatError, match="expected at most 5 bytes"):
            patient(tmp_path).pages([page(f"{site.url}/f", limit=5)])


def test_a_packed_page_is_unpacked(tmp_path: Path) -> None:
    with serving({"/f": body(gzip.compress(INDEX * 9000), JSON, Content_Encoding="gzip")}) as site:
        (found,) = patient(tmp_path).pages([page(f"{site.url}/f")])

    assert found.content == INDEX * 9000
    assert site.log[0].headers["accept-encoding"] == "gzip"


def test_a_bomb_is_stopped_at_the_limit(tmp_path: Path) -> None:
    """10 MB that unpack to 10 GB; unpacked whole, this test would take half a minute or all memory."""
    packer = zlib.compressobj(9, wbits=31)
    block = packer.compress(bytes(100_000_000)) + packer.flush(zlib.Z_FULL_FLUSH)
    bomb = block + (packer.compress(bytes(100_000_000)) + packer.flush(zlib.Z_FULL_FLUSH)) * 99
    with serving({"/f": body(bomb, JSON, Content_Encoding="gzip")}) as site:
        start = time.monotonic()
        with pytest.raises(FormatError, match="expected at most 1000000 bytes"):
            patient(tmp_path).pages([page(f"{site.url}/f", limit=1_000_000)])

    assert time.monotonic() - start < 5


@pytest.mark.parametrize("encoding", ["br", "zstd", "gzip, gzip", "gzip, deflate", "x" * 300])
def test_an_encoding_nobody_asked_for_is_refused(tmp_path: Path, encoding: str) -> None:
    with (
        serving({"/f": body(INDEX, JSON, Content_Encoding=encoding)}) as site,
        pytest.raises(UsageError, match="got the content encoding '"),
    ):
        patient(tmp_path).pages([page(f"{site.url}/f")])

    assert site.requests["/f"] == 1


def test_a_page_that_claims_to_be_packed_and_is_not_is_an_error(tmp_path: Path) -> None:
    with (
        serving({"/f": body(INDEX, JSON, Content_Encoding="gzip")}) as site,
        pytest.raises(UsageError, match="got a connection that broke"),
    ):
        patient(tmp_path).pages([page(f"{site.url}/f")])


def test_a_page_that_is_cut_is_read_again_from_the_start(tmp_path: Path) -> None:
    def cut(request: Request) -> None:
        request.say(200, {}, INDEX[:5], length=len(INDEX))
        request.cut()

    with serving({"/f": in_turn(cut, body(INDEX))}) as site:
        (found,) = patient(tmp_path).pages([page(f"{site.url}/f")])

    assert found.content == INDEX


def test_many_pages_keep_their_order(tmp_path: Path) -> None:
    def name(request: Request) -> Canned:
        return 200, {}, request.path.encode()

    paths = [f"/{n}" for n in range(200)]
    with serving(dict.fromkeys(paths, name)) as site:
        found = patient(tmp_path).pages([page(site.url + path) for path in paths])

    assert [one.content.decode() for one in found] == paths


def test_a_folder_on_disk_is_an_index(tmp_path: Path) -> None:
    index = tmp_path / "simple/f o"
    index.mkdir(parents=True)
    (index / "index.html").write_bytes(b"<a>one</a>")
    base = f"file://{tmp_path}/simple"
    fetcher = patient(tmp_path / "cache")

    def read(url: str, **more: Any) -> Answer:
        return fetcher.pages([page(url, **more)])[0]

    assert read(f"{base}/f%20o/") == Answer(200, "text/html", b"<a>one</a>", f"{base}/f%20o/")
    (index / "index.html").write_bytes(b"<a>two</a>")
    assert read(f"{base}/f%20o").content == b"<a>two</a>"
    assert read(f"{base}/f o/index.html").content == b"<a>two</a>"
    assert read(f"{base}/none/", is_optional=True) == Answer(404, "", b"", f"{base}/none/")
    assert read(f"{base}/f%20o/index.html/x", is_optional=True).status == 404
    with pytest.raises(UsageError, match="got status 404"):
        read(f"{base}/none/")
