"""Which file of a release a machine gets: the one that pip would choose there."""

from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

from packaging.specifiers import SpecifierSet

from airgap.connected.collect.pypi.distribution import Distribution
from airgap.connected.collect.pypi.index import Offers
from airgap.connected.collect.pypi.link import MAX_TEXT, Hashes, Link
from airgap.connected.collect.pypi.pin import Pin
from airgap.connected.collect.pypi.target import Target
from airgap.connected.web.address import resolve
from airgap.core.errors import FormatError
from airgap.core.reasons import Reason


class Choice(NamedTuple):
    """A file, and the digests of which it has to have one; none where its link says all of them."""

    distribution: Distribution
    link: Link
    hashes: Hashes = frozenset()


class _Candidate(NamedTuple):
    distribution: Distribution
    link: Link
    agrees: bool | None
    rank: int

    @property
    def order(self) -> tuple[object, ...]:
        """Source: pip, ``CandidateEvaluator._sort_key``: a known digest first, then not yanked, tag, build."""
        return bool(self.agrees), self.link.yanked is None, -self.rank, self.distribution.build


class Chooser:
    """Chooses for one target.

    Args:
        target: the machine.
        sdists: whether a source distribution counts where no wheel fits.
    """

    def __init__(self, target: Target, *, sdists: bool) -> None:
        self._target = target
        self._sdists = sdists
        self._ranks = {tag: rank for rank, tag in enumerate(target.tags)}

    def choose(self, pin: Pin, offers: Offers) -> Choice | None:
        """The file of a release, or None where there is none for this target.

        Raises:
            FormatError: content-mismatch: the index has a file that fits, and not with the digest of the lock.
        """
        links = pin.links or offers.of(pin.project, pin.version)
        candidates = [one for link in links if (one := self._candidate(link, pin))]
        wheels = [one for one in candidates if one.distribution.is_wheel]
        sources = [one for one in candidates if not one.distribution.is_wheel] if self._sdists else []
        for some in (wheels, sources):
            allowed = [one for one in some if one.agrees is not False]
            if allowed:
                best = max(allowed, key=lambda one: one.order)
                _check_alone(best.link, allowed)
                link = _in_index(best.link, offers.of(pin.project, pin.version)) if pin.links else best.link
                return Choice(best.distribution, link, pin.hashes)
        for one in (*wheels, *sources):
            raise mismatch(one.distribution.file_name, pin.hashes, one.link.hashes, one.link.listed_in)
        return None

    def _candidate(self, link: Link, pin: Pin) -> _Candidate | None:
        if not self._is_admitted(link.requires_python):
            return None
        try:
            distribution = Distribution.parse(link.file_name)
        except FormatError:  # old indexes hold names that no client installs any more
            return None
        ranks = [self._ranks[tag] for tag in distribution.tags if tag in self._ranks]
        if distribution.is_wheel and not ranks:
            return None
        return _Candidate(distribution, link, agrees(link.hashes, pin.hashes), min(ranks, default=0))

    def _is_admitted(self, requires_python: str | None) -> bool:
        specifiers = specifiers_in(requires_python)
        return specifiers is None or self._target.is_admitted(specifiers)


def _check_alone(chosen: Link, allowed: Sequence[_Candidate]) -> None:
    """Prove that no other index has another file under the same name.

    Raises:
        FormatError: content-mismatch: nobody knows which is meant.
    """
    for other in (one.link for one in allowed if one.link.file_name == chosen.file_name):
        if contradicts(chosen.hashes, other.hashes):
            raise FormatError(
                f"{chosen.file_name}: expected {told(chosen.hashes)} as in {chosen.listed_in}, "
                f"got {told(other.hashes)} in {other.listed_in}",
                reason=Reason.CONTENT_MISMATCH,
                hint="make a lock with hashes from the index that is meant, and name that",
            )


@lru_cache(maxsize=4096)
def specifiers_in(text: str | None) -> SpecifierSet | None:
    """What a file says of Pythons; None where it says nothing, or nothing with a meaning, as for pip."""
    try:
        return SpecifierSet(text) if text and len(text) <= MAX_TEXT else None
    except ValueError:  # also of numbers that are too long
        return None


def agrees(said: Hashes, wanted: Hashes) -> bool | None:
    """Whether one of the wanted digests is among those that are said; None where no algorithm is common to both."""
    if {algorithm for algorithm, _ in said}.isdisjoint(algorithm for algorithm, _ in wanted):
        return None
    return not said.isdisjoint(wanted)


def _in_index(locked: Link, offered: Sequence[Link]) -> Link:
    """A file of a lock where the index has it, the lock's own address second; as the lock says where it has not.

    Raises:
        FormatError: content-mismatch: the index says another digest or size.
    """
    named = [link for link in offered if link.file_name == locked.file_name]
    if not named:
        return locked
    link = next((link for link in named if not contradicts(link.hashes, locked.hashes)), None)
    if link is None:
        raise mismatch(locked.file_name, locked.hashes, named[0].hashes, named[0].listed_in)
    if None not in {link.size, locked.size} and link.size != locked.size:
        raise FormatError(
            f"{link.file_name}: expected {locked.size} bytes as the lock says, got {link.size} in {link.listed_in}",
            reason=Reason.CONTENT_MISMATCH,
        )
    return link._replace(
        hashes=link.hashes | locked.hashes,
        size=link.size if locked.size is None else locked.size,
        uploaded=link.uploaded or locked.uploaded,
        requires_python=link.requires_python or locked.requires_python,
        further=tuple({resolve(locked.page, locked.url)} - {resolve(link.page, link.url)}),
    )


def contradicts(one: Hashes, other: Hashes) -> bool:
    """Whether two lists of all digests of a file differ in some algorithm."""
    return len(dict(one | other)) != len(one | other)


def told(hashes: Hashes) -> str:
    """Digests for a message: the first, and how many more."""
    first, *others = sorted(f"{algorithm}:{digits}" for algorithm, digits in hashes)
    return first + (f" or one of {len(others)} more" if others else "")


def mismatch(file_name: str, wanted: Hashes, got: Hashes, place: str) -> FormatError:
    """The error for a file that is not the one of the lock. ``place`` says what was looked at."""
    return FormatError(
        f"{file_name}: expected {told(wanted)} as the lock says, got {told(got)} in {place}",
        reason=Reason.CONTENT_MISMATCH,
        hint="the index is not the one that the lock was made with, or it changed the file",
    )
