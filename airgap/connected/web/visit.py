"""One request with its redirects; credentials are asked for anew at every hop."""

from collections.abc import Collection, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http.client import responses
from typing import Final
from urllib.parse import urljoin

from airgap.connected.web.access import Access
from airgap.connected.web.address import is_file, normalise, origin, shown
from airgap.connected.web.fault import Fault
from airgap.connected.web.local import open_local
from airgap.connected.web.reply import Reply
from airgap.connected.web.transport import Transport
from airgap.core.errors import FormatError

MAX_REDIRECTS: Final = 5
_REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})
_PASSING: Final = frozenset({408, 425, 429, 500, 502, 503, 504})
_HINTS: Final = {
    401: "check the credentials that the index's own client is configured with",
    403: "check the credentials that the index's own client is configured with",
    404: "the index does not have it (any more); check the lock file and which index is configured",
    410: "the index does not have it any more; make the lock file anew",
}


class Visitor:
    """Asks servers, and remembers those that cannot be reached at all."""

    def __init__(self, transport: Transport, access: Access) -> None:
        self._transport = transport
        self._access = access
        self._given_up: set[str] = set()

    def visit(self, method: str, url: str, headers: Mapping[str, str], accepted: Collection[int]) -> Reply:
        """Ask for a URL, and follow redirects from one web address to another.

        Source: RFC 9110, 15.4. A redirect never leads to a file or from https to http; the URL whose server gave the
        answer is the reply's.

        Args:
            method: GET or HEAD.
            url: http, https or file.
            headers: sent at every hop, so none of them may be secret.
            accepted: statuses of HTTP that the caller understands.

        Raises:
            Fault: there is no answer, or one of another status.
        """
        at = _normal(url)
        if is_file(at):
            return _judge(open_local(at), accepted)
        for _ in range(MAX_REDIRECTS + 1):
            reply = self._ask(method, at, headers)
            if reply.status not in _REDIRECTS:
                return _judge(reply, accepted)
            reply.drop()
            at = _follow(at, reply.headers.get("location", ""))
        raise Fault(f"more than {MAX_REDIRECTS} redirects")

    def give_up(self, fault: Fault) -> None:
        """A server that no connection reached, after all patience, is not asked again: not 500 times 15 seconds."""
        if fault.origin:
            self._given_up.add(fault.origin)

    def _ask(self, method: str, url: str, headers: Mapping[str, str]) -> Reply:
        if origin(url) in self._given_up:
            raise Fault("no connection to that host before")
        secret = self._access.authorization(url)
        return self._transport.open(method, url, headers if secret is None else {**headers, "Authorization": secret})


def _judge(reply: Reply, accepted: Collection[int]) -> Reply:
    if reply.status in accepted:
        return reply
    reply.close()
    raise Fault(
        f"status {reply.status}{_phrase(reply.status)}",
        hint=_HINTS.get(reply.status),
        may_pass=reply.status in _PASSING,
        wait=_wait(reply.headers.get("retry-after", "")),
    )


def _phrase(status: int) -> str:
    """The words of the standard; those of the server are the server's."""
    return f" {responses[status].lower()}" if status in responses else ""


def _wait(text: str) -> float:
    """Seconds to wait. Source: RFC 9110, 10.2.3: a number or a date."""
    if text.isascii() and text.isdecimal():
        return float(text[:9])
    try:
        when = parsedate_to_datetime(text)
    except (ValueError, TypeError, IndexError, OverflowError):
        return 0
    return (when.astimezone(UTC) - datetime.now(UTC)).total_seconds()


def _follow(at: str, location: str) -> str:
    try:
        target = normalise(urljoin(at, location)) if location else ""
    except (ValueError, FormatError):
        target = ""
    if not target or is_file(target):
        raise Fault(f"a redirect to {location!a:.80}")
    if at.startswith("https:") and not target.startswith("https:"):
        raise Fault(f"a redirect from https to {shown(target)}")
    return target


def _normal(url: str) -> str:
    try:
        return normalise(url)
    except FormatError as exc:
        raise Fault(f"no URL of a kind that is known: {shown(url)!a:.120}") from exc
