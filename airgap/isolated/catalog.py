"""What the indexes of the views are made from: packages as signed manifests name them, never as files happen to lie there.

Who may carry a package decides what is said about it: metadata counts only from a channel that brought the very file
itself, so that a channel with a narrow scope cannot give somebody else's package other dependencies.
"""

from collections.abc import Callable, Iterator, Mapping, Set
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from airgap.core.entries import Artifact
from airgap.core.manifest import Manifest
from airgap.core.packument import PACKUMENTS, parse_packument
from airgap.isolated.views import npm, pypi
from airgap.isolated.views.tree import INDEX, place

_METADATA: Final = ".metadata"


class _Beside(NamedTuple):
    """A document beside a file, and the digest of the file that it came with."""

    sha256: bytes
    subject: bytes


class _Said(NamedTuple):
    """A packument's digest, and the channel that brought it."""

    sha256: bytes
    channel: str


class _Package(NamedTuple):
    """An artifact, and the channels that brought it."""

    artifact: Artifact
    channels: frozenset[str]


@dataclass(slots=True)
class Catalog:
    """All packages of all admitted bundles; newer bundles win.

    Attributes:
        wheels: name in the generation to artifact, of Python's.
        beside: name in the generation to core metadata, of what stands beside those.
        tarballs: package name to name in the generation to artifact, of npm's.
        packuments: package name to what indexes said about it, oldest first.
    """

    wheels: dict[str, _Package] = field(default_factory=dict)
    beside: dict[str, _Beside] = field(default_factory=dict)
    tarballs: dict[str, dict[str, _Package]] = field(default_factory=dict)
    packuments: dict[str, dict[_Said, str]] = field(default_factory=dict)

    def add(self, channel: str, manifest: Manifest) -> None:
        """Take in what a bundle says."""
        for artifact in manifest.artifacts:
            shown = place(artifact.path) or ""
            if shown.startswith("pypi/"):
                _bring(self.wheels, shown, artifact, channel)
            elif shown.startswith("npm/"):
                _bring(self.tarballs.setdefault(shown[len("npm/") :].rpartition("/-/")[0], {}), shown, artifact, channel)
        for document in manifest.documents:
            if document.path.startswith("documents/pypi/") and (shown := place(document.path) or "").endswith(_METADATA):
                subject = self.wheels.get(shown.removesuffix(_METADATA))
                if subject is not None:
                    self.beside[shown] = _Beside(document.sha256, subject.artifact.sha256)
            elif document.path.startswith(PACKUMENTS):
                said = self.packuments.setdefault(document.path[len(PACKUMENTS) :].rpartition("/")[0], {})
                said.pop(_Said(document.sha256, channel), None)  # what is said again is the newest
                said[_Said(document.sha256, channel)] = document.path

    def render(self, hidden: "Hidden", read: Callable[[bytes], bytes | None]) -> Iterator[tuple[str, bytes | None]]:
        """All index files of a generation: path and content; no content where a document for it is not at hand.

        Args:
            hidden: what the generation does not show.
            read: the content of an object; None when it is not what it was.
        """
        files = list(self._files(hidden))
        if files:
            yield from pypi.render(files)
        for name in sorted(self.tarballs.keys() | self.packuments.keys()):
            yield from self._packument(name, hidden, read)

    def _files(self, hidden: "Hidden") -> Iterator[pypi.File]:
        for shown, (artifact, _) in self.wheels.items():
            if hidden.has(shown, artifact.sha256):
                continue
            name = shown.partition("/")[2]
            metadata = self._beside(shown + _METADATA, artifact.sha256, hidden)
            yield pypi.File(name, artifact.sha256, artifact.size, artifact.metadata, metadata)

    def _beside(self, shown: str, subject: bytes, hidden: "Hidden") -> bytes | None:
        """The digest of a document beside a file, when it came with that very file."""
        found = self.beside.get(shown)
        if found is None or found.subject != subject or hidden.has(shown, found.sha256):
            return None
        return found.sha256

    def _packument(
        self, name: str, hidden: "Hidden", read: Callable[[bytes], bytes | None]
    ) -> Iterator[tuple[str, bytes | None]]:
        own = self.tarballs.get(name, {})
        owners = frozenset[str]().union(*(package.channels for package in own.values()))
        documents = []
        for said, path in self.packuments.get(name, {}).items():
            if (owners and said.channel not in owners) or hidden.has(path, said.sha256):
                continue
            raw = read(said.sha256)
            if raw is None:
                yield f"npm/{name}/{INDEX}", None
                return
            documents.append(_of_channel(parse_packument(raw), said.channel, own))
        gone = {shown for shown, (artifact, _) in own.items() if hidden.has(shown, artifact.sha256)}
        yield from npm.render(name, documents, shown=own.keys() - gone, gone=gone)


def _bring(packages: dict[str, _Package], shown: str, artifact: Artifact, channel: str) -> None:
    """Note an artifact under its name; the same bytes keep the channels that brought them before."""
    known = packages.get(shown)
    before = known.channels if known and known.artifact.sha256 == artifact.sha256 else frozenset[str]()
    packages[shown] = _Package(artifact, before | {channel})


def _of_channel(said: Mapping[str, Any], channel: str, own: Mapping[str, _Package]) -> Mapping[str, Any]:
    """A packument without the versions whose tarballs came through other channels only."""
    versions = {
        version: release
        for version, release in said["versions"].items()
        if (package := own.get(npm.tarball(said["name"], version))) is None or channel in package.channels
    }
    times = {version: time for version, time in said["time"].items() if version in versions}
    return {**said, "versions": versions, "time": times}


class Hidden(NamedTuple):
    """What a generation does not show: digests of damaged objects, and names that nobody may vouch for."""

    withdrawn: Set[bytes]
    recalled: Set[str]

    def has(self, shown: str, digest: bytes) -> bool:
        """Whether it is one of them."""
        return digest in self.withdrawn or shown in self.recalled
