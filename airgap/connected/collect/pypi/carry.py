"""The files that travel: one for each name, with every digest that it has to have."""

import hashlib
import os
import stat
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from airgap.connected.collect.pypi.choose import Choice, agrees, contradicts, mismatch, specifiers_in, told
from airgap.connected.collect.pypi.distribution import Distribution
from airgap.connected.collect.pypi.link import Hashes, Link
from airgap.connected.collect.pypi.target import Target
from airgap.connected.collected import Planned
from airgap.connected.web.address import is_file, path_of, resolve
from airgap.connected.web.wanted import Download, Fetched
from airgap.core.errors import FormatError, UsageError
from airgap.core.reasons import Reason

_KNOWN: Final = ("sha256", "sha512")


@dataclass(frozen=True, slots=True, kw_only=True)
class Carry:
    """One file.

    Attributes:
        laws: sets of digests; the file has to have one of each.
        targets: the machines that it was chosen for.
    """

    distribution: Distribution
    link: Link
    laws: tuple[Hashes, ...]
    targets: tuple[Target, ...]

    @property
    def file_name(self) -> str:
        """Its name in the index and in the bundle."""
        return self.distribution.file_name

    @property
    def urls(self) -> tuple[str, ...]:
        """Where it may be had: the index first."""
        return resolve(self.link.page, self.link.url), *self.link.further

    def planned(self, size: int | None) -> Planned:
        """As something that would travel."""
        return Planned(self.distribution.path, self.distribution.purl, size)

    def download(self) -> Download:
        """As something that can be downloaded.

        Raises:
            UsageError: nobody says a digest of it.
        """
        # one digest of a lock is the file's own; of several, nobody knows which
        own = frozenset[tuple[str, str]]().union(*(law for law in self.laws if len(law) == 1))
        digests = {**dict(own), **dict(self.link.hashes)}
        if not digests:
            raise UsageError(
                f"{self.file_name}: expected a digest in the index {self.link.listed_in} or in a lock, got none",
                hint="use an index that tells digests, or a lock with one hash for the file",
            )
        return Download(urls=self.urls, digests=digests, size=self.link.size, name=self.file_name)

    def check(self, fetched: Fetched) -> None:
        """Prove that what was downloaded is what each lock allows, by the digests that the index did not tell.

        Raises:
            FormatError: content-mismatch.
        """
        for law in self.laws:
            got = frozenset((algorithm, _digest(fetched, algorithm)) for algorithm in dict(law))
            if not agrees(got, law):
                raise mismatch(self.file_name, law, got, "the file")

    def metadata(self, requires_python: str | None) -> Mapping[str, Any]:
        """What the index on the other side has to know. ``requires_python`` is what the file itself says."""
        found = {
            "requires-python": next(filter(specifiers_in, (requires_python, self.link.requires_python)), None),
            "upload-time": self.link.uploaded,
            "yanked": True if self.link.yanked == "" else self.link.yanked,
        }
        return {name: value for name, value in found.items() if value is not None}


def settle(choices: Iterable[tuple[Choice, Target]]) -> list[Carry]:
    """One of each file, in the order of their names.

    Raises:
        FormatError: content-mismatch: two contents under one name.
        UsageError: a file on disk that cannot be read.
    """
    found: dict[str, Carry] = {}
    for choice, target in choices:
        one = Carry(
            distribution=choice.distribution,
            link=choice.link,
            laws=(choice.hashes,) if choice.hashes else (),
            targets=(target,),
        )
        known = found.get(one.file_name)
        found[one.file_name] = _join(known, one) if known else _with_digest(one)
    return [found[name] for name in sorted(found)]


def _join(one: Carry, other: Carry) -> Carry:
    """One file that was chosen twice."""
    if one.link != other.link:
        _check_same(one, _with_digest(other))
    return replace(
        one,
        link=one.link._replace(hashes=one.link.hashes | other.link.hashes),
        laws=tuple(dict.fromkeys((*one.laws, *other.laws))),
        targets=tuple(dict.fromkeys((*one.targets, *other.targets))),
    )


def _check_same(one: Carry, other: Carry) -> None:
    if contradicts(one.link.hashes, other.link.hashes):
        raise FormatError(
            f"{one.file_name}: expected {told(one.link.hashes)} as in {one.link.listed_in}, "
            f"got {told(other.link.hashes)} in {other.link.listed_in}",
            reason=Reason.CONTENT_MISMATCH,
        )


def _with_digest(one: Carry) -> Carry:
    """A file on this machine is looked at where its index says no digest, as pip does; what is far is not believed so."""
    url = one.urls[0]
    if one.link.hashes or not is_file(url):
        return one
    path = path_of(url)
    try:
        with open(path, "rb") as stream:
            if not stat.S_ISREG(os.fstat(stream.fileno()).st_mode):
                raise UsageError(f"{one.file_name}: expected a regular file in {one.link.listed_in}, got another")
            digits = hashlib.file_digest(stream, "sha256").hexdigest()
            size = stream.tell()
    except OSError as exc:
        raise UsageError(f"{path}: expected to read it, got {os.strerror(exc.errno or 0)}") from exc
    got = frozenset({("sha256", digits)})
    for law in one.laws:
        if agrees(got, law) is False:
            raise mismatch(one.file_name, law, got, one.link.listed_in)
    return replace(one, link=one.link._replace(hashes=got, size=size))


def _digest(fetched: Fetched, algorithm: str) -> str:
    if algorithm in _KNOWN:
        return fetched.sha256 if algorithm == "sha256" else fetched.sha512
    with open(fetched.file, "rb") as stream:
        return hashlib.file_digest(stream, algorithm).hexdigest()


def downloads(files: Sequence[Carry]) -> list[Download]:
    """All of them as something that can be downloaded.

    Raises:
        UsageError: nobody says a digest of one.
    """
    return [one.download() for one in files]
