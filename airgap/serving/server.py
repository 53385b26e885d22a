"""The server: starlette speaks to clients, ``Views`` says what."""

import signal
import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Final

import uvicorn
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route

from airgap.core.errors import UsageError
from airgap.isolated.store.store import Store
from airgap.serving.answers import Views
from airgap.serving.asked import is_host

_HEADERS: Final = 64 * 1024
"""Bytes of a request before its body."""
_IDLE: Final = 30
"""Seconds that a connection may wait for the next request."""


def application(store: Store, url: str | None) -> Starlette:
    """The application that hands out a store.

    Args:
        store: whose views are served.
        url: where clients see it, without a slash at its end; None to take it from each request.
    """
    views = Views(store.layout)

    async def answer(request: Request) -> Response:
        base = url or _base(request)
        if base is None:
            return PlainTextResponse("expected a Host header with a name or address and a port\n", 400)
        headers = dict(request.headers.items())
        found = await run_in_threadpool(views.answer, request.scope["path"], headers, base)
        if request.method == "HEAD" or found.status in {304, 416}:
            if found.stream is not None:
                found.stream.close()
            return _Bare(found.status, found.headers)
        return StreamingResponse(found.pieces(), found.status, dict(found.headers))

    return Starlette(routes=[Route("/{path:path}", answer, methods=["GET", "HEAD"])])


class _Bare(Response):
    """Headers alone, among them the length of the body that GET would have."""

    def __init__(self, status: int, headers: Mapping[str, str]) -> None:
        super().__init__(None, status)
        self.raw_headers = [(name.lower().encode(), value.encode("latin-1")) for name, value in headers.items()]


def _base(request: Request) -> str | None:
    """The URL that the client used, from its own words; None when they cannot be meant."""
    hosts = request.headers.getlist("host")
    if len(hosts) != 1 or not is_host(hosts[0]):
        return None
    return f"{request.url.scheme}://{hosts[0]}"


def serve(store: Store, host: str, port: int, url: str | None, *, ready: Callable[[str], None]) -> None:
    """Serve until somebody says stop (SIGINT, SIGTERM).

    Args:
        store: whose views are served.
        host: name or address to listen on.
        port: to listen on, 0 for any that is free.
        url: where clients see it, None for where it listens.
        ready: told the URL once connections are taken.

    Raises:
        UsageError: nobody can listen there.
    """
    with _listen(host, port) as listening:
        shown = f"[{host}]" if ":" in host else host
        ready(url or f"http://{shown}:{listening.getsockname()[1]}")
        server_of(store, url.rstrip("/") if url else None).run(sockets=[listening])


def server_of(store: Store, url: str | None) -> uvicorn.Server:
    """The server of a store, not running yet; see ``application``."""
    return _Server(
        uvicorn.Config(
            application(store, url),
            access_log=False,
            log_level="error",
            server_header=False,
            lifespan="off",
            ws="none",
            timeout_keep_alive=_IDLE,
            timeout_graceful_shutdown=5,
            h11_max_incomplete_event_size=_HEADERS,
        )
    )


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=256)
    except (OSError, OverflowError) as exc:
        why = exc.strerror if isinstance(exc, OSError) and exc.strerror else str(exc)
        raise UsageError(f"--host, --port: expected to listen on {host!a:.80} port {port}, got {why}") from exc


class _Server(uvicorn.Server):
    """uvicorn that ends a run that was told to end; its own would send the signal once more."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        if threading.current_thread() is not threading.main_thread():
            yield  # only the main thread gets signals
            return
        before = {one: signal.signal(one, self.handle_exit) for one in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for one, known in before.items():
                signal.signal(one, known)
