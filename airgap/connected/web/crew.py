"""Threads that work through a list, and one that waits for them and can be interrupted."""

import time
from collections.abc import Callable, Sequence
from queue import Empty, SimpleQueue
from threading import Event, Thread
from typing import Any, Final, NamedTuple, TypeVar

from airgap.connected.web.progress import Progress

T = TypeVar("T")
R = TypeVar("R")

_GOODBYE: Final = 1.0
"""Seconds that a thread has to end after an interruption."""


class Stopped(Exception):  # noqa: N818 -- nothing went wrong
    """Somebody interrupted the run; whoever sees this ends."""


class _Done(NamedTuple):
    place: int
    result: Any


class _Broke(NamedTuple):
    reason: BaseException


class Run:
    """What a thread may ask and tell while it works."""

    def __init__(self) -> None:
        self.told: SimpleQueue[int | _Done | _Broke] = SimpleQueue()
        self._stop = Event()

    def check(self) -> None:
        """Go on only if nobody interrupted.

        Raises:
            Stopped: somebody did.
        """
        if self._stop.is_set():
            raise Stopped

    def pause(self, seconds: float) -> None:
        """Wait, but not after an interruption.

        Raises:
            Stopped: somebody interrupted.
        """
        self._stop.wait(seconds)
        self.check()

    def advance(self, size: int) -> None:
        """So many bytes more (or fewer)."""
        self.told.put(size)

    def stop(self) -> None:
        """End every thread at its next step."""
        self._stop.set()


def work(
    items: Sequence[T], task: Callable[[T, Run], R], *, jobs: int, progress: Progress, wake: Callable[[], None]
) -> list[R]:
    """Do a task for each item, some at a time; the results in the order of the items.

    The threads are daemons: after Ctrl-C one may still wait for a server that says nothing, and the program shall not
    wait with it. What it writes to is whole at every moment.

    Args:
        items: what to work on.
        task: runs in another thread.
        jobs: threads.
        progress: told from the thread that waits.
        wake: ends whatever a thread waits for.

    Raises:
        BaseException: whatever a task or the progress raised first; the other tasks are stopped.
    """
    run = Run()
    todo: SimpleQueue[tuple[int, T]] = SimpleQueue()
    for pair in enumerate(items):
        todo.put(pair)
    threads = [Thread(target=_labour, args=(todo, task, run), daemon=True) for _ in range(min(jobs, len(items)))]
    try:
        for thread in threads:
            thread.start()
        return _wait(run, len(items), progress)
    except BaseException:
        run.stop()
        wake()
        raise
    finally:
        _part(threads)


def _labour(todo: "SimpleQueue[tuple[int, T]]", task: Callable[[T, Run], R], run: Run) -> None:
    try:
        while True:
            run.check()
            index, item = todo.get_nowait()
            run.told.put(_Done(index, task(item, run)))
    except (Empty, Stopped):
        return
    except BaseException as exc:  # noqa: BLE001 -- handed to the thread that waits, which raises it
        run.told.put(_Broke(exc))


def _wait(run: Run, count: int, progress: Progress) -> list[Any]:
    results: dict[int, Any] = {}
    while len(results) < count:
        match run.told.get():
            case _Done(index, result):
                results[index] = result
                progress.finish_file()
            case _Broke(reason):
                raise reason
            case size:
                progress.advance(size)
    return [results[index] for index in range(count)]


def _part(threads: Sequence[Thread]) -> None:
    until = time.monotonic() + _GOODBYE
    for thread in threads:
        if thread.ident is not None:  # an interruption may come before all were started
            thread.join(max(0.0, until - time.monotonic()))
