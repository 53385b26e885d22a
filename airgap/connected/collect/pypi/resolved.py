"""Python packages for a bundle: everything known but the bytes, then the bytes, verified."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from airgap.connected.collect.pypi.ask import ask
from airgap.connected.collect.pypi.carry import Carry, downloads
from airgap.connected.collect.pypi.choose import specifiers_in
from airgap.connected.collect.pypi.core_metadata import read_metadata
from airgap.connected.collect.pypi.index import Offers, ask_indexes
from airgap.connected.collect.pypi.pin import Pin
from airgap.connected.collect.pypi.pip_configuration import read_configuration
from airgap.connected.collect.pypi.provenance import Provenance, ask_provenance
from airgap.connected.collect.pypi.resolver import Resolver
from airgap.connected.collect.pypi.select_files import Selection, Selector
from airgap.connected.collect.pypi.supplied import Evidence, Supplied
from airgap.connected.collect.pypi.target import parse_target, running_target
from airgap.connected.collected import Carried, Collected, FileSource, Planned
from airgap.connected.request import PypiSource
from airgap.connected.web.fetcher import Fetcher, OpenFetcher
from airgap.connected.web.wanted import Fetched
from airgap.core.entries import Loss, Role
from airgap.core.errors import UsageError


@dataclass(frozen=True, slots=True)
class ResolvedPypi:
    """The files that a source needs. See ``airgap.connected.gather.Resolved``."""

    wanted: PypiSource
    selection: Selection
    supplied: Supplied
    provenance: Provenance
    fetcher: Fetcher

    @property
    def losses(self) -> Sequence[Loss]:
        """What will not travel."""
        return [*self.selection.losses, *self.provenance.losses, *self.supplied.losses]

    def planned(self) -> Sequence[Planned]:
        """What would travel."""
        files = self.selection.files
        sizes = self.fetcher.sizes(downloads(files))
        return [file.planned(size) for file, size in zip(files, sizes, strict=True)]

    def collect(self) -> Iterator[Collected | Carried | Loss]:
        """Download all files and verify them against their digests and their own metadata.

        Raises:
            FormatError: a file is not the one that was promised.
            UsageError: a file cannot be had, or is not for the Python that it was chosen for.
        """
        files = self.selection.files
        for file, fetched in zip(files, self.fetcher.files(downloads(files)), strict=True):
            file.check(fetched)
            yield from self._carry(file, fetched)
        yield from self.losses

    def _carry(self, file: Carry, fetched: Fetched) -> Iterator[Collected | Carried]:
        requires_python = None
        if file.distribution.is_wheel:
            inside = read_metadata(file.distribution, fetched.file)
            requires_python = inside.requires_python
            _check_python(file, requires_python)
            kept = _source(f"documents/pypi/{file.file_name}.metadata", self.fetcher.keep(inside.content))
            yield Carried(kept, Role.INDEX, "text/plain")
        evidence = self._evidence(file)
        yield Collected(
            source=_source(file.distribution.path, fetched),
            purl=file.distribution.purl,
            evidence=(*evidence, *(self.supplied.keys if evidence else ())),
            custody=self._custody(file),
            metadata=file.metadata(requires_python),
        )

    def _evidence(self, file: Carry) -> list[Evidence]:
        content = self.provenance.found.get(file.file_name)
        if content is None:
            return self.supplied.evidence_of(file.file_name)
        kept = _source(f"documents/pypi/{file.file_name}.provenance", self.fetcher.keep(content))
        return [(kept, Role.ATTESTATION, "application/json")]

    def _custody(self, file: Carry) -> tuple[Mapping[str, str], ...]:
        hop = {"kind": "registry", "name": file.link.listed_in}
        return (self.wanted.requested_by, hop) if self.wanted.requested_by else (hop,)


def resolve_pypi(wanted: PypiSource, open_fetcher: OpenFetcher) -> ResolvedPypi:
    """Find out which files a source needs, from the index that pip is configured with.

    Raises:
        UsageError: pip or uv is missing, something cannot be resolved, or there is no file for some target.
        FormatError: a malformed file, or an index that contradicts a lock.
    """
    configuration = read_configuration()
    fetcher = open_fetcher(configuration.access)
    targets = [parse_target(name) for name in dict.fromkeys(wanted.targets)] or [running_target()]

    def find_resolver() -> Resolver:
        return Resolver.find(configuration)

    def offered(pins: Iterable[Pin]) -> Offers:
        return ask_indexes({pin.project for pin in pins}, configuration.indexes, configuration.find_links, fetcher)

    wishes = ask(wanted, targets, find_resolver)
    selection = Selector(offered, fetcher, find_resolver, wanted.sdists).select(wishes)
    supplied = Supplied(wanted, [file.file_name for file in selection.files])
    unproven = [file for file in selection.files if not supplied.evidence_of(file.file_name)]
    return ResolvedPypi(wanted, selection, supplied, ask_provenance(unproven, selection.attesting, fetcher), fetcher)


def _source(path: str, fetched: Fetched) -> FileSource:
    return FileSource(path, fetched.file, fetched.size, fetched.changed, bytes.fromhex(fetched.sha256))


def _check_python(file: Carry, requires_python: str | None) -> None:
    """What a wheel says of Pythons counts, whatever its index said.

    Raises:
        UsageError: it is not for a target.
    """
    specifiers = specifiers_in(requires_python)
    for target in file.targets:
        if specifiers is not None and not target.is_admitted(specifiers):
            raise UsageError(
                f"{file.file_name}: expected a wheel for {target.name}, got one for Python {requires_python!a:.80}",
                hint="make the lock for the Python that it is installed with",
            )
