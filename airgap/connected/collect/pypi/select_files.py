"""From releases to files: a wheel for each machine, or a source with everything that builds it."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from airgap.connected.collect.pypi.ask import FindResolver, Wish, resolve
from airgap.connected.collect.pypi.carry import Carry, downloads, settle
from airgap.connected.collect.pypi.choose import Choice, Chooser
from airgap.connected.collect.pypi.index import Offers, Pages
from airgap.connected.collect.pypi.pin import Pin
from airgap.connected.collect.pypi.requirements_text import Requirements, parse_line
from airgap.connected.collect.pypi.source_tree import build_requirements
from airgap.connected.collect.pypi.target import Target
from airgap.connected.web.failures import raise_all
from airgap.connected.web.wanted import Download, Fetched
from airgap.core.entries import Loss
from airgap.core.errors import FormatError, UsageError

Chosen = tuple[Choice, Target]
_SHOWN = 40


class Files(Pages, Protocol):
    """What reads pages and downloads files."""

    def files(self, wanted: Sequence[Download]) -> list[Fetched]:
        """Files in the order of the wishes."""
        ...


@dataclass(slots=True)
class Selection:
    """What was chosen.

    Attributes:
        attesting: the indexes that name attestations of some file.
        losses: what has to be built inside.
    """

    files: list[Carry] = field(default_factory=list)
    attesting: set[str] = field(default_factory=set)
    losses: list[Loss] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Selector:
    """Chooses files.

    Attributes:
        ask_indexes: reads what the indexes offer of releases.
        fetcher: downloads sources, because only inside them stands what builds them.
        find_resolver: called only where something has to be built.
        sdists: whether a source may travel where no wheel fits.
    """

    ask_indexes: Callable[[Iterable[Pin]], Offers]
    fetcher: Files
    find_resolver: FindResolver
    sdists: bool

    def select(self, wishes: Sequence[Wish]) -> Selection:
        """Choose a file for each release and target.

        Raises:
            UsageError: there is none for some of them; all are named.
            FormatError: content-mismatch: an index contradicts a lock.
        """
        selection = Selection()
        chosen = self._choose(wishes, selection, sdists=self.sdists)
        sources = [one for one in chosen if not one[0].distribution.is_wheel]
        if sources:
            chosen += self._choose(self._builders(sources), selection, sdists=False)
            selection.losses += [_to_build(file) for file in settle(sources)]
        selection.files = settle(chosen)
        return selection

    def _choose(self, wishes: Sequence[Wish], selection: Selection, *, sdists: bool) -> list[Chosen]:
        offers = self.ask_indexes(pin for pin, _ in wishes)
        selection.attesting |= offers.attesting
        choosers: dict[Target, Chooser] = {}
        chosen: list[Chosen] = []
        missing: list[str] = []
        contradicted: dict[str, FormatError] = {}
        for pin, target in wishes:
            if target not in choosers:
                choosers[target] = Chooser(target, sdists=sdists)
            try:
                choice = choosers[target].choose(pin, offers)
            except FormatError as exc:
                contradicted.setdefault(exc.message, exc)
                continue
            if choice:
                chosen.append((choice, target))
            else:
                missing.append(_missing(pin, target, offers))
        raise_all(list(contradicted.values()))
        if missing:
            raise _none_fits(missing, sdists=sdists)
        return chosen

    def _builders(self, sources: Sequence[Chosen]) -> list[Wish]:
        """What builds sources on the machines that they were chosen for; each builds in an environment of its own."""
        files = settle(sources)
        wishes: dict[Wish, None] = {}
        for file, fetched in zip(files, self.fetcher.files(downloads(files)), strict=True):
            file.check(fetched)
            texts = build_requirements(file.distribution, fetched.file)
            wanted = Requirements([parse_line(text, where=file.file_name) for text in texts])
            for target in file.targets if wanted.lines else ():
                wishes |= dict.fromkeys(resolve(wanted, target, self.find_resolver(), may_build=False))
        return list(wishes)


def _to_build(file: Carry) -> Loss:
    targets = ", ".join(target.name for target in file.targets)
    detail = f"{file.file_name}: no wheel for {targets}; its source travels with what builds it, and is built inside"
    return Loss(file.distribution.purl, "not-selected", detail)


def _missing(pin: Pin, target: Target, offers: Offers) -> str:
    is_known = pin.links or offers.of(pin.project, pin.version)
    return f"{pin.release} for {target.name}" + ("" if is_known else " (no such release in the index)")


def _none_fits(missing: Sequence[str], *, sdists: bool) -> UsageError:
    more = f" and {len(missing) - _SHOWN} more" if len(missing) > _SHOWN else ""
    what = "a file" if sdists else "a wheel"
    return UsageError(
        f"request: expected {what} of each package for each target, got none of {', '.join(missing[:_SHOWN])}{more}",
        hint="name other targets or versions" if sdists else "sdists = true carries sources, and what builds them inside",
    )
