"""Where pip gets its packages from, as pip itself says it: indexes, find-links, certificates, constraints, credentials."""

import ast
import ipaddress
import os
import subprocess
import sys
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote, urlsplit

from airgap.connected.collect.pypi.credentials import Credentials
from airgap.connected.web.access import Access
from airgap.connected.web.address import normalise, shown
from airgap.core.errors import UsageError

_SECONDS: Final = 60
# the later wins, as in pip, configuration of `pip install`
_SECTIONS: Final = ("global", "install", ":env:")
_DEFAULT_INDEX: Final = "from pip._internal.models.index import PyPI; print(PyPI.simple_url)"
_ON: Final = frozenset({"1", "y", "yes", "t", "true", "on"})


@dataclass(frozen=True, slots=True, repr=False)
class Configuration:
    """What pip is configured with. Not shown: its URLs may hold passwords.

    Attributes:
        indexes: URLs without credentials and without a slash at the end; the default one is the last.
        find_links: URLs of folders and pages with further files, without credentials.
        constraints: paths and URLs of constraint files.
        cafile: certificate authorities, None for the system's.
        proxy: URL of a proxy, None for what the environment says.
        credentials: for the hosts of the indexes.
    """

    indexes: Sequence[str]
    find_links: Sequence[str]
    constraints: Sequence[str]
    cafile: str | None
    proxy: str | None
    credentials: Credentials

    @property
    def access(self) -> Access:
        """How its indexes are reached."""
        return Access(self.cafile, self.credentials.authorization, self.proxy)


def read_configuration() -> Configuration:
    """Ask the pip beside this program.

    Raises:
        UsageError: there is no pip, or it is configured with something that is no index.
    """
    said = _options(_pip("config", "list"))
    indexes = [] if _is_on(said.get("no-index", "")) else [*_split(said.get("extra-index-url", "")), _first_index(said)]
    locations = _split(said.get("find-links", ""))
    credentials = Credentials.of([_as_url(url) for url in (*indexes, *locations)])
    found = Configuration(
        indexes=[normalise(_as_url(url)).rstrip("/") for url in indexes],
        find_links=[normalise(_as_url(url)) for url in locations],
        constraints=_split(said.get("constraint", "")),
        cafile=said.get("cert") or None,
        proxy=said.get("proxy") or None,
        credentials=credentials,
    )
    _check_secure((*found.indexes, *found.find_links), _split(said.get("trusted-host", "")))
    return found


def _check_secure(urls: Iterable[str], trusted: Collection[str]) -> None:
    """Prove that nobody on the way can change what an index says, unless pip was told to put up with that.

    Source: pip, ``--trusted-host``, and ``SECURE_ORIGINS``; pip itself passes over such an index.

    Raises:
        UsageError: an index in the clear, on another machine.
    """
    for url in urls:
        parts = urlsplit(url)
        host = parts.hostname or ""
        if parts.scheme == "http" and not _is_local(host) and {host, f"{host}:{parts.port}"}.isdisjoint(trusted):
            raise UsageError(
                f"pip configuration: expected https, or a host that pip trusts, got {shown(url)}",
                hint=f"pip config set global.trusted-host {host}, if everybody on the way to it can be trusted",
            )


def _is_local(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _first_index(said: Mapping[str, str]) -> str:
    """The configured index, or the one that pip is made with."""
    return said.get("index-url", "").strip() or _python("-c", _DEFAULT_INDEX).strip()


def _options(listed: str) -> Mapping[str, str]:
    """What counts for ``pip install``, of the lines ``section.name='value'`` that ``pip config list`` writes."""
    found: dict[str, dict[str, str]] = {}
    for line in listed.splitlines():
        key, _, value = line.partition("=")
        section, _, name = key.partition(".")
        found.setdefault(section, {})[name] = _literal(value)
    return {name: value for section in _SECTIONS for name, value in found.get(section, {}).items()}


def _literal(text: str) -> str:
    try:
        return str(ast.literal_eval(text))
    except (ValueError, SyntaxError) as exc:
        raise UsageError("pip config list: expected name='value', got another line") from exc


def _pip(*arguments: str) -> str:
    return _python("-m", "pip", "--disable-pip-version-check", "--no-input", *arguments)


def _python(*arguments: str) -> str:
    """What a Python with the packages of this one prints; never with those of the folder it is started in.

    Raises:
        UsageError: it fails, most likely because pip is not there.
    """
    try:
        done = subprocess.run(  # noqa: S603 -- arguments as a list, no shell
            [sys.executable, "-P", *arguments],
            capture_output=True,
            timeout=_SECONDS,
            check=False,
            encoding="utf-8",
            errors="replace",
        )
    except subprocess.TimeoutExpired as exc:
        raise UsageError(f"pip: expected an answer within {_SECONDS} s, got none") from exc
    if done.returncode:
        last = (done.stderr.strip().splitlines() or [""])[-1]
        raise UsageError(
            f"pip: expected its configuration, got {last!a:.200}",
            hint="the index is the one that pip is configured with: install pip where airgap is installed",
        )
    return done.stdout


def _split(text: str) -> list[str]:
    return text.split()


def _is_on(text: str) -> bool:
    return text.strip().lower() in _ON


def _as_url(text: str) -> str:
    """A location as a URL; pip takes paths, too."""
    if "://" in text or text.startswith("file:"):
        return text
    return "file://" + quote(os.path.abspath(os.path.expanduser(text)))


def uv_variables(configuration: Configuration) -> dict[str, str]:
    """The same configuration in uv's words, for its environment: what stands in a command line, other users can read.

    Source: uv's reference of environment variables.
    """
    found = {"UV_FIND_LINKS": ",".join(url.replace(",", "%2C") for url in _opened(configuration, configuration.find_links))}
    if configuration.indexes:
        *extra, default = _opened(configuration, configuration.indexes)
        found |= {"UV_INDEX": " ".join(extra), "UV_DEFAULT_INDEX": default}
    else:
        found["UV_NO_INDEX"] = "1"
    if configuration.cafile:
        found["SSL_CERT_FILE"] = configuration.cafile
    if configuration.proxy:
        found |= dict.fromkeys(("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"), configuration.proxy)
    return {name: value for name, value in found.items() if value}


def _opened(configuration: Configuration, urls: Iterable[str]) -> list[str]:
    return [configuration.credentials.open(url) for url in urls]
