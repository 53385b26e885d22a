"""npm packages, from what people ask for to artifacts with their evidence.

Two steps, so that everything can be shown before anything is downloaded: ``resolve_npm`` reads locks and what registries
say, ``collect`` downloads the tarballs and holds each against the digest that its lock pins.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from airgap.connected.collect.npm.ask import ask, folders_of
from airgap.connected.collect.npm.index import Indexed, look_up, source_of
from airgap.connected.collect.npm.offer import Offer, make_offer
from airgap.connected.collect.npm.platforms import is_for, parse_target, write_limits
from airgap.connected.collect.npm.proof import Proof, prove
from airgap.connected.collect.npm.settings import read_settings
from airgap.connected.collect.npm.supplied import Supplied
from airgap.connected.collected import Carried, Collected, Planned
from airgap.connected.request import NpmSource
from airgap.connected.web.failures import raise_all
from airgap.core.entries import Loss
from airgap.core.errors import FormatError
from airgap.evidence.npm import purl_of

if TYPE_CHECKING:
    from airgap.connected.web.access import Access
    from airgap.connected.web.fetcher import Fetcher

MAX_HOP = 200


@dataclass(frozen=True, slots=True)
class Resolved:
    """Everything that is known before a tarball is downloaded.

    Attributes:
        wanted: what was asked for.
        offers: the tarballs that travel, by their path.
        proofs: what the registries give for each of them.
        documents: trimmed packuments, those of packages that stay behind included.
        losses: what stays behind, and the evidence that is missing.
        supplied: evidence that came with the request.
    """

    wanted: NpmSource
    offers: Sequence[Offer]
    proofs: Sequence[Proof]
    documents: Sequence[Carried]
    losses: Sequence[Loss]
    supplied: Supplied
    fetcher: "Fetcher"

    def planned(self) -> list[Planned]:
        """What would travel; the sizes are asked for, where the registry tells them."""
        sizes = self.fetcher.sizes([offer.download() for offer in self.offers])
        return [Planned(offer.path, offer.purl, size) for offer, size in zip(self.offers, sizes, strict=True)]

    def collect(self) -> Iterator[Collected | Carried | Loss]:
        """The tarballs with their evidence, the documents and the losses.

        Raises:
            FormatError: a tarball is not what its lock or registry says (reason content-mismatch).
            UsageError: a tarball cannot be had.
        """
        files = self.fetcher.files([offer.download() for offer in self.offers])
        for offer, proof, file in zip(self.offers, self.proofs, files, strict=True):
            evidence = proof.evidence(self.supplied.evidence_of(offer.locked))
            yield Collected(
                source=source_of(offer.path, file),
                purl=offer.purl,
                evidence=(*evidence, *(self.supplied.keys if evidence else ())),
                custody=self._custody(offer),
            )
        yield from self.documents
        yield from self.losses

    def _custody(self, offer: Offer) -> tuple[dict[str, str], ...]:
        asked = (dict(self.wanted.requested_by),) if self.wanted.requested_by else ()
        return (*asked, {"kind": "registry", "name": offer.registry[:MAX_HOP]})


def resolve_npm(wanted: NpmSource, open_fetcher: "Callable[[Access], Fetcher]") -> Resolved:
    """Find out what a source asks for, and where it is.

    Raises:
        UsageError: what is asked for makes no sense, a registry does not have it, or there is no npm on this machine.
        FormatError: a broken or hostile lock, or a registry that contradicts it.
    """
    targets = [parse_target(text) for text in wanted.targets]
    settings = read_settings(folders_of(wanted))
    packages = ask(wanted)
    fetcher = open_fetcher(settings.access())
    indexed, documents = look_up(packages, targets, settings, fetcher)
    taken = [item for item in indexed if item.release is not None and is_for(item.limits, targets)]
    left = [item for item in indexed if item.release is None or not is_for(item.limits, targets)]
    offers = _make_offers(taken)
    supplied = Supplied(wanted, [offer.locked for offer in offers])
    proofs = prove(offers, fetcher)
    found = Resolved(wanted, offers, proofs, documents, [], supplied, fetcher)
    return replace(found, losses=[*map(_stay, left), *_unproven(found), *supplied.losses])


def _make_offers(taken: Sequence[Indexed]) -> list[Offer]:
    """The offers of all packages.

    Raises:
        FormatError: a registry contradicts the lock; all that it does so for are named.
    """
    offers: list[Offer] = []
    errors: list[FormatError] = []
    for item in taken:
        try:
            offers.append(make_offer(item))
        except FormatError as exc:
            errors.append(exc)
    raise_all(errors)
    return offers


def _stay(item: Indexed) -> Loss:
    """That a package stays behind."""
    detail = f"for other platforms: {write_limits(item.limits)}"
    if item.release is None:
        detail += "; the registry does not have it"
    return Loss(purl_of(item.locked.name, item.locked.version), "not-selected", detail)


def _unproven(found: Resolved) -> Iterator[Loss]:
    for offer, proof in zip(found.offers, found.proofs, strict=True):
        loss = proof.loss(offer.purl, found.supplied.evidence_of(offer.locked))
        if loss:
            yield loss
