"""The addresses under which a store is served: everything below one URL, laid out as in a generation."""

import ipaddress
import re
from dataclasses import dataclass
from typing import Final, Self
from urllib.parse import quote, urlsplit

from airgap.core.errors import UsageError
from airgap.core.npm_name import tarball_path

MAX_URL: Final = 1024
# it is written into files of six syntaxes: nothing that needs quoting in any of them may pass
_URL: Final = re.compile(r"(https?)://(\[[0-9a-f:.]+\]|[a-z0-9._-]+)(:[0-9]{1,5})?((?:/[A-Za-z0-9._~@+-]+)*)/?")
_FILE: Final = re.compile(r"(file)://((?:/[A-Za-z0-9._~@+-]+)+)/?")
_HINT: Final = "a plain URL such as http://127.0.0.1:8080 or file:///srv/airgap/current"


@dataclass(frozen=True, slots=True)
class Served:
    """A store's URL, without a slash at its end; ``parse`` makes it."""

    url: str

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read the URL that people type: http, https or file, with nothing in it but a host and a path.

        Raises:
            UsageError: any other text, such as one with a password in it, which would end up in files that people share.
        """
        found = (_URL.fullmatch(text) or _FILE.fullmatch(text)) if len(text) <= MAX_URL else None
        if not found or {".", ".."} & set(text.split("/")) or not _is_reachable(text):
            # not repeated: it may hold a password
            raise UsageError(
                "--url: expected an http, https or file URL of a host and a plain path, got another", hint=_HINT
            )
        return cls(text.rstrip("/"))

    @property
    def is_file(self) -> bool:
        """Whether clients read the tree themselves, without a server."""
        return self.url.startswith("file:")

    @property
    def is_http(self) -> bool:
        """Whether there is no TLS on the way."""
        return self.url.startswith("http:")

    @property
    def name(self) -> str:
        """The host alone, an address of IPv6 without its brackets; empty for files."""
        return urlsplit(self.url).hostname or ""

    @property
    def host(self) -> str:
        """The host and the port, if one is named: ``127.0.0.1:8080``; empty for files."""
        return urlsplit(self.url).netloc

    @property
    def port(self) -> int:
        """The port, named or not; meaningless for files."""
        return urlsplit(self.url).port or (80 if self.is_http else 443)

    @property
    def path(self) -> str:
        """The path, which begins with a slash unless it is empty."""
        return urlsplit(self.url).path

    @property
    def is_loopback(self) -> bool:
        """Whether only clients on this machine reach it."""
        return _is_loopback(self.name)

    @property
    def index(self) -> str:
        """The index of Python packages, without a slash at its end, as lock files write it."""
        return f"{self.url}/pypi/simple"

    @property
    def registry(self) -> str:
        """The npm registry."""
        return f"{self.url}/npm/"

    def python_file(self, name: str) -> str:
        """Where a wheel or source distribution is."""
        return f"{self.url}/pypi/{quote(name)}"

    def tarball(self, name: str, version: str) -> str:
        """Where a tarball of npm is."""
        return self.registry + quote(tarball_path(name, version), safe="/@~")


def _is_reachable(text: str) -> bool:
    """Whether the port is one, and brackets hold an address."""
    try:
        parts = urlsplit(text)
        if parts.netloc.startswith("["):
            ipaddress.IPv6Address(parts.hostname or "")
    except ValueError:
        return False
    return _has_port(parts.netloc)


def _has_port(netloc: str) -> bool:
    _, colon, port = netloc.rpartition("]")[2].partition(":")
    return not colon or 0 < int(port) < 65536


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
