"""Trying again: what may pass, how long to wait, and when to stop."""

import socket
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import pytest

from airgap.connected.web.crew import Run, Stopped
from airgap.connected.web.fault import Fault
from airgap.connected.web.patience import Patience
from airgap.connected.web.visit import _wait
from airgap.core.errors import UsageError
from tests.connected.web.fetching import failing, noting, page, patient, promised
from tests.connected.web.server import Request, body, in_turn, serving

GOOD = b"what was promised"


def cut(request: Request) -> None:
    request.cut()


@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503, 504])
def test_a_status_that_may_pass_is_asked_again(tmp_path: Path, status: int) -> None:
    with serving({"/f": in_turn((status, {}, b"busy"), (status, {}, b"busy"), body(GOOD))}) as site:
        patient(tmp_path).files([promised(f"{site.url}/f", content=GOOD)])

    assert site.requests["/f"] == 3


@pytest.mark.parametrize("status", [400, 401, 403, 404, 410, 451, 501, 299])
def test_a_status_that_stays_is_not(tmp_path: Path, status: int) -> None:
    with serving({"/f": (status, {}, b"no")}) as site, pytest.raises(UsageError, match=f"got status {status}"):
        patient(tmp_path).files([promised(f"{site.url}/f", content=GOOD)])

    assert site.requests["/f"] == 1


def test_after_five_attempts_with_longer_and_longer_pauses_it_is_enough(tmp_path: Path) -> None:
    pauses, pause = noting()
    with serving({"/f": (503, {}, b"")}) as site:
        line = f"f.whl: expected to download it from {site.url}/f, got status 503 service unavailable"
        with failing(UsageError, line):
            patient(tmp_path, pause=pause).files([promised(f"{site.url}/f", content=GOOD)])

    assert site.requests["/f"] == 5
    assert len(pauses) == 4
    assert all(2**n / 4 <= one <= 2**n / 2 for n, one in enumerate(pauses)), pauses


def test_a_connection_that_breaks_before_an_answer_is_tried_again(tmp_path: Path) -> None:
    with serving({"/f": in_turn(cut, cut, body(GOOD))}) as site:
        patient(tmp_path).files([promised(f"{site.url}/f", content=GOOD)])

    assert site.requests["/f"] == 3


def test_a_connection_that_always_breaks_is_named(tmp_path: Path) -> None:
    with serving({"/f": cut}) as site:
        line = f"f.whl: expected to download it from {site.url}/f, got a connection that broke"
        with failing(UsageError, line) as caught:
            patient(tmp_path).files([promised(f"{site.url}/f", content=GOOD)])

    assert "what is downloaded is kept" in caught[0].hint


def test_a_server_that_says_nothing_is_left_after_a_while(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("airgap.connected.web.transport.READ", 0.05)

    def silent(request: Request) -> None:
        request.server.site.closing.wait(10)
        request.cut()

    with serving({"/f": silent}) as site, pytest.raises(UsageError, match="got nothing for 0 s"):
        patient(tmp_path).files([promised(f"{site.url}/f", content=GOOD)])

    assert site.requests["/f"] == 5


def test_the_time_that_a_server_asks_for_is_waited(tmp_path: Path) -> None:
    pauses, pause = noting()
    busy = (429, {"Retry-After": "7"}, b"")
    forever = (503, {"Retry-After": "86400"}, b"")
    with serving({"/f": in_turn(busy, forever, body(GOOD))}) as site:
        patient(tmp_path, pause=pause).files([promised(f"{site.url}/f", content=GOOD)])

    assert pauses == [7, 60]


def test_a_date_after_which_to_ask_again_is_understood() -> None:
    soon = datetime.now(UTC) + timedelta(seconds=30)

    assert 25 < _wait(format_datetime(soon, usegmt=True)) <= 30
    assert _wait("Mon, 99 Foo 2026") == _wait("") == _wait("soon") == 0
    assert _wait("9" * 5000) == 999999999


def test_a_host_without_a_server_is_given_up_for_all_files(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        url = f"http://127.0.0.1:{probe.getsockname()[1]}"
    pauses, pause = noting()
    wanted = [promised(f"{url}/{n}", content=b"%d" % n, name=f"{n}.whl") for n in range(3)]
    with failing(
        UsageError,
        f"0.whl: expected to download it from {url}/0, got no connection",
        f"1.whl: expected to download it from {url}/1, got no connection to that host before",
        f"2.whl: expected to download it from {url}/2, got no connection to that host before",
    ):
        patient(tmp_path, jobs=1, pause=pause).files(wanted)
    fetcher = patient(tmp_path, jobs=1, pause=pause)
    assert fetcher.sizes([promised(f"{url}/f", content=b"", size=None)]) == [None]
    with pytest.raises(UsageError, match="got no connection to that host before"):
        fetcher.pages([page(f"{url}/f")])

    assert len(pauses) == 8


def test_an_attempt_that_brought_much_counts_as_none() -> None:
    pauses, pause = noting()
    brought = [0]

    def attempt() -> None:
        brought[0] += 1024 * 1024 if len(pauses) < 10 else 0
        raise Fault("a connection that broke", may_pass=True)

    with pytest.raises(Fault):
        Patience(pause, chance=lambda: 1.0).keep_trying(attempt, lambda: brought[0], Run())

    assert pauses == [0.5] * 10 + [1, 2, 4]


def test_an_interruption_ends_the_waiting() -> None:
    run = Run()

    def attempt() -> None:
        raise Fault("a connection that broke", may_pass=True)

    with pytest.raises(Stopped):
        Patience(lambda _: run.stop()).keep_trying(attempt, lambda: 0, run)
    with pytest.raises(Stopped):
        Patience().keep_trying(attempt, lambda: 0, run)
