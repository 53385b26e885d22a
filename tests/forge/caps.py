"""Caps on time and memory: against hangs and bombs, never to measure speed."""

import signal
import tracemalloc
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import NoReturn

MIB = 1024 * 1024


@contextmanager
def within(seconds: float) -> Iterator[None]:
    """Fail when the block takes longer."""

    def late(_: int, __: FrameType | None) -> NoReturn:
        raise AssertionError(f"expected an answer within {seconds} s")

    before = signal.signal(signal.SIGALRM, late)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


@contextmanager
def below(size: int) -> Iterator[None]:
    """Fail when the block ever holds more bytes in Python objects."""
    tracemalloc.start()
    try:
        yield
        assert tracemalloc.get_traced_memory()[1] < size
    finally:
        tracemalloc.stop()
