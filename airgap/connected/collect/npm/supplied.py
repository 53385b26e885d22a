"""Evidence that people supply beside a request, matched by name: a mirror that hides it does not end the chain."""

from collections.abc import Iterable, Iterator

from airgap.connected.collect.found import Keys, find, find_keys, sort_out
from airgap.connected.collect.npm.locked import Locked
from airgap.connected.collect.suffixes import SUFFIXES, kind_of
from airgap.connected.collected import FileSource
from airgap.connected.request import NpmSource
from airgap.core.entries import Loss, Role
from airgap.core.errors import UsageError
from airgap.core.npm_name import tarball_path
from airgap.core.purl import file_purl

Evidence = tuple[FileSource, Role, str]


class Supplied:
    """What a source brings along.

    Raises:
        UsageError: evidence for nothing, or for one of several packages with the same file name.
    """

    def __init__(self, wanted: NpmSource, packages: Iterable[Locked]) -> None:
        faults: dict[str, str] = {}
        self.keys: Keys = find_keys(wanted.folder, wanted.keys, faults)
        self._evidence: dict[str, list[Evidence]] = {}
        found = sort_out(find(wanted.folder, wanted.evidence), faults)
        names = _names(packages) if found else {}
        for path, source in sorted(found.items()):
            place, suffix = _place(path, names)
            own = source._replace(path=f"documents/npm/{place}{suffix}")
            self._evidence.setdefault(place, []).append((own, *kind_of(suffix)))
        self.losses = [Loss(file_purl(path), "not-selected", what) for path, what in sorted(faults.items())]

    def evidence_of(self, package: Locked) -> list[Evidence]:
        """The evidence of one package."""
        return self._evidence.get(tarball_path(package.name, package.version), [])


def _names(packages: Iterable[Locked]) -> dict[str, list[str]]:
    """Places of tarballs by the names that people give them."""
    found: dict[str, list[str]] = {}
    for package in packages:
        place = tarball_path(package.name, package.version)
        for name in {place, place.rpartition("/")[2], _packed(package)}:
            found.setdefault(name, []).append(place)
    return found


def _packed(package: Locked) -> str:
    """The name that ``npm pack`` gives a tarball: ``scope-name-1.0.0.tgz``."""
    return f"{package.name.removeprefix('@').replace('/', '-')}-{package.version}.tgz"


def _place(path: str, names: dict[str, list[str]]) -> tuple[str, str]:
    """Which tarball a file is evidence of, and the suffix that says so.

    A path that ends like the registry's, ``@scope/name/-/name-1.0.0.tgz.asc``, tells apart what a file name does not.
    """
    for suffix in SUFFIXES:
        stem = path.removesuffix(suffix)
        for name in _ends(stem) if stem != path else ():
            places = names.get(name, [])
            if len(places) == 1:
                return places[0], suffix
            if places:
                raise UsageError(
                    f"request: expected evidence of one package, got {path!a:.120} for {' and '.join(places)!a:.300}",
                    hint="put it into folders named like the package: @scope/name/-/name-1.0.0.tgz.npm-signature.json",
                )
    raise UsageError(f"request: expected a package for the evidence {path!a:.120}, got none of that name")


def _ends(path: str) -> Iterator[str]:
    """The path, and what is left of it from each folder on."""
    while path:
        yield path
        path = path.partition("/")[2]
