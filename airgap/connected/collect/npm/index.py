"""What the registries say about the packages of a lock: their documents, each read once and trimmed at once."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from airgap.connected.collect.npm import packument
from airgap.connected.collect.npm.locked import Limits, Locked, read_limits, shown
from airgap.connected.collect.npm.naming import packument_path, packument_url
from airgap.connected.collect.npm.platforms import Target, is_for
from airgap.connected.collect.npm.settings import Settings
from airgap.connected.collected import Carried, FileSource
from airgap.connected.web.wanted import Answer, Fetched, Page
from airgap.core import canonical
from airgap.core.digest import sha256
from airgap.core.entries import Role
from airgap.core.errors import UsageError
from airgap.core.packument import MAX_PACKUMENT, check_packument

if TYPE_CHECKING:
    from airgap.connected.web.fetcher import Fetcher

JSON: Final = "application/json"
# whole documents are held only while they are trimmed, and some are larger than 30 MB
_BATCH: Final = 16


class Indexed(NamedTuple):
    """One package of a lock and what its registry says: ``release`` and ``tarball`` are None where it has none."""

    locked: Locked
    registry: str
    release: Mapping[str, Any] | None
    tarball: Any

    @property
    def limits(self) -> Limits:
        """The platforms that it is for: in the lock's words, else in the registry's."""
        if self.release is None or self.locked.limits != Limits():
            return self.locked.limits
        return read_limits(self.release)


def look_up(
    packages: Sequence[Locked], targets: Sequence[Target], settings: Settings, fetcher: "Fetcher"
) -> tuple[list[Indexed], list[Carried]]:
    """The packages with what the registries say, and the trimmed documents to carry.

    Raises:
        UsageError: a registry does not have some of them; all are named. Only what is optional and for other platforms may
            be missing.
        FormatError: what a registry says makes no sense.
    """
    groups = [list(group) for _, group in groupby(packages, key=lambda package: package.name)]
    found: list[Indexed] = []
    documents: list[Carried] = []
    for start in range(0, len(groups), _BATCH):
        batch = groups[start : start + _BATCH]
        answers = fetcher.pages([_page(group[0].name, settings) for group in batch])
        for group in batch:
            found += _read(group, answers.pop(0), settings, fetcher, documents)
    missing = [item.locked for item in found if item.release is None and not _may_be_missing(item.locked, targets)]
    if missing:
        raise UsageError(f"{settings.registry}: expected every locked package, got no {shown(p.release for p in missing)}")
    return found, documents


def keep(path: str, content: bytes, fetcher: "Fetcher") -> FileSource:
    """Bytes that were made or read here, as a file for the bundle."""
    return source_of(path, fetcher.keep(content))


def source_of(path: str, fetched: Fetched) -> FileSource:
    """A file of the cache, for the bundle."""
    return FileSource(path, fetched.file, fetched.size, fetched.changed, bytes.fromhex(fetched.sha256))


def _page(name: str, settings: Settings) -> Page:
    url = packument_url(settings.registry_of(name), name)
    return Page(url=url, accept=JSON, name=f"packument of {name}", limit=MAX_PACKUMENT, is_optional=True)


def _read(
    group: Sequence[Locked], answer: Answer, settings: Settings, fetcher: "Fetcher", documents: list[Carried]
) -> Iterator[Indexed]:
    """The versions of one package; adds its trimmed document."""
    name = group[0].name
    said = packument.parse(answer.content, name) if answer.status == 200 else {"versions": {}}
    trimmed = packument.trim(said, name, [package.version for package in group])
    releases = trimmed["versions"]
    if releases:
        content = canonical.encode(trimmed)
        path = packument_path(name, sha256(content).hex())
        check_packument(path, content)  # what is refused inside has to be refused here
        documents.append(Carried(keep(path, content, fetcher), Role.INDEX, JSON))
    for package in group:
        release = releases.get(package.version)
        tarball = packument.tarball_of(said, package.version) if release else None
        yield Indexed(package, settings.registry_of(name), release, tarball)


def _may_be_missing(package: Locked, targets: Sequence[Target]) -> bool:
    return package.is_optional and not is_for(package.limits, targets)
