"""Trying again: when, how often, and how long to wait before."""

import random
from collections.abc import Callable
from typing import Final, TypeVar

from airgap.connected.web.crew import Run
from airgap.connected.web.fault import Fault

T = TypeVar("T")

ATTEMPTS: Final = 5
FIRST: Final = 0.5
LONGEST: Final = 60.0
"""Seconds; a server that asks for more is tried anyway."""
WORTH: Final = 1024 * 1024
"""Bytes that an attempt has to bring to count as none: a large file over a bad line comes in many pieces."""


class Patience:
    """Tries again what may pass.

    Args:
        pause: waits so many seconds, in place of the clock.
        chance: between 0 and 1, so that many threads do not come back at one moment.
    """

    def __init__(self, pause: Callable[[float], None] | None = None, chance: Callable[[], float] = random.random) -> None:
        self._pause = pause
        self._chance = chance

    def keep_trying(self, attempt: Callable[[], T], gained: Callable[[], int], run: Run) -> T:
        """The result of the first attempt that holds.

        Args:
            attempt: raises Fault.
            gained: bytes that all attempts together have brought.
            run: ends the waiting when somebody interrupts.

        Raises:
            Fault: the last one, or one that cannot pass.
        """
        failed = 0
        while True:
            before = gained()
            try:
                return attempt()
            except Fault as fault:
                run.check()
                failed = 1 if gained() - before >= WORTH else failed + 1
                if not fault.may_pass or failed == ATTEMPTS:
                    raise
                self._wait(failed, fault.wait, run)

    def _wait(self, failed: int, asked: float, run: Run) -> None:
        own = FIRST * 2 ** (failed - 1) * (0.5 + self._chance() / 2)
        (self._pause or run.pause)(min(max(own, asked), LONGEST))
        run.check()
