"""Threads: what one of them raises ends all, and nobody waits for the ones that hang."""

import threading
import time

import pytest

from airgap.connected.web.crew import Run, work
from airgap.connected.web.progress import SILENT


def test_what_a_task_raises_ends_the_others_and_comes_out(monkeypatch: pytest.MonkeyPatch) -> None:
    woken: list[bool] = []
    ended: list[int] = []

    def task(number: int, run: Run) -> None:
        if number == 5:
            raise ZeroDivisionError
        run.pause(0.01 if number < 5 else 30)
        ended.append(number)

    start = time.monotonic()
    with pytest.raises(ZeroDivisionError):
        work(range(100), task, jobs=4, progress=SILENT, wake=lambda: woken.append(True))

    assert woken == [True]
    assert max(ended) < 5
    assert time.monotonic() - start < 10
    assert not [thread for thread in threading.enumerate() if "_labour" in thread.name]


def test_nobody_waits_long_for_a_thread_that_hangs() -> None:
    hang = threading.Event()

    def task(number: int, _: Run) -> None:
        if number:
            raise ZeroDivisionError
        hang.wait(30)

    start = time.monotonic()
    with pytest.raises(ZeroDivisionError):
        work(range(2), task, jobs=2, progress=SILENT, wake=lambda: None)

    assert time.monotonic() - start < 5
    hang.set()


def test_an_interruption_before_all_threads_run_is_one_like_any_other(monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[threading.Thread] = []
    start = threading.Thread.start

    def begin(thread: threading.Thread) -> None:
        if started:
            raise KeyboardInterrupt
        started.append(thread)
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", begin)
    with pytest.raises(KeyboardInterrupt):
        work(range(9), lambda _, run: run.pause(30), jobs=3, progress=SILENT, wake=lambda: None)

    assert not started[0].is_alive()
