"""The server: starlette speaks to clients, ``Views`` says what."""

import signal
import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import BinaryIO, Final

import uvicorn
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from airgap.core.errors import UsageError
from airgap.isolated.store.store import Store
from airgap.serving.answers import Answer, Views, pieces
from airgap.serving.asked import Span, is_host
from airgap.serving.connection import Connection

_HEADERS: Final = 64 * 1024
"""Bytes of a request before its body."""
_IDLE: Final = 30
"""Seconds that a connection may wait for the next request; see ``Connection`` for one that stands still otherwise."""
_CONNECTIONS: Final = 400
"""At once; what comes beyond is told to come later. Each may hold a socket and a file, of usually 1024 descriptors."""


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
        if request.method == "HEAD":
            headers.pop("range", None)  # RFC 9110, clause 14.2: ranges are of GET only
        found = await run_in_threadpool(views.answer, request.scope["path"], headers, base)
        return _response(found, is_bare=request.method == "HEAD")

    return Starlette(routes=[Route("/{path:path}", answer, methods=["GET", "HEAD"])])


def _response(found: Answer, *, is_bare: bool) -> Response:
    if found.stream is None:
        return _Whole(found.status, found.headers, b"" if is_bare else found.body)
    if is_bare:
        found.stream.close()
        return _Whole(found.status, found.headers, b"")
    return _Streamed(found.status, found.headers, found.stream, found.span)


class _Whole(Response):
    """A body in one piece, or none under the headers that one would have."""

    def __init__(self, status: int, headers: Mapping[str, str], body: bytes) -> None:
        super().__init__(body, status)
        self.raw_headers = [(name.lower().encode(), value.encode("latin-1")) for name, value in headers.items()]


class _Streamed(StreamingResponse):
    """A part of a file, which is closed however the client leaves."""

    def __init__(self, status: int, headers: Mapping[str, str], stream: BinaryIO, span: Span) -> None:
        super().__init__(pieces(stream, span), status, headers)
        self._stream = stream

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        with self._stream:
            await super().__call__(scope, receive, send)


def _base(request: Request) -> str | None:
    """The URL that the client used, from its own words; None when they cannot be meant."""
    hosts = request.headers.getlist("host")
    if len(hosts) != 1 or not is_host(hosts[0]):
        return None
    return f"{request.scope['scheme']}://{hosts[0]}"


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
    with listen(host, port) as listening:
        shown = f"[{host}]" if ":" in host else host
        ready(url or f"http://{shown}:{listening.getsockname()[1]}")
        server_of(store, url.rstrip("/") if url else None).run(sockets=[listening])


def server_of(store: Store, url: str | None) -> uvicorn.Server:
    """The server of a store, not running yet; see ``application``."""
    return _Server(
        uvicorn.Config(
            application(store, url),
            # not by what else is installed: the limit below is h11's
            http=Connection,
            loop="asyncio",
            access_log=False,
            log_level="error",
            # else whoever asks from this machine chooses the scheme, and an environment variable who else does
            proxy_headers=False,
            server_header=False,
            lifespan="off",
            ws="none",
            limit_concurrency=_CONNECTIONS,
            timeout_keep_alive=_IDLE,
            timeout_graceful_shutdown=5,
            h11_max_incomplete_event_size=_HEADERS,
        )
    )


def listen(host: str, port: int) -> socket.socket:
    """A socket that takes connections; see ``serve``.

    Raises:
        UsageError: nobody can listen there.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        listening = socket.create_server((host, port), family=family, backlog=256)
    except (OSError, OverflowError) as exc:
        why = exc.strerror if isinstance(exc, OSError) and exc.strerror else str(exc)
        raise UsageError(f"--host, --port: expected to listen on {host!a:.80} port {port}, got {why}") from exc
    # connections inherit it: without, the kernel holds back the body until the client confirms the headers, 40 ms
    listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listening


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
