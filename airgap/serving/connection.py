"""Connections that end when their client stands still: uvicorn alone waits for ever, for a request and for a reader."""

import asyncio
from typing import Any, Final

from uvicorn.protocols.http.h11_impl import H11Protocol, RequestResponseCycle

ROOM: Final = 100
"""How many connections beyond those that are answered may wait to be told to come later."""


_PATIENCE: Final = 10
"""How many times longer a reader may stand still: the kernel holds megabytes, which a slow one takes minutes to read."""


class Connection(H11Protocol):
    """One connection. It may stand still for as long as it may be idle between requests, and twice that at most.

    Bytes of a request that is not whole yet are no progress: else they could come one by one. A client that waits for us
    may wait, for the digest of a large file for example.
    """

    _watch: asyncio.TimerHandle | None = None
    _drained = 0
    _still = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn's own
        """Watch it from the start."""
        super().connection_made(transport)
        if self.limit_concurrency is not None and len(self.connections) > self.limit_concurrency + ROOM:
            transport.abort()  # it would take the descriptors that files are opened with
            return
        self._look(None)

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop watching."""
        if self._watch is not None:
            self._watch.cancel()
        super().connection_lost(exc)

    def resume_writing(self) -> None:
        """Note that the client has read what was sent so far."""
        self._drained += 1
        super().resume_writing()

    def _look(self, before: Any) -> None:
        """End the connection if nothing has changed for too long, else look again later."""
        unread = self.transport.get_write_buffer_size()
        now = (self.cycle, self._drained, unread)
        self._still = self._still + 1 if now == before else 0
        if self._still >= (_PATIENCE if unread else 1) and (unread or not self._is_answering()):
            self.transport.abort()  # closing would wait for a reader that does not read
            return
        self._watch = self.loop.call_later(self.timeout_keep_alive, self._look, now)

    def _is_answering(self) -> bool:
        cycle: RequestResponseCycle | None = self.cycle  # none before the first request, whatever uvicorn declares
        return cycle is not None and not cycle.response_complete
