"""One tarball that travels: where it may be had, and what it has to be."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from airgap.connected.collect.npm import integrity
from airgap.connected.collect.npm.index import Indexed
from airgap.connected.collect.npm.integrity import Digests
from airgap.connected.collect.npm.locked import Locked, web_url
from airgap.connected.collect.npm.naming import tarball_url
from airgap.connected.collect.npm.packument import digests_of
from airgap.connected.collect.npm.settings import is_same_host
from airgap.connected.web.wanted import Download
from airgap.core.npm_name import tarball_path
from airgap.evidence.npm import purl_of


class Offer(NamedTuple):
    """A package of a lock at its registry.

    Attributes:
        locked: what the lock says.
        registry: whose it is.
        dist: what the registry says about the tarball.
        digests: what the download has to hash to.
        integrity: its SHA-512 as npm writes it, which registries sign; None when nobody says it.
        urls: where it may be had, best first.
    """

    locked: Locked
    registry: str
    dist: Mapping[str, Any]
    digests: Digests
    integrity: str | None
    urls: tuple[str, ...]

    @property
    def purl(self) -> str:
        """The package URL."""
        return purl_of(self.locked.name, self.locked.version)

    @property
    def place(self) -> str:
        """Where it stands in the view, below ``npm/``."""
        return tarball_path(self.locked.name, self.locked.version)

    @property
    def path(self) -> str:
        """Where it stands in a bundle."""
        return f"artifacts/npm/{self.place}"

    def download(self) -> Download:
        """What a fetcher needs to know."""
        return Download(urls=self.urls, digests=self.digests, size=None, name=self.locked.release)


def make_offer(item: Indexed) -> Offer:
    """The offer for a package that its registry has.

    Raises:
        FormatError: lock and registry speak of different contents (reason content-mismatch), or neither says what it is.
    """
    release: Mapping[str, Any] = item.release or {}
    locked, what = item.locked, item.locked.release
    indexed = digests_of(release, what)
    digests = integrity.law(locked.digests, indexed, what=what)
    return Offer(
        locked=locked,
        registry=item.registry,
        dist=release["dist"],
        digests=digests,
        integrity=integrity.write_sha512({**indexed, **digests}),
        urls=_urls(item),
    )


def _urls(item: Indexed) -> tuple[str, ...]:
    """The registry's link if it stays with the registry, else the usual place; then where the lock found it.

    Mirrors repeat the links of the registry behind them, which the export may not reach, and must not send a token to.
    """
    locked, link = item.locked, web_url(item.tarball)
    usual = tarball_url(item.registry, locked.name, locked.version)
    first = link if link and is_same_host(link, item.registry) else usual
    return (first,) if locked.url in {None, first} else (first, str(locked.url))
