"""What a lock file asks for: packages of a registry, each at one version."""

import re
from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple
from urllib.parse import urlsplit

from airgap.connected.collect.npm import integrity
from airgap.connected.collect.npm.integrity import Digests
from airgap.connected.collect.npm.naming import check_release
from airgap.core.errors import FormatError, UsageError
from airgap.core.names import check_distinct
from airgap.core.npm_name import tarball_path
from airgap.core.reasons import Reason

MAX_LOCK: Final = 64 * 1024 * 1024
MAX_LOCKED: Final = 100_000
MAX_URL: Final = 2048
_SHOWN: Final = 50
_USER: Final = re.compile(r"//[^/@]*+@")


class Limits(NamedTuple):
    """The platforms that a package is for, as package.json says it; None for no word about it."""

    os: tuple[str, ...] | None = None
    cpu: tuple[str, ...] | None = None
    libc: tuple[str, ...] | None = None


class Locked(NamedTuple):
    """One package of a registry. ``url`` is where the lock found it, None when it does not say."""

    name: str
    version: str
    digests: Digests
    url: str | None = None
    limits: Limits = Limits()
    is_optional: bool = False

    @property
    def release(self) -> str:
        """``name@version``, as npm writes it."""
        return f"{self.name}@{self.version}"


class Lock(NamedTuple):
    """What one lock file holds. ``others`` are not of a registry, each as the lock names it."""

    packages: list[Locked]
    others: list[str]


def settle(locks: Mapping[str, Lock]) -> list[Locked]:
    """The packages of all lock files, each version once, sorted.

    Raises:
        UsageError: some are not of a registry; all of them are named.
        FormatError: a bad name, two that differ in case alone, or one version with two contents.
    """
    found: dict[tuple[str, str], Locked] = {}
    for where, lock in locks.items():
        if lock.others:
            raise UsageError(
                f"{where}: expected packages of a registry, got {shown(lock.others)}",
                hint="publish them to a registry, or carry them as plain files and install them from there",
            )
        for package in lock.packages:
            check_release(package.name, package.version, where=where)
            key = (package.name, package.version)
            found[key] = _join(found[key], package) if key in found else package
    if len(found) > MAX_LOCKED:
        raise FormatError(f"request: expected at most {MAX_LOCKED} packages, got {len(found)}", reason=Reason.TOO_LARGE)
    check_distinct(tarball_path(name, version) for name, version in found)
    return [found[key] for key in sorted(found)]


def shown(names: Iterable[str]) -> str:
    """Names that others wrote, for a message, without the passwords of URLs among them; of many, the first fifty."""
    written = [f"{_USER.sub('//', name)!a:.120}" for name in dict.fromkeys(names)]
    more = f" and {len(written) - _SHOWN} more" if len(written) > _SHOWN else ""
    return ", ".join(written[:_SHOWN]) + more


def _join(one: Locked, other: Locked) -> Locked:
    """One package that is locked in two places; left out only where both places agree that it may be."""
    return one._replace(
        digests=integrity.merge(one.digests, other.digests, what=one.release),
        url=one.url or other.url,
        limits=one.limits if one.limits == other.limits else Limits(),
        is_optional=one.is_optional and other.is_optional,
    )


def web_url(text: object) -> str | None:
    """A plain http or https URL, without a fragment; None for anything else, and for one with a password in it."""
    if not isinstance(text, str) or len(text) > MAX_URL or not text.isascii() or not text.isprintable() or " " in text:
        return None
    url = text.partition("#")[0]
    try:
        parts = urlsplit(url)
        is_plain = bool(parts.hostname) and "@" not in parts.netloc and (parts.port or 1) > 0
    except ValueError:
        return None
    return url if is_plain and parts.scheme in {"http", "https"} else None


def texts(value: object) -> tuple[str, ...] | None:
    """One text or a list of texts; None for anything else."""
    if isinstance(value, str):
        return (value,)
    if not isinstance(value, list) or not value or not all(isinstance(item, str) for item in value):
        return None
    return tuple(value)


def read_limits(said: Mapping[str, object]) -> Limits:
    """The platforms in the members of a package."""
    return Limits(texts(said.get("os")), texts(said.get("cpu")), texts(said.get("libc")))
