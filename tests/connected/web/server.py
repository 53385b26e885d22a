"""A web server on this machine for tests: canned answers, counts, and every way to misbehave."""

import socket
import ssl
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Lock, Thread
from typing import Any, NamedTuple

Headers = Mapping[str, str]
Canned = tuple[int, Headers, bytes]


class Seen(NamedTuple):
    """A request as it came; names of headers in lower case."""

    method: str
    path: str
    headers: Headers


Behave = Callable[["Request"], Canned | None]
"""Answers a request, or misbehaves by itself and gives None."""


class Request(BaseHTTPRequestHandler):
    """One connection. Answers that need no trick are given as status, headers and body."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: "_Listener"

    @property
    def seen(self) -> Seen:
        return Seen(self.command, self.path, {name.lower(): value for name, value in self.headers.items()})

    @property
    def count(self) -> int:
        """Which request for this path this is, from 1."""
        return self.server.site.requests[self.path]

    def do_GET(self) -> None:
        site = self.server.site
        with site.lock:
            site.requests[self.path] += 1
            site.log.append(self.seen)
        given = site.answers.get(self.path, (404, {}, b"not here"))
        answer = given(self) if callable(given) else given
        if answer is not None:
            self.say(*answer)

    do_HEAD = do_GET  # noqa: N815 -- the library's name

    def say(self, status: int, headers: Headers, body: bytes, *, length: int | None = None) -> None:
        """Answer. ``length`` is the Content-Length when it shall be a lie; -1 for none at all."""
        self.send_response_only(status)
        for name, value in headers.items():
            self.send_header(name, value)
        if length == -1:
            self.close_connection = True
        elif status != 304:
            self.send_header("Content-Length", str(len(body) if length is None else length))
        self.end_headers()
        if self.command == "GET":
            self.send(body)

    def send(self, body: bytes) -> None:
        """Send bytes of a body and count them."""
        with self.server.site.lock:
            self.server.site.sent[self.path] += len(body)
        self.wfile.write(body)

    def cut(self) -> None:
        """Close the connection, wherever it is."""
        self.close_connection = True
        self.wfile.flush()
        self.connection.shutdown(socket.SHUT_RDWR)

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


class _Listener(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def __init__(self, site: "Site", tls: ssl.SSLContext | None) -> None:
        self.site = site
        super().__init__(("127.0.0.1", 0), Request)
        if tls:
            self.socket = tls.wrap_socket(self.socket, server_side=True, do_handshake_on_connect=False)

    def handle_error(self, *_: Any) -> None:
        """A client that goes away is no news."""

    def server_bind(self) -> None:
        """Without the name of the machine, which the resolver may know slowly."""
        self.socket.bind(self.server_address)
        self.server_address = self.socket.getsockname()
        self.server_name, self.server_port = "127.0.0.1", self.server_address[1]


@dataclass
class Site:
    """What is served, and what was asked."""

    answers: dict[str, Canned | Behave] = field(default_factory=dict)
    url: str = ""
    requests: Counter[str] = field(default_factory=Counter)
    sent: Counter[str] = field(default_factory=Counter)
    log: list[Seen] = field(default_factory=list)
    lock: Any = field(default_factory=Lock)
    closing: Event = field(default_factory=Event)


@contextmanager
def serving(answers: Mapping[str, Canned | Behave] | None = None, *, tls: ssl.SSLContext | None = None) -> Iterator[Site]:
    """Serve canned answers by path (with query) until the end of the block.

    ``site.url`` is ``http://127.0.0.1:PORT`` without a slash at its end; ``site.answers`` may be changed meanwhile.
    """
    site = Site(dict(answers or {}))
    listener = _Listener(site, tls)
    site.url = f"{'https' if tls else 'http'}://127.0.0.1:{listener.server_port}"
    thread = Thread(target=listener.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield site
    finally:
        site.closing.set()
        listener.shutdown()
        thread.join()
        listener.server_close()


def body(content: bytes, content_type: str = "application/octet-stream", **headers: str) -> Canned:
    """Status 200 and a body; header names are written with _ for -."""
    more = {name.replace("_", "-"): value for name, value in headers.items()}
    return 200, {"Content-Type": content_type, **more}, content


def ranged(content: bytes, *, etag: str = '"one"') -> Behave:
    """A file that can be continued. Source: RFC 9110, 14.2 and 13.1.5."""

    def answer(request: Request) -> Canned:
        headers = {"ETag": etag, "Accept-Ranges": "bytes"}
        start = _start(request.seen.headers, etag)
        if start >= len(content) and start:
            return 416, {"Content-Range": f"bytes */{len(content)}"}, b""
        if not start:
            return 200, headers, content
        return 206, {**headers, "Content-Range": f"bytes {start}-{len(content) - 1}/{len(content)}"}, content[start:]

    return answer


def _start(headers: Headers, etag: str) -> int:
    wanted = headers.get("range", "")
    if not wanted.startswith("bytes=") or headers.get("if-range", etag) != etag:
        return 0
    return int(wanted.removeprefix("bytes=").removesuffix("-"))


def cutting(content: bytes, *, after: int, times: int = 1) -> Behave:
    """A file whose connection is cut after so many bytes, the first so many times."""
    whole = ranged(content)

    def answer(request: Request) -> Canned | None:
        canned = whole(request)
        if canned is None or request.count > times:
            return canned
        status, headers, rest = canned
        request.say(status, headers, rest[:after], length=len(rest))
        request.cut()
        return None

    return answer


def in_turn(*answers: Canned | Behave) -> Behave:
    """One answer after the other; the last one stays."""

    def answer(request: Request) -> Canned | None:
        given = answers[min(request.count, len(answers)) - 1]
        return given(request) if callable(given) else given

    return answer
