"""Evidence that registries give: their signatures with the list of their keys, and attestations.

Source: npm documentation, "About registry signatures"; npm, pacote, ``registry.js``: attestations are asked for at the
configured registry, whatever host the link to them names. The time of publication is left out of the document: it is not
signed, and mirrors falsify it.
"""

import hashlib
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final, NamedTuple

from airgap.connected.collect.npm.index import JSON, keep
from airgap.connected.collect.npm.naming import attestations_url, keys_url
from airgap.connected.collect.npm.offer import Offer
from airgap.connected.collect.npm.supplied import Evidence
from airgap.connected.collected import FileSource
from airgap.connected.web.wanted import Answer, Page
from airgap.core import canonical
from airgap.core.entries import Loss, Role
from airgap.core.errors import FormatError
from airgap.core.foreign import load_object
from airgap.core.vouching import UNSIGNED, WITHHELD
from airgap.evidence.npm import MEDIA_TYPE
from airgap.evidence.npm_keys import MAX_LIST
from airgap.evidence.subject import MAX_PIECE

if TYPE_CHECKING:
    from airgap.connected.web.fetcher import Fetcher

SIGNATURE: Final = ".npm-signature.json"
ATTESTATIONS: Final = ".attestations.json"
_BATCH: Final = 64


class Proof(NamedTuple):
    """What a registry gives for one package. ``missing`` says what it announces and does not give, "" for nothing."""

    signature: FileSource | None
    attestations: FileSource | None
    keys: FileSource | None
    missing: str

    def evidence(self, supplied: Sequence[Evidence]) -> list[Evidence]:
        """All evidence of the package; what people supply goes before what the registry gives under the same name."""
        found = {
            source.path: (source, role, media)
            for source, role, media in (
                (self.signature, Role.SIGNATURE, MEDIA_TYPE),
                (self.attestations, Role.ATTESTATION, JSON),
            )
            if source
        }
        found |= {item[0].path: item for item in supplied}
        if self.keys and any(path.endswith((SIGNATURE, ATTESTATIONS)) for path in found):
            found[self.keys.path] = (self.keys, Role.ANCHOR_DATA, JSON)
        return list(found.values())

    def loss(self, purl: str, supplied: Sequence[Evidence]) -> Loss | None:
        """What the bundle has to say about evidence that it lacks."""
        names = {source.path for source, _, _ in supplied}
        if self.missing and not any(name.endswith(ATTESTATIONS) for name in names):
            return Loss(purl, WITHHELD, self.missing)
        if self.signature or names:
            return None
        if self.keys:
            return Loss(purl, UNSIGNED, "the registry has signing keys, and no signature of this package")
        return Loss(purl, WITHHELD, "the registry gives neither signatures nor the list of its keys")


def prove(offers: Sequence[Offer], fetcher: "Fetcher") -> list[Proof]:
    """What the registries give for each package.

    Raises:
        UsageError: a registry that cannot be reached.
    """
    lists = _key_lists(sorted({offer.registry for offer in offers}), fetcher)
    announced = [offer for offer in offers if "attestations" in offer.dist]
    given = _attestations(announced, fetcher)
    return [
        Proof(
            signature=_signature(offer, fetcher),
            attestations=given.get(offer.path),
            keys=lists.get(offer.registry),
            missing="the registry announces attestations and does not give them"
            if "attestations" in offer.dist and offer.path not in given
            else "",
        )
        for offer in offers
    ]


def _signature(offer: Offer, fetcher: "Fetcher") -> FileSource | None:
    """The registry's signatures in the exporter's document; none without the SHA-512 that they are over."""
    signatures = offer.dist.get("signatures")
    if not signatures or offer.integrity is None:
        return None
    said = {
        "name": offer.locked.name,
        "version": offer.locked.version,
        "integrity": offer.integrity,
        "signatures": signatures,
    }
    return keep(_beside(offer, SIGNATURE), canonical.encode(said), fetcher)


def _key_lists(registries: Sequence[str], fetcher: "Fetcher") -> Mapping[str, FileSource]:
    """The key lists of the registries that have one, named by their content: two registries may have the same."""
    answers = _ask([(keys_url(registry), "npm key list", MAX_LIST) for registry in registries], fetcher)
    found = {}
    for registry, answer in zip(registries, answers, strict=True):
        if _has_list(answer, "keys"):
            digest = hashlib.sha256(answer.content).hexdigest()
            found[registry] = keep(f"documents/keys/npm-keys-{digest[:16]}.json", answer.content, fetcher)
    return found


def _attestations(offers: Sequence[Offer], fetcher: "Fetcher") -> Mapping[str, FileSource]:
    """The attestations that registries give, by the path of their artifact."""
    found = {}
    for start in range(0, len(offers), _BATCH):
        batch = offers[start : start + _BATCH]
        pages = [(_attestations_of(offer), f"attestations of {offer.locked.release}", MAX_PIECE) for offer in batch]
        for offer, answer in zip(batch, _ask(pages, fetcher), strict=True):
            if _has_list(answer, "attestations"):
                found[offer.path] = keep(_beside(offer, ATTESTATIONS), answer.content, fetcher)
    return found


def _attestations_of(offer: Offer) -> str:
    return attestations_url(offer.registry, offer.locked.name, offer.locked.version)


def _ask(pages: Sequence[tuple[str, str, int]], fetcher: "Fetcher") -> list[Answer]:
    return fetcher.pages(
        [Page(url=url, accept=JSON, name=name, limit=limit, is_optional=True) for url, name, limit in pages]
    )


def _has_list(answer: Answer, member: str) -> bool:
    """Whether an answer is a JSON object with a list that is not empty; some mirrors answer everything with a page."""
    if answer.status != 200:
        return False
    try:
        said = load_object(answer.content, what=member)
    except FormatError:
        return False
    return isinstance(said.get(member), list) and bool(said[member])


def _beside(offer: Offer, suffix: str) -> str:
    return f"documents/npm/{offer.place}{suffix}"
