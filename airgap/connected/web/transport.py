"""One HTTP exchange: connections, proxies and TLS, as the system and the configuration of the client say."""

import contextlib
import ssl
from collections.abc import Mapping
from threading import Lock
from typing import Final
from urllib.parse import unquote, urlsplit
from urllib.request import getproxies, proxy_bypass

import urllib3
from urllib3.exceptions import (
    ConnectTimeoutError,
    HTTPError,
    NameResolutionError,
    NewConnectionError,
    ProxyError,
    ReadTimeoutError,
    SSLError,
)
from urllib3.util import make_headers, parse_url

from airgap import __version__
from airgap.connected.web.address import origin
from airgap.connected.web.fault import Fault
from airgap.connected.web.reply import Reply
from airgap.core.errors import UsageError

CONNECT: Final = 15.0
"""Seconds until a connection has to stand."""
READ: Final = 60.0
"""Seconds in which something has to come."""
_AGENT: Final = f"airgap/{__version__}"
_UNPACKED: Final = {"", "identity", "gzip", "x-gzip"}
_HOSTS: Final = 32

_KEPT = "check the network, the proxy and the configured index; what is downloaded is kept, so run it again"


class Transport:
    """Connections to servers, shared by all threads.

    Args:
        cafile: as in ``Access``.
        jobs: connections to one host that are kept open.
        proxy: as in ``Access``.

    Raises:
        UsageError: the file with certificates cannot be read.
    """

    def __init__(self, cafile: str | None, jobs: int, proxy: str | None = None) -> None:
        self._tls = _tls(cafile)
        self._jobs = jobs
        self._proxies: Mapping[str, str] = {"all": proxy} if proxy else getproxies()
        self._managers: dict[str | None, urllib3.PoolManager] = {}
        self._reading: set[urllib3.BaseHTTPResponse] = set()
        self._lock = Lock()

    def open(self, method: str, url: str, headers: Mapping[str, str]) -> Reply:
        """Ask once, and follow no redirect. What is asked for compressed is unpacked while it is read.

        Raises:
            Fault: there is no answer.
        """
        manager = self._manager(_proxy(url, self._proxies))
        # without a word on encodings a server may pack what has to come as it is
        sent = {"User-Agent": _AGENT, "Accept": "*/*", "Accept-Encoding": "identity", **headers}
        try:
            response = manager.urlopen(
                method, url, headers=sent, redirect=False, retries=False, preload_content=False, decode_content=False
            )
        except (HTTPError, OSError, ValueError) as exc:
            raise _fault(exc, url) from exc
        with self._lock:
            self._reading.add(response)
        return self._reply(url, response, is_packed=sent["Accept-Encoding"] != "identity")

    def stop(self) -> None:
        """Wake every thread that waits for more of a body."""
        with self._lock:
            reading = list(self._reading)
        for response in reading:
            # what has just ended needs no waking
            with contextlib.suppress(ValueError, RuntimeError, OSError):
                response.shutdown()

    def _reply(self, url: str, response: urllib3.BaseHTTPResponse, *, is_packed: bool) -> Reply:
        headers = {name.lower(): value for name, value in response.headers.items()}

        def read(size: int) -> bytes:
            try:
                # packed: as much as fits, counted after unpacking; else what is there, so that an end loses little
                return response.read(size, decode_content=True) if is_packed else response.read1(size) or b""
            except (HTTPError, OSError, ValueError) as exc:
                raise _fault(exc, url) from exc

        def close() -> None:
            with self._lock:
                self._reading.discard(response)
            response.close()

        if is_packed and headers.get("content-encoding", "").strip().lower() not in _UNPACKED:
            close()
            raise Fault(f"the content encoding {headers['content-encoding']!a:.40}")
        return Reply(url, response.status, headers, read, close)

    def _manager(self, proxy: str | None) -> urllib3.PoolManager:
        with self._lock:
            if proxy not in self._managers:
                self._managers[proxy] = self._make_manager(proxy)
            return self._managers[proxy]

    def _make_manager(self, proxy: str | None) -> urllib3.PoolManager:
        timeout = urllib3.Timeout(connect=CONNECT, read=READ)
        if proxy is None:
            return urllib3.PoolManager(_HOSTS, maxsize=self._jobs, timeout=timeout, ssl_context=self._tls)
        try:
            parts = parse_url(proxy if "://" in proxy else f"http://{proxy}")
        except HTTPError as exc:
            raise Fault("a proxy that is no URL", hint="check the proxy in the configuration and the environment") from exc
        if parts.scheme not in {"http", "https"}:
            raise Fault(f"a proxy of the kind {parts.scheme!a:.20}", hint="only http and https proxies are supported")
        headers = make_headers(proxy_basic_auth=unquote(parts.auth)) if parts.auth else None
        return urllib3.ProxyManager(
            parts._replace(auth=None).url,
            _HOSTS,
            proxy_headers=headers,
            maxsize=self._jobs,
            timeout=timeout,
            ssl_context=self._tls,
            proxy_ssl_context=self._tls,
        )


def _tls(cafile: str | None) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=cafile)
    except OSError as exc:
        raise UsageError(f"{cafile}: expected certificates in PEM, got {exc.strerror or 'something else'}") from exc


def _proxy(url: str, proxies: Mapping[str, str]) -> str | None:
    """The proxy for a URL, as the environment says, or None. Source: urllib.request.getproxies."""
    parts = urlsplit(url)
    proxy = proxies.get(parts.scheme) or proxies.get("all")
    return None if not proxy or proxy_bypass(parts.netloc) else proxy


def _fault(exc: Exception, url: str) -> Fault:
    """What to tell people; the words of the library are left out, since they can hold headers."""
    match exc:
        case SSLError(args=(ssl.SSLCertVerificationError() as cause, *_)):
            got = f"a certificate that does not hold: {cause.verify_message}"
            return Fault(got, hint="name the authority that issued it in the configuration of the index's client")
        case ProxyError():
            return Fault("a proxy that does not let it through", hint=_KEPT, may_pass=True, origin=origin(url))
        case NameResolutionError():
            return Fault("a host that has no address", hint=_KEPT, may_pass=True, origin=origin(url))
        case NewConnectionError():
            return Fault("no connection", hint=_KEPT, may_pass=True, origin=origin(url))
        case ConnectTimeoutError():
            return Fault(f"no connection within {CONNECT:.0f} s", hint=_KEPT, may_pass=True, origin=origin(url))
        case ReadTimeoutError():
            return Fault(f"nothing for {READ:.0f} s", hint=_KEPT, may_pass=True)
        case _:
            return Fault("a connection that broke", hint=_KEPT, may_pass=True)
