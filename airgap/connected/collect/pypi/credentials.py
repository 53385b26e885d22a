"""User names and passwords of indexes: sent to the host that they are for, and never shown."""

import base64
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from netrc import NetrcParseError, netrc
from typing import Self
from urllib.parse import unquote, urlsplit

from airgap.connected.web.address import is_file, normalise, origin
from airgap.core.errors import FormatError, UsageError


@dataclass(frozen=True, slots=True, repr=False)
class Credentials:
    """User and password by what they are for: the scheme, host and port of a configured index.

    Attributes:
        known: as the URL spells them, ``user:password`` with percent signs, by origin.
        beside: likewise from ``.netrc``, as they are.
    """

    known: Mapping[str, str]
    beside: Mapping[str, tuple[str, str]]

    @classmethod
    def of(cls, urls: Iterable[str]) -> Self:
        """Those in the URLs of indexes, and those in ``.netrc`` for the hosts of the others.

        Raises:
            UsageError: something that is no URL.
        """
        known: dict[str, str] = {}
        hosts: dict[str, str] = {}
        for url in urls:
            plain, said = _parts(url)
            if is_file(plain):
                continue
            if said:
                known.setdefault(origin(plain), said)
            hosts[origin(plain)] = urlsplit(plain).hostname or ""
        book = _netrc()
        beside = {place: found for place, host in hosts.items() if place not in known and (found := _look_up(book, host))}
        return cls(known, beside)

    def authorization(self, url: str) -> str | None:
        """The header for one URL, None for none. Source: RFC 7617, section 2.

        Args:
            url: normalised.
        """
        if is_file(url):
            return None
        place = origin(url)
        if place in self.known:
            user, _, password = self.known[place].partition(":")
            return _basic(unquote(user), unquote(password))
        found = self.beside.get(place)
        return _basic(*found) if found else None

    def open(self, url: str) -> str:
        """A URL with what it needs, for a program that reads it from its own environment. uv reads ``.netrc`` itself."""
        said = None if is_file(url) else self.known.get(origin(url))
        return url.replace("://", f"://{said}@", 1) if said else url

    def hide(self, text: str) -> str:
        """A text without passwords, should another program have written one."""
        for said in self.known.values():
            _, _, password = said.partition(":")
            for secret in (said, password, unquote(password)):
                text = text.replace(secret, "****") if secret else text
        return text


def _parts(url: str) -> tuple[str, str]:
    """A URL without credentials, and the credentials."""
    try:
        return normalise(url), urlsplit(url).netloc.rpartition("@")[0]
    except (FormatError, ValueError) as exc:
        raise UsageError("pip configuration: expected the URL of an index, got another text") from exc


def _basic(user: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


def _netrc() -> netrc | None:
    """The user's book of passwords; a broken one counts as none, as for pip."""
    for path in ("~/.netrc", "~/_netrc"):
        try:
            return netrc(os.path.expanduser(path))
        except FileNotFoundError:
            continue
        except (NetrcParseError, OSError, UnicodeDecodeError):
            return None
    return None


def _look_up(book: netrc | None, host: str) -> tuple[str, str] | None:
    user, _, password = (book.authenticators(host) if book else None) or ("", "", "")
    return (user, password or "") if user or password else None
