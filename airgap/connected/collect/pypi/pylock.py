"""Lock files in the format that all tools share. Source: PEP 751."""

import os
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Final
from urllib.parse import quote, urljoin

from packaging.markers import Environment
from packaging.pylock import (
    Package,
    PackageSdist,
    PackageWheel,
    Pylock,
    PylockUnsupportedVersionError,
    PylockValidationError,
)
from packaging.utils import NormalizedName
from packaging.version import Version

from airgap.connected.collect.pypi.distribution import Distribution
from airgap.connected.collect.pypi.link import Link, counted_hashes
from airgap.connected.collect.pypi.pin import Pin
from airgap.connected.collect.pypi.target import Target, is_true
from airgap.connected.web.address import normalise
from airgap.core.errors import FormatError, UsageError
from airgap.core.foreign import load_toml
from airgap.core.times import format_time

_SHOWN: Final = 20


def parse_pylock(text: str, *, where: str) -> Pylock:
    """Read a lock.

    Raises:
        FormatError: malformed.
    """
    try:
        return Pylock.from_dict(load_toml(text, what=where))
    except (PylockValidationError, PylockUnsupportedVersionError, ValueError, RecursionError) as exc:
        raise FormatError(f"{where}: expected a lock of version 1, got a fault: {str(exc)!a:.200}") from exc


def pins_in(lock: Pylock, target: Target, *, where: str) -> list[Pin]:
    """The releases that a lock pins for one target, all extras and groups included.

    Raises:
        UsageError: the lock is not for the target, or holds something that is in no index; all of it is named.
        FormatError: two entries of one project.
    """
    found: dict[Pin, None] = {}
    for environment in target.environments:
        packages = _select(lock, environment, where)
        found |= dict.fromkeys(_pin(package, where) for package in packages)
    if lock.requires_python is not None and not target.is_admitted(lock.requires_python):
        raise UsageError(
            f"{where}: expected a lock for {target.name}, got one for Python {str(lock.requires_python)!a:.80}"
        )
    return list(found)


def _select(lock: Pylock, environment: Environment, where: str) -> list[Package]:
    """Source: PEP 751, "Installation", steps 1 to 5."""
    if lock.environments and not any(is_true(marker, environment, where=where) for marker in lock.environments):
        raise UsageError(f"{where}: expected a lock for this target, got one for other environments")
    values = {
        **environment,
        "extras": frozenset(lock.extras or ()),
        "dependency_groups": frozenset((*(lock.dependency_groups or ()), *(lock.default_groups or ()))),
    }
    packages = [one for one in lock.packages if is_true(one.marker, values, where=where, context="lock_file")]
    foreign = [str(package.name) for package in packages if package.is_direct]
    if foreign:
        raise UsageError(
            f"{where}: expected packages of an index, got {', '.join(foreign[:_SHOWN])} from a repository, folder or URL",
            hint="only what an index has can be carried; export wheels of your own as plain files",
        )
    for name, count in Counter(package.name for package in packages).items():
        if count > 1:
            raise FormatError(f"{where}: expected one entry of {name} for a target, got {count}")
    return packages


def _pin(package: Package, where: str) -> Pin:
    links = tuple(_links(package, where))
    version = package.version or Distribution.parse(links[0].file_name).version
    return Pin(NormalizedName(package.name), Version(str(version)), where, links=links)


def _links(package: Package, where: str) -> Iterator[Link]:
    for file in (*(package.wheels or ()), *((package.sdist,) if package.sdist else ())):
        yield _link(file, str(package.requires_python) if package.requires_python else None, where)


def _link(file: PackageWheel | PackageSdist, requires_python: str | None, where: str) -> Link:
    url = _url(file, where)
    hashes = counted_hashes((str(name), digits) for name, digits in file.hashes.items())
    if not hashes:
        raise FormatError(f"{where}: expected a sha256 digest of {file.filename!a:.120}, got none that counts")
    return Link(
        file_name=file.filename,
        url=url,
        page=url,
        listed_in="/".join(url.split("/")[:3]),
        hashes=hashes,
        requires_python=requires_python,
        size=file.size,
        uploaded=_instant(file.upload_time),
    )


def _url(file: PackageWheel | PackageSdist, where: str) -> str:
    """Where the lock found a file; a path counts from the lock's folder."""
    if file.url:
        return normalise(file.url)
    folder = f"file://{quote(os.path.abspath(os.path.dirname(where)))}/"
    return normalise(urljoin(folder, quote(file.path or "")))


def _instant(at: datetime | None) -> str | None:
    """An instant without a zone is one in UTC; None for none that there is. Source: PEP 751, "upload-time"."""
    if at is None:
        return None
    try:
        return format_time(at if at.tzinfo else at.replace(tzinfo=UTC))
    except OverflowError:  # before the first year or after the last, in UTC
        return None
